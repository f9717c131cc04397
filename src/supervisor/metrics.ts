/** The exposition for Prometheus. Everything but the histograms is kept elsewhere and read when a scrape comes. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { MetricFamily } from '../metric-family.ts';
import { openDescriptors } from './open-descriptors.ts';

/** Each sample is a wake-up of the main thread: at prom-client's own 10 ms they cost half a per cent of a core. */
const LOOP_SAMPLE_MS = 100;
const HANDSHAKE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const CLEANUP_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

export class Metrics {
  readonly #registry = new Registry();
  /** Seconds from the accepted request to the session up. */
  readonly handshake = this.#histogram('sstp_handshake_seconds', 'HTTPS accept to session up', HANDSHAKE_BUCKETS);
  /** Seconds from the socket event to the freed table row. */
  readonly cleanup = this.#histogram('sstp_cleanup_seconds', 'Socket event to freed table row', CLEANUP_BUCKETS);

  constructor() {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LOOP_SAMPLE_MS });
    this.#countDescriptors();
  }

  /** @throws Error for a name that is there already */
  add(families: readonly MetricFamily[]): void {
    for (const { kind, name, help, labels, read } of families) {
      const registers = [this.#registry];
      const labelNames = [...labels];
      if (kind === 'gauge') {
        const collect = (): void => {
          gauge.reset();
          for (const [labelValues, value] of read()) gauge.set(labelValues, value);
        };
        const gauge: Gauge = new Gauge({ name, help, labelNames, registers, collect });
      } else {
        const collect = (): void => {
          counter.reset();
          for (const [labelValues, value] of read()) counter.inc(labelValues, value);
        };
        const counter: Counter = new Counter({ name, help, labelNames, registers, collect });
      }
    }
  }

  exposition(): Promise<string> {
    return this.#registry.metrics();
  }

  /** prom-client lists them, and holds the thread meanwhile: 10 ms with 5,000 tunnels. */
  #countDescriptors(): void {
    const name = 'process_open_fds';
    this.#registry.removeSingleMetric(name);
    const help = 'Number of open file descriptors.';
    const collect = async (): Promise<void> => gauge.set(await openDescriptors());
    const gauge: Gauge = new Gauge({ name, help, registers: [this.#registry], collect });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry] });
  }
}
