/**
 * The life of every session as the main thread sees it, from the worker's `opened` to the freed row. Whatever takes a session away
 * (its end, its worker's death, shutdown) goes through `#end`, so a lease, a route, an accounting record and a row cannot outlive it.
 */
import type { Logger } from 'pino';
import type { Accounting } from '../aaa/accounting.ts';
import type { SelectableSession } from '../aaa/radius/session-selector.ts';
import type { SessionAttributes } from '../aaa/session-attributes.ts';
import type { SessionView } from '../admin/gateway-view.ts';
import { accountingCause, isFault } from '../protocol/end-reason.ts';
import type { TunnelEndReason } from '../protocol/end-reason.ts';
import type { FromWorker, SessionId, SessionPolicy, SessionTraffic, ToWorker } from '../worker/messages.ts';
import { monotonicMs } from '../worker/monotonic-clock.ts';
import { MAX_SLOTS } from '../worker/worker-counters.ts';
import { accountedSession, authSession } from './accounted-session.ts';
import type { Admission } from './admission.ts';
import type { EventFeed } from './event-feed.ts';
import type { GatewayCounters } from './gateway-counters.ts';
import { hookEnvironment } from './hook-environment.ts';
import type { Hooks } from './hooks.ts';
import type { PeerLog } from './peer-log.ts';
import { clientFacts, sessionFacts, sessionKeys, userText } from './session-facts.ts';
import type { SessionRow, SessionTable } from './session-table.ts';
import { sessionView } from './session-view.ts';
import { TrafficMeter } from './traffic-meter.ts';

export interface SessionsOptions {
  /** Name of this machine. */
  readonly node: string;
  readonly log: Logger;
  readonly peerLog: PeerLog;
  readonly table: SessionTable;
  readonly admission: Admission;
  readonly accounting: Accounting | undefined;
  readonly hooks: Hooks;
  readonly counters: GatewayCounters;
  readonly feed: EventFeed;
  readonly gateway: number;
  post(this: void, worker: number, message: ToWorker): void;
  /** Totals of a session whose worker lives. */
  traffic(worker: number, slot: number): SessionTraffic;
  /** Name of the network device of a worker. */
  device(worker: number): string;
  /** Seconds from HTTPS accept to session up. */
  handshake(this: void, seconds: number): void;
  /** Seconds from the event that ended a session to its freed row. */
  cleanup(seconds: number): void;
}

