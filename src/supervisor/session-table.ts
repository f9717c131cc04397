/** The table of all sessions: the authority on who is connected, where, with which address. */
import type { SessionState } from '../admin/gateway-view.ts';
import type { AuthMethod } from '../protocol/ppp/credentials.ts';
import type { SessionId, SessionPolicy } from '../worker/messages.ts';
import type { Grant } from './grant.ts';
import type { TrafficMeter } from './traffic-meter.ts';

export interface SessionRow {
  readonly id: SessionId;
  /** The id that people, accounting and the API use; never used again, also not after a restart. */
  readonly publicId: string;
  readonly worker: number;
  /** Place of its counters in the worker's block. */
  readonly slot: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  /** What the client called the gateway. */
  readonly serverName: string | undefined;
  /** A small number that no other live session has. */
  readonly port: number;
  /** Name of the network device of its worker. */
  readonly device: string;
  readonly tls: { readonly version: string; readonly cipher: string };
  readonly correlationId: string | undefined;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  state: SessionState;
  user: string;
  method: AuthMethod | undefined;
  /** What the client says about itself in LCP. */
  identification: readonly string[];
  /** Undefined until it is accepted. */
  grant: Grant | undefined;
  /** Bytes of the longest IP packet: what LCP agreed on, then what the session has. */
  mtu: number | undefined;
  upAt: number | undefined;
  /** What its worker was told to see to. */
  policy: SessionPolicy | undefined;
  readonly meter: TrafficMeter;
}

export class SessionTable {
  readonly #rows = new Map<SessionId, SessionRow>();
  readonly #byPublicId = new Map<string, SessionRow>();
  /** Of those that have named themselves, and were let in. */
  readonly #byUser = new Map<string, Set<SessionRow>>();
  readonly #waits = new Set<{ readonly left: Set<SessionRow>; resolve: (isGone: boolean) => void }>();
  readonly #countByState: Record<SessionState, number> = { negotiating: 0, authenticating: 0, up: 0, closing: 0 };

  get size(): number {
    return this.#rows.size;
  }

  get countByState(): Readonly<Record<SessionState, number>> {
    return this.#countByState;
  }

  add(row: SessionRow): void {
    if (this.#rows.has(row.id)) throw new Error(`session ${row.publicId} was added twice`);
    this.#rows.set(row.id, row);
    this.#byPublicId.set(row.publicId, row);
    this.#countByState[row.state]++;
  }

  get(id: SessionId): SessionRow | undefined {
    return this.#rows.get(id);
  }

  /** Whether the session has not ended yet. */
  has(row: SessionRow): boolean {
    return this.#rows.get(row.id) === row;
  }

  find(publicId: string): SessionRow | undefined {
    return this.#byPublicId.get(publicId);
  }

  rows(): IterableIterator<SessionRow> {
    return this.#rows.values();
  }

  ofWorker(worker: number): SessionRow[] {
    return [...this.#rows.values()].filter(row => row.worker === worker);
  }

  /** Authenticated sessions of this user, the oldest first. */
  ofUser(user: string): SessionRow[] {
    return [...(this.#byUser.get(user) ?? [])];
  }

  /** Resolves when none of the sessions is left: true; false when one is after `limitMs`. */
  gone(rows: readonly SessionRow[], limitMs: number): Promise<boolean> {
    const left = new Set(rows.filter(row => this.has(row)));
    if (left.size === 0) return Promise.resolve(true);
    return new Promise(resolve => {
      const wait = { left, resolve };
      const timer = setTimeout(() => {
        this.#waits.delete(wait);
        resolve(false);
      }, limitMs);
      wait.resolve = isGone => {
        clearTimeout(timer);
        resolve(isGone);
      };
      this.#waits.add(wait);
    });
  }

  setState(row: SessionRow, state: SessionState): void {
    this.#countByState[row.state]--;
    row.state = state;
    this.#countByState[state]++;
  }

  setUser(row: SessionRow, user: string): void {
    this.#forgetUser(row);
    row.user = user;
    const rows = this.#byUser.get(user);
    if (rows === undefined) this.#byUser.set(user, new Set([row]));
    else rows.add(row);
  }

  delete(row: SessionRow): void {
    this.#rows.delete(row.id);
    this.#byPublicId.delete(row.publicId);
    this.#countByState[row.state]--;
    this.#forgetUser(row);
    for (const wait of this.#waits) {
      if (!wait.left.delete(row) || wait.left.size > 0) continue;
      this.#waits.delete(wait);
      wait.resolve(true);
    }
  }

  #forgetUser(row: SessionRow): void {
    const rows = this.#byUser.get(row.user);
    if (rows?.delete(row) === true && rows.size === 0) this.#byUser.delete(row.user);
  }
}
