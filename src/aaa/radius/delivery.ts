/**
 * Brings accounting requests to the server: for as long as it takes, oldest first, several at a time.
 *
 * - Requests about one session form a lane: the next one goes when the one before it is acknowledged.
 * - Accounting-On and -Off are fences: they wait for everything before them, and everything after them waits for them. A lane that has
 *   failed {@link HOPELESS_FAILURES} times is not waited for: one request that the server does not like must not stop all others.
 * - A failure with no acknowledgement since the request was sent means that the server is down: then there is one attempt at a time, with
 *   growing pauses. The first acknowledgement lets everything go again, in order.
 */
import { AcctStatus } from './acct-status.ts';
import type { AccountingRequest } from './journal-entry.ts';

export interface DeliveryOptions {
  /** One attempt, retransmissions and other servers included. False when nobody acknowledged it. */
  readonly send: (request: AccountingRequest) => Promise<boolean>;
  /** Acknowledged, or made needless by a newer one. */
  readonly done: (request: AccountingRequest, outcome: 'acknowledged' | 'superseded') => void;
  /** Of pauses between attempts; the longest is {@link LONGEST_PAUSE} times as long. */
  readonly firstPauseMs?: number;
}

/** As many as a server answers in one round trip without its queue growing long. */
const WINDOW = 64;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE = 32;
const HOPELESS_FAILURES = 3;

interface Lane {
  readonly key: string;
  /** Lanes of an earlier period go before those of a later one. */
  readonly period: number;
  readonly requests: AccountingRequest[];
  failures: number;
  isSending: boolean;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes that may send, those that became ready first in front; the ones before `#nextReady` have been taken. */
  #ready: Lane[] = [];
  #nextReady = 0;
  /** After a failure while the server answers others. */
  readonly #pausing = new Map<Lane, NodeJS.Timeout>();
  /** Lanes of later periods, in order. */
  #later: Lane[] = [];
  #period = 0;
  #newestPeriod = 0;
  /** Lanes that the next period waits for. */
  #awaited = 0;
  #sending = 0;
  #isDown = false;
  #pause: NodeJS.Timeout | undefined;
  #failuresInRow = 0;
  /** Counts acknowledgements: whether there was one since a request was sent. */
  #acknowledged = 0;
  #isClosed = false;
  #drained: (() => void) | undefined;
  retries = 0;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** In the order of their numbers. */
  add(requests: readonly AccountingRequest[]): void {
    for (const request of requests) this.#add(request);
    this.#advance();
    this.#pump();
  }

  /** Resolves when everything is acknowledged; false when that is not so within the limit. */
  async drained(limitMs: number): Promise<boolean> {
    if (this.#lanes.size > 0) {
      await new Promise<void>(resolve => {
        const limit = setTimeout(resolve, limitMs);
        this.#drained = () => {
          clearTimeout(limit);
          resolve();
        };
      });
    }
    return this.#lanes.size === 0;
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#pause);
    for (const timer of this.#pausing.values()) clearTimeout(timer);
  }

  #add(request: AccountingRequest): void {
    const isFence = request.status === AcctStatus.On || request.status === AcctStatus.Off;
    const key = isFence ? `#${request.number}` : request.id;
    const lane = this.#lanes.get(key);
    if (lane !== undefined) {
      this.#supersede(lane);
      lane.requests.push(request);
      return;
    }
    if (isFence) this.#newestPeriod++;
    const added: Lane = { key, period: this.#newestPeriod, requests: [request], failures: 0, isSending: false };
    if (isFence) this.#newestPeriod++;
    this.#lanes.set(key, added);
    if (added.period > this.#period) {
      this.#later.push(added);
    } else {
      this.#awaited++;
      this.#ready.push(added);
    }
  }

