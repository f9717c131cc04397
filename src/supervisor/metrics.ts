/** The exposition for Prometheus. Everything but the histograms is kept elsewhere and read when a scrape comes. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { MetricFamily } from '../aaa/metric-family.ts';
import type { CountBy, PoolView } from '../admin/gateway-view.ts';
import { Call } from '../worker/worker-counters.ts';
import type { GatewayCounters } from './gateway-counters.ts';
import type { HookCounters } from './hooks.ts';
import type { WorkerTotals } from './worker-totals.ts';

export interface MetricSource {
  readonly counters: GatewayCounters;
  sessions(): CountBy;
  pools(): readonly PoolView[];
  hooks(): HookCounters;
  /** Lines of the log that a limit has left out, by line and reason. */
  suppressedLines(): Readonly<Record<string, CountBy>>;
  /** Of parts that the gateway may have or not. */
  readonly families: readonly MetricFamily[];
  readonly totals: WorkerTotals;
  /** Seconds, one for each worker. */
  loopLag(): readonly number[];
}

type Labels = Readonly<Record<string, string>>;
type Samples = Iterable<readonly [labels: Labels, value: number]>;

/** Each sample is a wake-up of the main thread: at prom-client's own 10 ms they cost half a per cent of a core. */
const LOOP_SAMPLE_MS = 100;
const HANDSHAKE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const CLEANUP_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

export class Metrics {
  readonly #registry = new Registry();
  /** Seconds from the accepted request to the session up. */
  readonly handshake: Histogram;
  /** Seconds from the socket event to the freed table row. */
  readonly cleanup: Histogram;

  constructor(source: MetricSource) {
    const { counters } = source;
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LOOP_SAMPLE_MS });
    this.handshake = this.#histogram('sstp_handshake_seconds', 'HTTPS accept to session up', HANDSHAKE_BUCKETS);
    this.cleanup = this.#histogram('sstp_cleanup_seconds', 'Socket event to freed table row', CLEANUP_BUCKETS);

    this.#gauge('sstp_sessions', 'Sessions by state', ['state'], () => by('state', source.sessions()));
    this.#gauge('sstp_pool_addresses', 'Addresses or prefixes of a pool by state', ['state', 'pool', 'family'], () =>
      source
        .pools()
        .flatMap(({ name, family, size, leased }) => [
          [{ state: 'leased', pool: name, family }, leased] as const,
          [{ state: 'free', pool: name, family }, Math.max(0, size - leased)] as const,
        ]),
    );
    this.#counter('sstp_hooks_total', 'Hook programs by what became of them', ['result'], () => {
      const { run, failed, timedOut, dropped } = source.hooks();
      return by('result', { run, failed, 'timed-out': timedOut, dropped });
    });
    for (const { kind, name, help, labels, read } of source.families) {
      if (kind === 'gauge') this.#gauge(name, help, [...labels], read);
      else this.#counter(name, help, [...labels], read);
    }
    this.#gauge('sstp_worker_event_loop_lag_seconds', '99th percentile over the last second', ['worker'], () =>
      source.loopLag().map((seconds, worker) => [{ worker: String(worker) }, seconds]),
    );
    this.#counter('sstp_session_starts_total', 'Sessions that came up', [], () => [[{}, counters.starts]]);
    this.#counter('sstp_session_ends_total', 'Sessions that ended, by cause', ['cause'], () =>
      by('cause', counters.ends.toRecord()),
    );
    this.#counter('sstp_aborts_total', 'Calls that a fault ended, by reason', ['reason'], () =>
      by('reason', counters.aborts.toRecord()),
    );
    this.#counter('sstp_refusals_total', 'Connections that never became a call, by reason', ['reason'], () =>
      by('reason', counters.refusals.toRecord()),
    );
    this.#counter('sstp_auth_total', 'Authentications decided', ['method', 'result'], () =>
      byTwo('method', 'result', counters.auth()),
    );
    this.#counter('sstp_log_suppressed_total', 'Log lines left out in a flood of them', ['line', 'reason'], () =>
      byTwo('line', 'reason', source.suppressedLines()),
    );
    this.#counter('sstp_worker_restarts_total', 'Data workers started anew after a failure', [], () => [
      [{}, counters.restarts],
    ]);
    this.#counter('sstp_bytes_total', 'Bytes of IP packets; rx is from the clients', ['direction'], () => {
      const { rxBytes, txBytes } = source.totals.traffic();
      return by('direction', { rx: rxBytes, tx: txBytes });
    });
    this.#counter('sstp_packets_total', 'IP packets; rx is from the clients', ['direction'], () => {
      const { rxPackets, txPackets } = source.totals.traffic();
      return by('direction', { rx: rxPackets, tx: txPackets });
    });
    this.#counter('sstp_device_calls_total', 'Reads (tx) and writes (rx) of TUN devices', ['direction'], () =>
      by('direction', { rx: source.totals.calls(Call.DeviceRx), tx: source.totals.calls(Call.DeviceTx) }),
    );
    this.#counter('sstp_tls_calls_total', 'TLS records received (rx) and writes of packets (tx)', ['direction'], () =>
      by('direction', { rx: source.totals.calls(Call.TlsRx), tx: source.totals.calls(Call.TlsTx) }),
    );
    this.#counter('sstp_drops_total', 'Packets dropped, by reason', ['reason'], () =>
      by('reason', source.totals.drops()),
    );
  }

  exposition(): Promise<string> {
    return this.#registry.metrics();
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ name, help, buckets, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, labelNames: string[], read: () => Samples): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => {
        gauge.reset();
        for (const [labels, value] of read()) gauge.set(labels, value);
      },
    });
  }

  #counter(name: string, help: string, labelNames: string[], read: () => Samples): void {
    const counter: Counter = new Counter({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        for (const [labels, value] of read()) counter.inc(labels, value);
      },
    });
  }
}

function by(label: string, values: CountBy): Samples {
  return Object.entries(values).map(([key, value]) => [{ [label]: key }, value] as const);
}

function byTwo(outer: string, inner: string, values: Readonly<Record<string, CountBy>>): Samples {
  return Object.entries(values).flatMap(([key, counts]) =>
    Object.entries(counts).map(([innerKey, count]) => [{ [outer]: key, [inner]: innerKey }, count] as const),
  );
}
