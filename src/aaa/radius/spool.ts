/**
 * Accounting that is not finished: requests that no server has acknowledged, and sessions whose Stop is still to come. In memory, and
 * in the journal, of which this is the image.
 *
 * Bounded. When the limit is reached no session is begun any more, but the Stop of one that was begun always finds room: every
 * session has either both or none. Interims give way: a newer one says all that an older one said.
 */
import type { AccountedTraffic } from '../accounting.ts';
import { AcctStatus } from './acct-status.ts';
import { entryLength, type AccountingRequest, type JournalEntry, type JournalSession } from './journal-entry.ts';
import { Journal } from './journal.ts';

export interface SpoolOptions {
  readonly directory: string;
  /** Of what is not finished; files may take twice as much and {@link SLACK_BYTES}. */
  readonly limitBytes: number;
  /** Between attempts to get a file again after the disk has failed. */
  readonly repairDelayMs?: number;
}

export interface SpoolEvents {
  /** These may be sent: the journal has them, or cannot. In the order of their numbers. */
  ready(requests: readonly AccountingRequest[]): void;
  /** The journal does not take any more until the disk does; nothing is lost while the process lives. */
  failed(error: Error): void;
}

/** What an earlier process left. */
export interface SpoolRecovery {
  readonly sessions: readonly JournalSession[];
  readonly requests: readonly AccountingRequest[];
  readonly damagedBytes: number;
}

/** Garbage that is not worth the copying of what is still of use. */
const SLACK_BYTES = 4 * 1024 * 1024;
/** Entries copied in one turn of the event loop: a few milliseconds. */
const COPIES_PER_TURN = 500;
const REPAIR_DELAY_MS = 5_000;

export class Spool {
  readonly #options: SpoolOptions;
  readonly #events: SpoolEvents;
  readonly #journal: Journal;
  /** Those heard of longest ago come first. */
  readonly #sessions = new Map<string, JournalSession>();
  readonly #requests = new Map<number, AccountingRequest>();
  #bytes = 0;
  #nextNumber = 1;
  #unwritten: AccountingRequest[] = [];
  #copying: NodeJS.Immediate | undefined;
  #repairing: NodeJS.Timeout | undefined;