  /** Totals of an Interim that waits are part of whatever comes after it. */
  #supersede(lane: Lane): void {
    const last = lane.requests.at(-1);
    const isUnderWay = lane.isSending && lane.requests.length === 1;
    if (last?.status !== AcctStatus.Interim || isUnderWay) return;
    lane.requests.pop();
    this.#options.done(last, 'superseded');
  }

  #pump(): void {
    while (!this.#isClosed && this.#pause === undefined && this.#sending < (this.#isDown ? 1 : WINDOW)) {
      const lane = this.#takeReady();
      if (lane === undefined) return;
      void this.#send(lane);
    }
  }

  /** In constant time, also when an outage has left a hundred thousand. */
  #takeReady(): Lane | undefined {
    const lane = this.#ready[this.#nextReady];
    if (lane === undefined) return undefined;
    this.#nextReady++;
    if (this.#nextReady * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#nextReady);
      this.#nextReady = 0;
    }
    return lane;
  }

  #putBack(lane: Lane): void {
    if (this.#nextReady > 0) this.#ready[--this.#nextReady] = lane;
    else this.#ready.unshift(lane);
  }

  async #send(lane: Lane): Promise<void> {
    const request = lane.requests[0];
    if (request === undefined) return;
    const acknowledgedBefore = this.#acknowledged;
    lane.isSending = true;
    this.#sending++;
    if (lane.failures > 0) this.retries++;
    const isAcknowledged = await this.#options.send(request);
    this.#sending--;
    lane.isSending = false;
    if (this.#isClosed && !isAcknowledged) return;
    if (isAcknowledged) this.#onAcknowledged(lane, request);
    else this.#onFailed(lane, this.#acknowledged > acknowledgedBefore);
    this.#advance();
    this.#pump();
  }

  #onAcknowledged(lane: Lane, request: AccountingRequest): void {
    this.#acknowledged++;
    this.#failuresInRow = 0;
    lane.requests.shift();
    this.#options.done(request, 'acknowledged');
    if (lane.failures >= HOPELESS_FAILURES) this.#awaited++;
    lane.failures = 0;
    if (lane.requests.length > 0) {
      this.#ready.push(lane);
    } else {
      this.#lanes.delete(lane.key);
      this.#awaited--;
      if (this.#lanes.size === 0) this.#drained?.();
    }
    if (this.#isDown) this.#recover();
  }

  #onFailed(lane: Lane, isServerUp: boolean): void {
    lane.failures++;
    if (lane.failures === HOPELESS_FAILURES) this.#awaited--;
    if (isServerUp) {
      const timer = setTimeout(() => this.#resume(lane), this.#pauseMs(lane.failures)).unref();
      this.#pausing.set(lane, timer);
      return;
    }
    this.#isDown = true;
    // The oldest finds out whether the server is back, unless it is the one that the server does not like.
    if (lane.failures % HOPELESS_FAILURES === 0) this.#ready.push(lane);
    else this.#putBack(lane);
    if (this.#pause !== undefined) return;
    this.#failuresInRow++;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#pump();
    }, this.#pauseMs(this.#failuresInRow)).unref();
  }

  #resume(lane: Lane): void {
    this.#pausing.delete(lane);
    this.#ready.push(lane);
    this.#pump();
  }

  #recover(): void {
    this.#isDown = false;
    clearTimeout(this.#pause);
    this.#pause = undefined;
    for (const timer of this.#pausing.values()) clearTimeout(timer);
    const waiting = [...this.#pausing.keys(), ...this.#ready.slice(this.#nextReady)];
    this.#pausing.clear();
    this.#ready = waiting.sort((a, b) => a.requests[0]!.number - b.requests[0]!.number);
    this.#nextReady = 0;
  }

  /** Opens the next period when nothing of this one is waited for. */
  #advance(): void {
    while (this.#awaited === 0 && this.#later.length > 0) {
      this.#period = this.#later[0]!.period;
      const opened = this.#later.filter(({ period }) => period === this.#period);
      this.#later = this.#later.slice(opened.length);
      for (const lane of opened) this.#ready.push(lane);
      this.#awaited = opened.length;
    }
  }

  #pauseMs(failures: number): number {
    return (this.#options.firstPauseMs ?? FIRST_PAUSE_MS) * Math.min(LONGEST_PAUSE, 2 ** (failures - 1));
  }
}
