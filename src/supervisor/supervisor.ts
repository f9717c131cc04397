/**
 * The main thread's part: who is connected, who has which address, which routes the kernel knows.
 * It decides about credentials and leases; packets it never sees. Whatever takes a session away (its end, its worker's death,
 * shutdown) goes through `#free`, so a lease, a route and a row cannot outlive it.
 */
import type { Logger } from 'pino';
import type { GatewayView, Readiness, SessionView, StatusView } from '../admin/gateway-view.ts';
import type { UsersFile } from '../aaa/users.ts';
import type { Config } from '../config/schema.ts';
import { accountingCause, isFault } from '../protocol/end-reason.ts';
import type { TunnelEndReason } from '../protocol/end-reason.ts';
import type { Credentials } from '../protocol/ppp/credentials.ts';
import { formatIpv4 } from '../wire/ip.ts';
import type { FromWorker, SessionId, SessionTraffic } from '../worker/messages.ts';
import { monotonicMs } from '../worker/monotonic-clock.ts';
import { DROP_REASONS } from '../worker/worker-counters.ts';
import { Admission } from './admission.ts';
import { GatewayCounters } from './gateway-counters.ts';
import { Metrics } from './metrics.ts';
import type { Network } from './network.ts';
import { SampleWindow } from './sample-window.ts';
import { SessionTable } from './session-table.ts';
import type { SessionRow } from './session-table.ts';
import { WorkerPool } from './worker-pool.ts';
import { workerSettings } from './worker-settings.ts';

export interface SupervisorOptions {
  readonly config: Config;
  readonly version: string;
  /** Name of this machine in sessions and status. */
  readonly node: string;
  readonly log: Logger;
  readonly users: UsersFile;
  readonly network: Network;
  readonly hotpath: WebAssembly.Module;
  /** See WorkerPoolOptions. */
  readonly workerFile?: string;
}

const CLEANUP_SAMPLES = 4096;
/** How often a shutdown looks whether the last session is gone. */
const DRAIN_POLL_MS = 20;

