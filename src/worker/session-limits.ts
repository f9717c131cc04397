/**
 * The time limits of one session: how long it may last, and how long it may be silent. Counted from when it is up.
 * Silence is found by comparing packet counts now and then, so that traffic itself costs nothing here.
 */
import type { SessionPolicy } from './messages.ts';

/** A silent session is ended at most this part of its limit too late. */
const IDLE_CHECKS = 16;
/** However short the limit is. */
const SHORTEST_CHECK_MS = 250;

const UNLIMITED: SessionPolicy = { sessionTimeoutMs: undefined, idleTimeoutMs: undefined, rate: undefined };

export class SessionLimits {
  #policy: SessionPolicy = UNLIMITED;
  /** Monotonic milliseconds; undefined until the session is up. */
  #upAt: number | undefined;
  #packets = 0;
  #lastTraffic = 0;
  #idleCheckAt = Number.POSITIVE_INFINITY;

  /** When `expired` wants to be asked. */
  get deadline(): number {
    const { sessionTimeoutMs } = this.#policy;
    if (this.#upAt === undefined) return Number.POSITIVE_INFINITY;
    const end = sessionTimeoutMs === undefined ? Number.POSITIVE_INFINITY : this.#upAt + sessionTimeoutMs;
    return Math.min(end, this.#idleCheckAt);
  }

  start(now: number): void {
    this.#upAt = now;
    this.#lastTraffic = now;
    this.#armIdle(now);
  }

  /** The session is ending. */
  stop(): void {
    this.#upAt = undefined;
    this.#idleCheckAt = Number.POSITIVE_INFINITY;
  }

  /** The session's time goes on from when it came up; its silence from the last traffic that was seen. */
  change(policy: SessionPolicy, now: number): void {
    this.#policy = policy;
    this.#armIdle(now);
  }

  /** `packets`: how many the session has carried, both ways. */
  expired(now: number, packets: number): 'session-timeout' | 'idle-timeout' | undefined {
    if (this.#upAt === undefined) return undefined;
    const { sessionTimeoutMs, idleTimeoutMs } = this.#policy;
    if (sessionTimeoutMs !== undefined && now - this.#upAt >= sessionTimeoutMs) return 'session-timeout';
    if (idleTimeoutMs === undefined || now < this.#idleCheckAt) return undefined;
    if (packets !== this.#packets) {
      this.#packets = packets;
      this.#lastTraffic = now;
    } else if (now - this.#lastTraffic >= idleTimeoutMs) {
      return 'idle-timeout';
    }
    this.#armIdle(now);
    return undefined;
  }

  /** When the session will have been silent for too long, should nothing come; `packets` as for `expired`. */
  idleEnd(now: number, packets: number): number | undefined {
    const { idleTimeoutMs } = this.#policy;
    if (this.#upAt === undefined || idleTimeoutMs === undefined) return undefined;
    return (packets === this.#packets ? this.#lastTraffic : now) + idleTimeoutMs;
  }

  #armIdle(now: number): void {
    const { idleTimeoutMs } = this.#policy;
    this.#idleCheckAt =
      this.#upAt === undefined || idleTimeoutMs === undefined
        ? Number.POSITIVE_INFINITY
        : Math.min(
            now + Math.max(SHORTEST_CHECK_MS, idleTimeoutMs / IDLE_CHECKS),
            Math.max(now + 1, this.#lastTraffic + idleTimeoutMs),
          );
  }
}
