/** The table of all sessions: the authority on who is connected, where, with which address. */
import type { SessionState } from '../admin/gateway-view.ts';
import type { SessionId } from '../worker/messages.ts';

export interface SessionRow {
  readonly id: SessionId;
  /** The id that people, accounting and the API use; never used again, also not after a restart. */
  readonly publicId: string;
  readonly worker: number;
  /** Place of its counters in the worker's block. */
  readonly slot: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly tls: { readonly version: string; readonly cipher: string };
  readonly correlationId: string | undefined;
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  state: SessionState;
  user: string;
  method: string | undefined;
  /** Leased to this session, and routed to its worker. */
  ipv4: number | undefined;
  mtu: number | undefined;
  upAt: number | undefined;
}

export class SessionTable {
  readonly #rows = new Map<SessionId, SessionRow>();
  readonly #byPublicId = new Map<string, SessionRow>();
  readonly #countByUser = new Map<string, number>();
  readonly #countByState: Record<SessionState, number> = { negotiating: 0, authenticating: 0, up: 0, closing: 0 };

  get size(): number {
    return this.#rows.size;
  }

  get countByState(): Readonly<Record<SessionState, number>> {
    return this.#countByState;
  }

  /** Sessions that carry this user name: authenticated ones. */
  countOfUser(user: string): number {
    return this.#countByUser.get(user) ?? 0;
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

  find(publicId: string): SessionRow | undefined {
    return this.#byPublicId.get(publicId);
  }

  rows(): IterableIterator<SessionRow> {
    return this.#rows.values();
  }

  ofWorker(worker: number): SessionRow[] {
    return [...this.#rows.values()].filter(row => row.worker === worker);
  }

  setState(row: SessionRow, state: SessionState): void {
    this.#countByState[row.state]--;
    row.state = state;
    this.#countByState[state]++;
  }

  setUser(row: SessionRow, user: string): void {
    this.#forgetUser(row.user);
    row.user = user;
    this.#countByUser.set(user, this.countOfUser(user) + 1);
  }

  delete(row: SessionRow): void {
    this.#rows.delete(row.id);
    this.#byPublicId.delete(row.publicId);
    this.#countByState[row.state]--;
    this.#forgetUser(row.user);
  }

  #forgetUser(user: string): void {
    const count = this.#countByUser.get(user);
    if (count === undefined) return;
    if (count === 1) this.#countByUser.delete(user);
    else this.#countByUser.set(user, count - 1);
  }
}