export class Supervisor implements GatewayView {
  readonly #options: SupervisorOptions;
  readonly #log: Logger;
  readonly #table = new SessionTable();
  readonly #admission: Admission;
  readonly #workers: WorkerPool;
  readonly #counters = new GatewayCounters();
  readonly #metrics: Metrics;
  readonly #cleanups = new SampleWindow(CLEANUP_SAMPLES);
  readonly #startedAt = Date.now();
  /** Makes public session ids differ from those of an earlier start. */
  readonly #epoch = Math.floor(Date.now() / 1000).toString(16);
  #listening: string[] = [];
  #draining = false;
  /** Every row is gone; what workers still say about them is of no interest. */
  #stopped = false;
  /** Settles `start`; undefined when it has settled. */
  #starting: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(options: SupervisorOptions) {
    const { config } = options;
    this.#options = options;
    this.#log = options.log;
    this.#admission = new Admission(config.network.ipv4, options.users, options.network, this.#table);
    this.#workers = new WorkerPool(
      {
        workers: config.workers,
        settings: workerSettings(config, options.node),
        hotpath: options.hotpath,
        device: worker => options.network.device(worker),
        ...(options.workerFile === undefined ? {} : { filename: options.workerFile }),
      },
      {
        message: (worker, message) => this.#handle(worker, message),
        lost: (worker, error) => this.#onWorkerLost(worker, error),
      },
    );
    this.#metrics = new Metrics({
      counters: this.#counters,
      sessions: () => ({ ...this.#table.countByState }),
      pool: () => ({ size: this.#admission.pool.size, leased: this.#admission.pool.leased }),
      traffic: () => this.#traffic(),
      drops: () => this.#drops(),
      loopLag: () => this.#workers.counters.map(counters => counters.loopLag),
    });
  }

  /** Resolves when every worker accepts connections; rejects when one is lost before. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#starting = { resolve, reject };
      this.#workers.start();
    });
  }

  /** Ends every session in good order, at the latest after `drainTimeout`, then the workers and the network. */
  async stop(): Promise<void> {
    this.#draining = true;
    this.#workers.broadcast({ kind: 'drain' });
    const limit = performance.now() + this.#options.config.drainTimeout;
    while (this.#table.size > 0 && performance.now() < limit) {
      await new Promise(resolve => setTimeout(resolve, DRAIN_POLL_MS));
    }
    this.#stopped = true;
    for (const row of this.#table.rows()) this.#end(row, 'drain', this.#trafficOf(row));
    await this.#workers.stop();
    await this.#options.network.close();
  }

  // --- GatewayView

  status(): StatusView {
    const { config, version, node, network } = this.#options;
    return {
      version,
      node,
      startedAt: new Date(this.#startedAt).toISOString(),
      uptime: (Date.now() - this.#startedAt) / 1000,
      workers: this.#workers.views(),
      sessions: { ...this.#table.countByState },
      pool: { size: this.#admission.pool.size, leased: this.#admission.pool.leased },
      network: { mode: network.mode },
      listen: this.#listening.length > 0 ? this.#listening : config.listen.map(formatListen),
      cleanup: {
        count: this.#cleanups.count,
        p50: this.#cleanups.quantile(0.5),
        p99: this.#cleanups.quantile(0.99),
      },
      counters: {
        starts: this.#counters.starts,
        ends: this.#counters.ends.toRecord(),
        aborts: this.#counters.aborts.toRecord(),
        refusals: this.#counters.refusals.toRecord(),
        auth: this.#counters.auth(),
        drops: this.#drops(),
      },
    };
  }

  ready(): Readiness {
    const reasons: string[] = [];
    if (this.#draining) reasons.push('draining');
    const down = this.#workers.views().filter(worker => worker.state !== 'ready');
    if (!this.#draining) for (const worker of down) reasons.push(`worker ${worker.index} is ${worker.state}`);
    return { ready: reasons.length === 0, reasons };
  }

  *sessions(): Iterable<SessionView> {
    for (const row of this.#table.rows()) yield this.#view(row);
  }

  session(id: string): SessionView | undefined {
    const row = this.#table.find(id);
    return row === undefined ? undefined : this.#view(row);
  }

  disconnect(id: string): boolean {
    const row = this.#table.find(id);
    if (row === undefined) return false;
    this.#workers.post(row.worker, { kind: 'disconnect', session: row.id, reason: 'admin' });
    return true;
  }

  metrics(): Promise<string> {
    return this.#metrics.exposition();
  }

  // --- messages of the workers

  #handle(worker: number, message: FromWorker): void {
    if (this.#stopped) return;
    switch (message.kind) {
      case 'ready':
        this.#onReady(worker, message.listening);
        break;
      case 'refused':
        this.#counters.refusals.add(message.reason);
        this.#log.info(
          { worker, remoteAddress: message.remoteAddress, reason: message.reason, detail: message.detail },
          'connection refused',
        );
        break;
      case 'opened':
        this.#onOpened(worker, message);
        break;
      case 'verify':
        this.#withRow(message.session, row => this.#onVerify(row, message.credentials));
        break;
      case 'authenticated':
        this.#withRow(message.session, row => (row.method = message.method));
        break;
      case 'up':
        this.#withRow(message.session, row => this.#onUp(row, message.mtu));
        break;
      case 'closing':
        this.#withRow(message.session, row => this.#table.setState(row, 'closing'));
        break;
      case 'closed':
        this.#withRow(message.session, row => {
          this.#end(row, message.reason, message.traffic);
          const seconds = (monotonicMs() - message.at) / 1000;
          this.#cleanups.add(seconds);
          this.#metrics.cleanup.observe(seconds);
        });
        break;
    }
  }

  #onReady(worker: number, listening: readonly { readonly host: string; readonly port: number }[]): void {
    this.#listening = listening.map(formatListen);
    this.#log.info({ worker, listen: this.#listening }, 'worker accepts connections');
    if (this.#workers.views().every(view => view.state === 'ready')) {
      this.#starting?.resolve();
      this.#starting = undefined;
    }
  }

  #onOpened(worker: number, message: Extract<FromWorker, { kind: 'opened' }>): void {
    const row: SessionRow = {
      id: message.session,
      publicId: this.#publicId(message.session),
      worker,
      slot: message.slot,
      remoteAddress: message.remoteAddress,
      remotePort: message.remotePort,
      tls: message.tls,
      correlationId: message.correlationId,
      connectedAt: message.connectedAt,
      state: 'negotiating',
      user: '',
      method: undefined,
      ipv4: undefined,
      mtu: undefined,
      upAt: undefined,
    };
    this.#table.add(row);
    this.#log.debug(
      { session: row.publicId, remoteAddress: row.remoteAddress, correlationId: row.correlationId, tls: row.tls },
      'session opened',
    );
  }

  #onVerify(row: SessionRow, credentials: Credentials): void {
    this.#table.setState(row, 'authenticating');
    const { result, verdict } = this.#admission.decide(row, credentials);
    this.#counters.countAuth(credentials.kind, result);
    if (result !== 'accepted') {
      this.#log.warn(
        {
          session: row.publicId,
          user: credentials.user,
          method: credentials.kind,
          reason: result,
          remoteAddress: row.remoteAddress,
        },
        'authentication refused',
      );
    }
    this.#workers.post(row.worker, { kind: 'verdict', session: row.id, verdict });
  }

  #onUp(row: SessionRow, mtu: number): void {
    this.#table.setState(row, 'up');
    row.mtu = mtu;
    row.upAt = Date.now();
    this.#counters.starts++;
    this.#metrics.handshake.observe((row.upAt - row.connectedAt) / 1000);
    this.#log.info(
      {
        session: row.publicId,
        user: row.user,
        remoteAddress: row.remoteAddress,
        worker: row.worker,
        auth: row.method,
        tls: row.tls,
        ipv4: row.ipv4 === undefined ? undefined : formatIpv4(row.ipv4),
        mtu,
        correlationId: row.correlationId,
      },
      'session up',
    );
  }

  // --- the end of sessions

  #onWorkerLost(worker: number, error: Error): void {
    const rows = this.#table.ofWorker(worker);
    this.#counters.restarts++;
    this.#log.error({ worker, err: error, sessions: rows.length }, 'worker lost: its sessions are swept');
    const nothing: SessionTraffic = { rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0, drops: 0 };
    for (const row of rows) this.#end(row, 'worker-lost', nothing);
    this.#starting?.reject(error);
    this.#starting = undefined;
  }

  #end(row: SessionRow, reason: TunnelEndReason, traffic: SessionTraffic): void {
    const wasUp = row.upAt !== undefined;
    this.#free(row);
    const cause = accountingCause(reason);
    this.#counters.ends.add(cause);
    if (isFault(reason)) this.#counters.aborts.add(reason);
    const facts = {
      session: row.publicId,
      user: row.user,
      remoteAddress: row.remoteAddress,
      reason,
      cause,
      seconds: (Date.now() - row.connectedAt) / 1000,
      ...traffic,
    };
    if (isFault(reason)) this.#log.warn(facts, 'session ended by a fault');
    else this.#log.info(facts, wasUp ? 'session down' : 'session ended before it was up');
  }

  #free(row: SessionRow): void {
    this.#table.delete(row);
    this.#admission.release(row);
  }

  // --- small things

  #withRow(session: SessionId, act: (row: SessionRow) => void): void {
    const row = this.#table.get(session);
    if (row === undefined)
      throw new Error(`a worker speaks of session ${this.#publicId(session)}, which is in no table`);
    act(row);
  }

  #publicId(session: SessionId): string {
    const generation = Math.floor(session / 2 ** 32);
    return `${this.#epoch}-${generation.toString(16)}-${(session % 2 ** 32).toString(16)}`;
  }

  #view(row: SessionRow): SessionView {
    const traffic = this.#trafficOf(row);
    return {
      id: row.publicId,
      user: row.user,
      remoteAddress: formatListen({ host: row.remoteAddress, port: row.remotePort }),
      worker: row.worker,
      node: this.#options.node,
      state: row.state,
      auth: row.method ?? null,
      tls: row.tls,
      ipv4: row.ipv4 === undefined ? null : formatIpv4(row.ipv4),
      ipv6: null,
      mtu: row.mtu ?? null,
      connectedAt: new Date(row.connectedAt).toISOString(),
      upAt: row.upAt === undefined ? null : new Date(row.upAt).toISOString(),
      ...traffic,
    };
  }

  #trafficOf(row: SessionRow): SessionTraffic {
    return this.#workers.counters[row.worker]!.traffic(row.slot);
  }

  #traffic(): SessionTraffic {
    const sum = { rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0, drops: 0 };
    for (const counters of this.#workers.counters) {
      const totals = counters.totals();
      sum.rxBytes += totals.rxBytes;
      sum.txBytes += totals.txBytes;
      sum.rxPackets += totals.rxPackets;
      sum.txPackets += totals.txPackets;
      sum.drops += totals.drops;
    }
    return sum;
  }

  #drops(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      DROP_REASONS.map(reason => [
        reason,
        this.#workers.counters.reduce((sum, counters) => sum + counters.drops(reason), 0),
      ]),
    );
  }
}

function formatListen(address: { readonly host: string; readonly port: number }): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
