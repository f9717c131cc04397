/** Accounting by RADIUS (RFC 2866, RFC 2869): what happened becomes a request in the spool, and the spool is delivered. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { AccountingCause } from '../../protocol/end-reason.ts';
import { RadiusCode } from '../../wire/radius.ts';
import type { AccountedChanges, AccountedSession, AccountedTraffic, Accounting } from '../accounting.ts';
import { AcctStatus } from './acct-status.ts';
import { gatewayIdentity, requestAttributes, sessionIdentity, changedIdentity } from './accounting-attributes.ts';
import { RadiusClient, type RadiusServerStatus } from './client.ts';
import { Delivery } from './delivery.ts';
import type { AccountingRequest } from './journal-entry.ts';
import type { RadiusOptions } from '../../config/radius-options.ts';
import { Spool } from './spool.ts';
import { TERMINATE_CAUSE } from './terminate-cause.ts';

export interface RadiusAccountingOptions {
  readonly stateDir: string;
  /** Of what nobody has acknowledged and of sessions; {@link SPOOL_LIMIT_BYTES} when not given. */
  readonly spoolLimitBytes?: number;
  readonly radius: RadiusOptions;
  /** Whether the server is told that the gateway starts and stops. */
  readonly announces: boolean;
  /** Totals of a session that is up. */
  readonly traffic: (session: string) => AccountedTraffic | undefined;
  readonly log: Logger;
}

/** Since the start, but for `spooled`. */
export interface AccountingCounters {
  /** Attempts, each with a server's retransmissions. */
  readonly sent: number;
  readonly acknowledged: number;
  readonly retries: number;
  /** Interims that a newer request made needless before they were sent. */
  readonly superseded: number;
  /** Requests that found no room. */
  readonly dropped: number;
  /** Requests that are not acknowledged now. */
  readonly spooled: number;
}

