import type { Logger } from 'pino';
import type { CountBy } from '../admin/gateway-view.ts';
import { FloodGuard } from './flood-guard.ts';
import { Tally } from './gateway-counters.ts';

/** Lines that anybody on the network can cause, as often as it likes. */
export type PeerLine =
  | 'connection refused'
  | 'authentication refused'
  | 'session ended before it was up'
  | 'session ended by a fault';

interface Kind {
  readonly line: PeerLine;
  readonly reason: string;
}

/** A line that comes now and then is always there; an attack leaves one line a second of each reason, which tells all the same. */
const LIMIT = { rate: 1, burst: 20, intervalMs: 30_000 };

/** The part of the log that peers write: of each line and reason no more than a few a second, then summaries. */
export class PeerLog {
  readonly #log: Logger;
  readonly #guard: FloodGuard<Kind>;
  readonly #suppressed = new Map<PeerLine, Tally>();

  constructor(log: Logger) {
    this.#log = log;
    this.#guard = new FloodGuard(
      LIMIT,
      ({ line, reason }) => `${line}: ${reason}`,
      ({ kind, count, since }) => log.warn({ ...kind, suppressed: count, since }, 'lines suppressed'),
    );
  }

  info(line: PeerLine, reason: string, facts: object): void {
    this.#write('info', line, reason, facts);
  }

  warn(line: PeerLine, reason: string, facts: object): void {
    this.#write('warn', line, reason, facts);
  }

  /** Lines that were left out since the start, by line and reason. */
  suppressed(): Readonly<Record<string, CountBy>> {
    return Object.fromEntries([...this.#suppressed].map(([line, reasons]) => [line, reasons.toRecord()]));
  }

  /** Says what is still to be said. */
  close(): void {
    this.#guard.close();
  }

  #write(level: 'info' | 'warn', line: PeerLine, reason: string, facts: object): void {
    // What nobody wants to read is not left out.
    if (!this.#log.isLevelEnabled(level)) return;
    if (this.#guard.admits({ line, reason })) {
      this.#log[level]({ ...facts, reason }, line);
      return;
    }
    let reasons = this.#suppressed.get(line);
    if (reasons === undefined) this.#suppressed.set(line, (reasons = new Tally()));
    reasons.add(reason);
  }
}
