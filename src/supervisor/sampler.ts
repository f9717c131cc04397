import { GatewayHistory, type GatewaySample } from './gateway-history.ts';
import type { HistoryView } from '../admin/gateway-view.ts';
import type { SessionTraffic } from '../worker/messages.ts';
import type { SessionRow } from './session-table.ts';

export interface SamplerSource {
  readonly workers: number;
  sample(): GatewaySample;
  rows(): Iterable<SessionRow>;
  traffic(worker: number, slot: number): SessionTraffic;
}

export const SAMPLE_INTERVAL_MS = 2_000;
/** Half an hour. */
const HISTORY_POINTS = 900;

/** Looks at the gateway and at every session now and then, by one timer, and keeps what charts are drawn of. */
export class Sampler {
  readonly #source: SamplerSource;
  readonly #history: GatewayHistory;
  readonly #timer: NodeJS.Timeout;
  /** The last sample, in monotonic milliseconds. */
  #last = performance.now();
  #sampledAt = Date.now();

  constructor(source: SamplerSource) {
    this.#source = source;
    this.#history = new GatewayHistory(HISTORY_POINTS, source.workers);
    this.#timer = setInterval(() => this.#sample(), SAMPLE_INTERVAL_MS).unref();
    this.#history.add(source.sample(), 1);
  }

  history(since: number): HistoryView {
    return { intervalSeconds: SAMPLE_INTERVAL_MS / 1000, points: this.#history.points(since) };
  }

  /** When the last sample was taken, milliseconds since 1970. */
  get sampledAt(): number {
    return this.#sampledAt;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** 10,000 sessions take about a millisecond. */
  #sample(): void {
    const now = performance.now();
    // A thread that was held up comes late; the rates are right nevertheless.
    const seconds = (now - this.#last) / 1000;
    this.#last = now;
    this.#sampledAt = Date.now();
    this.#history.add(this.#source.sample(), seconds);
    for (const { meter, worker, slot } of this.#source.rows()) {
      const { rxBytes, txBytes } = this.#source.traffic(worker, slot);
      meter.sample(rxBytes, txBytes, seconds);
    }
  }
}