/** Those messages of a worker that are about one session. */
export type SessionMessage = Extract<FromWorker, { readonly session: SessionId }>;

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #log: Logger;
  readonly #table: SessionTable;
  /** Makes public session ids differ from those of an earlier start. */
  readonly #epoch = Math.floor(Date.now() / 1000).toString(16);

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#table = options.table;
  }

  handle(worker: number, message: SessionMessage): void {
    if (message.kind === 'opened') return this.#onOpened(worker, message);
    const row = this.#table.get(message.session);
    if (row === undefined)
      throw new Error(`a worker speaks of session ${this.#publicId(message.session)}, which is in no table`);
    switch (message.kind) {
      case 'verify':
        return void this.#onVerify(row, message);
      case 'authenticated':
        row.method = message.method;
        return undefined;
      case 'up':
        return this.#onUp(row, message);
      case 'networks':
        return this.#onNetworks(row, message.interfaceId);
      case 'closing':
        return this.#table.setState(row, 'closing');
      case 'closed':
        this.#end(row, message.reason, message.traffic);
        return this.#options.cleanup((monotonicMs() - message.at) / 1000);
    }
  }

  /** Begins an orderly end of the session; false when there is none of this id. */
  disconnect(publicId: string, reason: TunnelEndReason): boolean {
    const row = this.#table.find(publicId);
    if (row === undefined) return false;
    this.#options.post(row.worker, { kind: 'disconnect', session: row.id, reason });
    return true;
  }

  /** Public ids of the sessions that are up and that `fits` lets through. */
  find(fits: (session: SelectableSession) => boolean): string[] {
    const found: string[] = [];
    for (const row of this.#table.rows()) {
      const { grant, user } = row;
      if (grant === undefined || row.state !== 'up') continue;
      const { ipv4, interfaceId, ipv6Prefix } = grant;
      if (fits({ session: authSession(row), user, ipv4, interfaceId, ipv6Prefix })) found.push(row.publicId);
    }
    return found;
  }

  /** A change of authorization while the session is up. */
  change(publicId: string, changes: SessionAttributes): true | 'session-not-found' | 'not-changeable' {
    const { admission, accounting } = this.#options;
    const row = this.#table.find(publicId);
    if (row === undefined) return 'session-not-found';
    const policy = admission.change(row, changes);
    if (policy === undefined) return 'not-changeable';
    this.#setPolicy(row, policy);
    const { classes, routes, interimIntervalMs } = changes;
    accounting?.change(publicId, {
      ...(classes === undefined ? {} : { classes }),
      ...(routes === undefined ? {} : { routes }),
      ...(interimIntervalMs === undefined ? {} : { interimIntervalMs }),
    });
    this.#log.info({ ...clientFacts(row), changed: Object.keys(changes) }, 'session changed');
    return true;
  }

  /** The worker is gone and with it all its sessions; its counters still stand. @returns how many there were. */
  workerLost(worker: number): number {
    const rows = this.#table.ofWorker(worker);
    for (const row of rows) this.#end(row, 'worker-lost', this.#options.traffic(worker, row.slot));
    return rows.length;
  }

  /** Ends what is left without asking the workers. */
  endAll(reason: TunnelEndReason): void {
    for (const row of this.#table.rows()) this.#end(row, reason, this.#options.traffic(row.worker, row.slot));
  }

  /** What accounting is told about traffic while a session lives. */
  trafficOf(publicId: string): SessionTraffic | undefined {
    const row = this.#table.find(publicId);
    return row === undefined ? undefined : this.#options.traffic(row.worker, row.slot);
  }

  view(row: SessionRow): SessionView {
    return sessionView(row, this.#options.traffic(row.worker, row.slot), this.#options.node);
  }

  #onOpened(worker: number, message: Extract<FromWorker, { kind: 'opened' }>): void {
    const { kind: _, session, ...facts } = message;
    const row: SessionRow = {
      ...facts,
      id: session,
      publicId: this.#publicId(session),
      worker,
      port: worker * MAX_SLOTS + message.slot,
      device: this.#options.device(worker),
      state: 'negotiating',
      user: '',
      method: undefined,
      identification: [],
      grant: undefined,
      mtu: undefined,
      upAt: undefined,
      policy: undefined,
      meter: new TrafficMeter(),
    };
    this.#table.add(row);
    this.#log.debug({ ...clientFacts(row), tls: row.tls }, 'session opened');
  }

  async #onVerify(row: SessionRow, message: Extract<FromWorker, { kind: 'verify' }>): Promise<void> {
    const { credentials } = message;
    const { admission, counters, feed, peerLog, post } = this.#options;
    this.#table.setState(row, 'authenticating');
    row.identification = message.identification;
    row.mtu = message.mtu;
    const { result, verdict, policy } = await admission.decide(row, credentials);
    // The client may have left while somebody thought about it; then nothing was given to it.
    if (!this.#table.has(row)) return;
    if (verdict.kind !== 'challenge') counters.countAuth(credentials.kind, result);
    if (verdict.kind === 'rejected') {
      const { publicId: session, remoteAddress } = row;
      const { user, kind: method } = credentials;
      peerLog.warn('authentication refused', result, { ...clientFacts(row), user: userText(user), method });
      feed.emitOfPeer({ type: 'auth-refused', session, user, method, reason: result, remoteAddress });
    }
    if (policy !== undefined) this.#setPolicy(row, policy);
    post(row.worker, { kind: 'verdict', session: row.id, verdict });
  }

  #setPolicy(row: SessionRow, policy: SessionPolicy): void {
    row.policy = policy;
    this.#options.post(row.worker, { kind: 'policy', session: row.id, policy });
  }

  #onUp(row: SessionRow, { mtu, interfaceId }: Extract<FromWorker, { kind: 'up' }>): void {
    const { accounting, counters, feed, gateway, handshake, hooks } = this.#options;
    this.#table.setState(row, 'up');
    row.mtu = mtu;
    if (row.grant !== undefined) row.grant = { ...row.grant, interfaceId };
    row.upAt = Date.now();
    counters.starts++;
    const handshakeSeconds = (row.upAt - row.connectedAt) / 1000;
    handshake(handshakeSeconds);
    accounting?.start(accountedSession(row, row.upAt));
    hooks.run('up', sessionKeys(row), () => hookEnvironment(row, gateway));
    this.#log.info({ ...sessionFacts(row), handshakeSeconds }, 'session up');
    feed.emit(() => ({ type: 'session-up', session: this.view(row) }));
  }

  /** IPv6 may be agreed on after IPv4, with another identifier than was offered. When it is closed, the last one stays known. */
  #onNetworks(row: SessionRow, interfaceId: bigint | undefined): void {
    if (row.grant === undefined || interfaceId === undefined || interfaceId === row.grant.interfaceId) return;
    row.grant = { ...row.grant, interfaceId };
    this.#options.accounting?.change(row.publicId, { interfaceId });
  }

  #end(row: SessionRow, reason: TunnelEndReason, traffic: SessionTraffic): void {
    const { accounting, admission, counters, feed, gateway, hooks, node, peerLog } = this.#options;
    const { upAt } = row;
    const cause = accountingCause(reason);
    this.#table.delete(row);
    admission.release(row);
    counters.ends.add(cause);
    if (isFault(reason)) counters.aborts.add(reason);
    const seconds = (Date.now() - (upAt ?? row.connectedAt)) / 1000;
    if (upAt === undefined) {
      const line = isFault(reason) ? 'session ended by a fault' : 'session ended before it was up';
      peerLog[isFault(reason) ? 'warn' : 'info'](line, reason, { ...clientFacts(row), cause, seconds, ...traffic });
      return;
    }
    accounting?.stop(row.publicId, cause, traffic, Date.now());
    hooks.run('down', sessionKeys(row), () => hookEnvironment(row, gateway, { reason, cause, seconds, traffic }));
    feed.emit(() => ({ type: 'session-down', session: sessionView(row, traffic, node), reason, cause }));
    this.#log[isFault(reason) ? 'warn' : 'info'](
      { ...sessionFacts(row), reason, cause, seconds, ...traffic },
      'session down',
    );
  }

  #publicId(session: SessionId): string {
    const generation = Math.floor(session / 2 ** 32);
    return `${this.#epoch}-${generation.toString(16)}-${(session % 2 ** 32).toString(16)}`;
  }
}