  /** @throws the system's error when the directory cannot be used */
  static open(options: SpoolOptions, events: SpoolEvents): { spool: Spool; recovery: SpoolRecovery } {
    const spool = new Spool(options, events);
    return { spool, recovery: spool.#recover() };
  }

  private constructor(options: SpoolOptions, events: SpoolEvents) {
    this.#options = options;
    this.#events = events;
    this.#journal = new Journal(options.directory, {
      written: () => this.#onWritten(),
      failed: error => this.#onFailed(error),
    });
  }

  /** Requests that are not acknowledged. */
  get size(): number {
    return this.#requests.size;
  }

  /** What is not finished, not the files. */
  get bytes(): number {
    return this.#bytes;
  }

  session(id: string): JournalSession | undefined {
    return this.#sessions.get(id);
  }

  /** Of sessions that are open, those heard of longest ago first. */
  sessions(): IterableIterator<JournalSession> {
    return this.#sessions.values();
  }

  /** A Start. False when there is no room for it and its Stop. */
  begin(session: JournalSession): boolean {
    if (this.#bytes + 2 * entryLength(session) > this.#options.limitBytes) return false;
    this.#add(session, AcctStatus.Start);
    return true;
  }

  /** An Interim. False when there is no session of this name, or no room. */
  interim(id: string, traffic: AccountedTraffic, at: number): boolean {
    const known = this.#sessions.get(id);
    if (known === undefined || this.#bytes + entryLength(known) > this.#options.limitBytes) return false;
    this.#add({ ...known, traffic, at }, AcctStatus.Interim);
    return true;
  }

  /** A Stop. False when there is no session of this name. */
  end(id: string, cause: number, traffic: AccountedTraffic, at: number): boolean {
    const known = this.#sessions.get(id);
    if (known === undefined) return false;
    this.#add({ ...known, traffic, at }, AcctStatus.Stop, cause);
    return true;
  }

  /** Accounting-On or -Off: about the gateway, not about one of its sessions. */
  announce(status: typeof AcctStatus.On | typeof AcctStatus.Off, attributes: Uint8Array, at: number): void {
    const traffic = { rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0 };
    this.#add({ id: '', upAt: at, at, traffic, attributes }, status);
  }

  /** How far the session has come, in case that this process does not live to say it. */
  note(id: string, traffic: AccountedTraffic, at: number): void {
    const known = this.#sessions.get(id);
    if (known === undefined) return;
    this.#keep({ ...known, traffic, at });
    this.#append({ kind: 'traffic', id, traffic, at });
  }

  /** What requests about the session are to repeat from now on. */
  change(id: string, attributes: Uint8Array): void {
    const known = this.#sessions.get(id);
    if (known === undefined) return;
    const session = { ...known, attributes };
    this.#keep(session);
    this.#append({ kind: 'session', session });
  }

  /** Acknowledged, or not to be sent any more. */
  remove(request: AccountingRequest): void {
    if (!this.#requests.delete(request.number)) return;
    this.#bytes -= entryLength(request);
    this.#append({ kind: 'acknowledged', number: request.number });
    this.#compactWhenDue();
  }

  /** Makes everything ready now that would be so at the end of the turn. */
  flush(): void {
    this.#journal.flush();
  }

  close(): void {
    clearImmediate(this.#copying);
    clearTimeout(this.#repairing);
    this.#journal.close();
  }

  #add(session: JournalSession, status: AcctStatus, cause = 0): void {
    const request: AccountingRequest = { ...session, number: this.#nextNumber++, status, cause };
    this.#remember(request);
    if (status === AcctStatus.Stop) this.#forget(session.id);
    else if (session.id !== '') this.#keep(session);
    this.#unwritten.push(request);
    this.#append({ kind: 'request', request });
  }

  #remember(request: AccountingRequest): void {
    if (!this.#requests.has(request.number)) this.#bytes += entryLength(request);
    this.#requests.set(request.number, request);
  }

  #keep(session: JournalSession): void {
    this.#forget(session.id);
    this.#bytes += entryLength(session);
    this.#sessions.set(session.id, session);
  }

  #forget(id: string): void {
    const known = this.#sessions.get(id);
    if (known === undefined) return;
    this.#bytes -= entryLength(known);
    this.#sessions.delete(id);
  }

  #append(entry: JournalEntry): void {
    this.#journal.append(entry);
  }

  #onWritten(): void {
    const requests = this.#unwritten.filter(({ number }) => this.#requests.has(number));
    this.#unwritten = [];
    if (requests.length > 0) this.#events.ready(requests);
  }

  // --- what earlier processes left

  #recover(): SpoolRecovery {
    const { entries, damagedBytes } = this.#journal.recover();
    for (const entry of entries) this.#replay(entry);
    const requests = [...this.#requests.values()].sort((a, b) => a.number - b.number);
    const sessions = [...this.#sessions.values()];
    this.#compact();
    return { sessions, requests, damagedBytes };
  }

  #replay(entry: JournalEntry): void {
    switch (entry.kind) {
      case 'request': {
        const { request } = entry;
        this.#count(request);
        if (request.status === AcctStatus.Stop) this.#forget(request.id);
        else if (request.id !== '') this.#keep(sessionOf(request));
        break;
      }
      case 'copy':
        this.#count(entry.request);
        break;
      case 'acknowledged': {
        const request = this.#requests.get(entry.number);
        if (request === undefined) break;
        this.#requests.delete(entry.number);
        this.#bytes -= entryLength(request);
        break;
      }
      case 'session':
        this.#keep(entry.session);
        break;
      case 'traffic': {
        const known = this.#sessions.get(entry.id);
        if (known !== undefined) this.#keep({ ...known, traffic: entry.traffic, at: entry.at });
        break;
      }
    }
  }

  #count(request: AccountingRequest): void {
    this.#remember(request);
    this.#nextNumber = Math.max(this.#nextNumber, request.number + 1);
  }

  // --- files

  #compactWhenDue(): void {
    if (this.#copying === undefined && this.#journal.bytes > 2 * this.#bytes + SLACK_BYTES) this.#compact();
  }

  /** Begins a file that needs no other: what is appended from now on goes there, what is not finished is copied bit by bit. */
  #compact(): void {
    try {
      this.#journal.rotate();
    } catch (error) {
      this.#onFailed(error as Error);
      return;
    }
    const copies = this.#unfinished();
    const copySome = (): void => {
      for (let copied = 0; copied < COPIES_PER_TURN; copied++) {
        const next = copies.next();
        if (next.done === true) {
          this.#copying = undefined;
          this.#journal.retire();
          return;
        }
        this.#append(next.value);
      }
      this.#copying = setImmediate(copySome);
    };
    clearImmediate(this.#copying);
    this.#copying = setImmediate(copySome);
  }

  /** What of this moment's sessions and requests is not finished when its turn comes. */
  *#unfinished(): Generator<JournalEntry, void> {
    for (const id of Array.from(this.#sessions.keys())) {
      const session = this.#sessions.get(id);
      if (session !== undefined) yield { kind: 'session', session };
    }
    for (const request of Array.from(this.#requests.values())) {
      if (this.#requests.has(request.number)) yield { kind: 'copy', request };
    }
  }

  #onFailed(error: Error): void {
    this.#events.failed(error);
    clearImmediate(this.#copying);
    this.#copying = undefined;
    clearTimeout(this.#repairing);
    this.#repairing = setTimeout(() => this.#compact(), this.#options.repairDelayMs ?? REPAIR_DELAY_MS).unref();
  }
}

function sessionOf({ id, upAt, attributes, at, traffic }: AccountingRequest): JournalSession {
  return { id, upAt, attributes, at, traffic };
}