/** Of entries of some 400 bytes: Start and Stop of 80,000 sessions. */
const SPOOL_LIMIT_BYTES = 64 * 1024 * 1024;
/** RFC 5080 2.2.1: MRD. Then it is a new request, with a new Acct-Delay-Time. */
const ATTEMPT_BUDGET_MS = 30_000;
/** What a killed gateway may miss of a session's time and traffic. */
const CHECKPOINT_MS = 60_000;
const CHECKPOINT_TICK_MS = 1_000;
/** A storm's sessions are due in one second: that many of them a tick. */
const CHECKPOINTS_PER_TICK = 500;
/** 24 days: a timer of Node fires at once when it is given more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class RadiusAccounting implements Accounting {
  #options: RadiusAccountingOptions;
  #client: RadiusClient;
  readonly #spool: Spool;
  readonly #delivery: Delivery;
  readonly #identity: Uint8Array;
  readonly #interims = new Map<string, Interim>();
  readonly #checkpoints: NodeJS.Timeout;
  #sent = 0;
  #acknowledged = 0;
  #superseded = 0;
  #dropped = 0;
  #isFull = false;

  /** Takes up what an earlier process left. @throws the system's error when the state directory cannot be used */
  constructor(options: RadiusAccountingOptions) {
    const { stateDir, log, spoolLimitBytes, announces, radius } = options;
    this.#options = options;
    this.#client = new RadiusClient({ ...radius, purpose: 'accounting' });
    this.#delivery = new Delivery({
      send: request => this.#send(request),
      done: (request, outcome) => this.#onDone(request, outcome),
    });
    const { spool, recovery } = Spool.open(
      { directory: join(stateDir, 'accounting'), limitBytes: spoolLimitBytes ?? SPOOL_LIMIT_BYTES },
      {
        ready: requests => this.#delivery.add(requests),
        failed: error => log.error({ err: error }, 'accounting cannot be written to the state directory'),
      },
    );
    this.#spool = spool;
    this.#delivery.add(recovery.requests);
    // RFC 2866 5.10: NAS-Reboot is for sessions that a crash ended.
    for (const { id, traffic, at } of recovery.sessions) spool.end(id, TERMINATE_CAUSE['NAS-Reboot'], traffic, at);
    const { damagedBytes } = recovery;
    if (recovery.requests.length + recovery.sessions.length + damagedBytes > 0) {
      log.warn(
        { requests: recovery.requests.length, sessions: recovery.sessions.length, damagedBytes },
        'accounting of an earlier start is taken up',
      );
    }
    this.#identity = gatewayIdentity(radius, Date.now());
    if (announces) spool.announce(AcctStatus.On, this.#identity, Date.now());
    this.#checkpoints = setInterval(() => this.#checkpoint(), CHECKPOINT_TICK_MS).unref();
  }

  get counters(): AccountingCounters {
    return {
      sent: this.#sent,
      acknowledged: this.#acknowledged,
      retries: this.#delivery.retries,
      superseded: this.#superseded,
      dropped: this.#dropped,
      spooled: this.#spool.size,
    };
  }

  /** Other servers from now on. What the old ones have not acknowledged is sent to the new ones. */
  configure(radius: RadiusOptions): void {
    const retired = this.#client;
    this.#options = { ...this.#options, radius };
    this.#client = new RadiusClient({ ...radius, purpose: 'accounting' });
    retired.close();
  }

  servers(): RadiusServerStatus[] {
    return this.#client.status();
  }

  start(session: AccountedSession): void {
    const { id } = session.session;
    const { upAt } = session;
    const attributes = sessionIdentity(session, this.#options.radius);
    const traffic = { rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0 };
    if (!this.#spool.begin({ id, upAt, at: upAt, traffic, attributes })) {
      this.#onFull();
      return;
    }
    this.#isFull = false;
    this.#scheduleInterims(id, session.interimIntervalMs ?? this.#options.radius.interimMs);
  }

  change(
    session: string,
    { interimIntervalMs, ...changes }: AccountedChanges & { readonly interimIntervalMs?: number },
  ): void {
    const known = this.#spool.session(session);
    if (known === undefined) return;
    if (Object.keys(changes).length > 0) this.#spool.change(session, changedIdentity(known.attributes, changes));
    if (interimIntervalMs !== undefined) this.#scheduleInterims(session, interimIntervalMs);
  }

  stop(session: string, cause: AccountingCause, traffic: AccountedTraffic, at: number): void {
    this.#cancelInterims(session);
    const known = this.#spool.session(session)?.traffic;
    // The totals of a worker that died are gone; what was known of them counts.
    const totals = known === undefined ? traffic : larger(known, traffic);
    if (!this.#spool.end(session, TERMINATE_CAUSE[cause], totals, at)) this.#dropped++;
  }

  async close(limitMs: number): Promise<void> {
    clearInterval(this.#checkpoints);
    for (const session of this.#interims.keys()) this.#cancelInterims(session);
    if (this.#options.announces) this.#spool.announce(AcctStatus.Off, this.#identity, Date.now());
    this.#spool.flush();
    const isDrained = await this.#delivery.drained(limitMs);
    this.#delivery.close();
    this.#client.close();
    if (!isDrained) {
      this.#options.log.warn(
        { requests: this.#spool.size },
        'accounting is kept for the next start: no server took it',
      );
    }
    this.#spool.close();
  }

  async #send(request: AccountingRequest): Promise<boolean> {
    this.#sent++;
    const { kind } = await this.#client.send({
      code: RadiusCode.AccountingRequest,
      attributes: () => requestAttributes(request, Date.now()),
      budgetMs: ATTEMPT_BUDGET_MS,
    });
    return kind === 'reply';
  }

  #onDone(request: AccountingRequest, outcome: 'acknowledged' | 'superseded'): void {
    this.#spool.remove(request);
    if (outcome === 'acknowledged') this.#acknowledged++;
    else this.#superseded++;
  }

  #onFull(): void {
    this.#dropped++;
    if (this.#isFull) return;
    this.#isFull = true;
    this.#options.log.error(
      { requests: this.#spool.size },
      'the accounting spool is full: new sessions go unaccounted',
    );
  }

  // --- sessions that go on

  #scheduleInterims(session: string, intervalMs: number | undefined): void {
    this.#cancelInterims(session);
    if (intervalMs === undefined) return;
    const interim: Interim = { intervalMs, timer: undefined };
    this.#interims.set(session, interim);
    this.#armInterim(session, interim);
  }

  #armInterim(session: string, interim: Interim): void {
    // Sessions of one storm do not report in one.
    const jitter = (Math.random() * 2 - 1) * this.#options.radius.interimJitter;
    interim.timer = setTimeout(
      () => {
        const traffic = this.#totals(session);
        if (traffic !== undefined && !this.#spool.interim(session, traffic, Date.now())) this.#onFull();
        this.#armInterim(session, interim);
      },
      Math.min(interim.intervalMs * (1 + jitter), LONGEST_TIMER_MS),
    ).unref();
  }

  #cancelInterims(session: string): void {
    clearTimeout(this.#interims.get(session)?.timer);
    this.#interims.delete(session);
  }

  #checkpoint(): void {
    const now = Date.now();
    let left = CHECKPOINTS_PER_TICK;
    for (const { id, at } of this.#spool.sessions()) {
      if (at > now - CHECKPOINT_MS || left-- === 0) return;
      const traffic = this.#totals(id);
      if (traffic !== undefined) this.#spool.note(id, traffic, now);
    }
  }

  #totals(session: string): AccountedTraffic | undefined {
    const known = this.#spool.session(session)?.traffic;
    const now = this.#options.traffic(session);
    return known === undefined || now === undefined ? known : larger(known, now);
  }
}

interface Interim {
  readonly intervalMs: number;
  timer: NodeJS.Timeout | undefined;
}

/** Totals never shrink. */
function larger(a: AccountedTraffic, b: AccountedTraffic): AccountedTraffic {
  return {
    rxBytes: Math.max(a.rxBytes, b.rxBytes),
    txBytes: Math.max(a.txBytes, b.txBytes),
    rxPackets: Math.max(a.rxPackets, b.rxPackets),
    txPackets: Math.max(a.txPackets, b.txPackets),
  };
}
