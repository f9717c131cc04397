// What the supervisor says to Prometheus of its gateway. docs/metrics.md has a row for each.
import type { CountBy, PoolView, WorkerView } from '../admin/gateway-view.ts';
import type { Config } from '../config/schema.ts';
import { type MetricFamily, type MetricSample, labelled, single } from '../metric-family.ts';
import { Call, type WorkerCounters } from '../worker/worker-counters.ts';
import { certificateView } from './certificate-view.ts';
import type { GatewayCounters } from './gateway-counters.ts';
import type { HookCounters } from './hooks.ts';
import type { WorkerTotals } from './worker-totals.ts';

export interface GatewayMetricsSource {
  readonly version: string;
  readonly counters: GatewayCounters;
  readonly totals: WorkerTotals;
  readonly workerCounters: readonly WorkerCounters[];
  /** The configuration in force. */
  config(this: void): Config;
  lastReload(this: void): LastReload;
  isReady(this: void): boolean;
  isDraining(this: void): boolean;
  sessions(this: void): CountBy;
  pools(this: void): readonly PoolView[];
  workers(this: void): readonly WorkerView[];
  hooks(this: void): HookCounters;
  /** Lines of the log that a limit has left out, by line and reason. */
  suppressedLines(this: void): Readonly<Record<string, CountBy>>;
  /** Seconds: the longest delay of this thread's event loop since it was last asked for. */
  mainLoopLag(this: void): number;
}

export interface LastReload {
  /** False: the files were not fit to be used. */
  readonly ok: boolean;
  /** When the configuration in force was read, milliseconds since 1970. */
  readonly succeededAt: number;
}

export function gatewayMetrics(source: GatewayMetricsSource): MetricFamily[] {
  return [
    ...serviceMetrics(source),
    ...tunnelMetrics(source),
    ...workerMetrics(source),
    ...trafficMetrics(source),
    labelled('counter', 'sstp_hooks_total', 'Hook programs by what became of them', 'result', () => {
      const { run, failed, timedOut, dropped } = source.hooks();
      return { run, failed, 'timed-out': timedOut, dropped };
    }),
    pairs('sstp_log_suppressed_total', 'Log lines left out in a flood of them', ['line', 'reason'], () =>
      source.suppressedLines(),
    ),
  ];
}

function serviceMetrics({ version, config, lastReload, isReady, isDraining }: GatewayMetricsSource): MetricFamily[] {
  return [
    {
      kind: 'gauge',
      name: 'sstp_build_info',
      help: 'What runs; always 1',
      labels: ['version', 'node_version'],
      read: () => [[{ version, node_version: process.versions.node }, 1]],
    },
    single('gauge', 'sstp_ready', '1 while new tunnels are welcome, as /readyz says', () => Number(isReady())),
    single('gauge', 'sstp_draining', '1 once the gateway drains', () => Number(isDraining())),
    single('gauge', 'sstp_last_reload_successful', '0 when the last reload was refused for what its files held', () =>
      Number(lastReload().ok),
    ),
    single(
      'gauge',
      'sstp_last_reload_success_timestamp_seconds',
      'When the configuration in force was read',
      () => lastReload().succeededAt / 1000,
    ),
    {
      kind: 'gauge',
      name: 'sstp_certificate_expiry_timestamp_seconds',
      help: 'When the certificate in use expires',
      labels: ['file', 'server_names'],
      read: () =>
        config().tls.certificates.map(certificate => [
          { file: certificate.certFile, server_names: certificate.serverNames.join(',') },
          Date.parse(certificateView(certificate).notAfter) / 1000,
        ]),
    },
  ];
}

function tunnelMetrics({ config, counters, sessions, pools }: GatewayMetricsSource): MetricFamily[] {
  return [
    labelled('gauge', 'sstp_sessions', 'Sessions by state', 'state', sessions),
    single('gauge', 'sstp_sessions_limit', 'limits.maxSessions', () => config().limits.maxSessions),
    single('counter', 'sstp_session_starts_total', 'Sessions that came up', () => counters.starts),
    labelled('counter', 'sstp_session_ends_total', 'Sessions that ended, by cause', 'cause', () =>
      counters.ends.toRecord(),
    ),
    labelled('counter', 'sstp_aborts_total', 'Calls that a fault ended, by reason', 'reason', () =>
      counters.aborts.toRecord(),
    ),
    labelled('counter', 'sstp_refusals_total', 'Connections that never became a call, by reason', 'reason', () =>
      counters.refusals.toRecord(),
    ),
    pairs('sstp_auth_total', 'Authentications decided', ['method', 'result'], () => counters.auth()),
    {
      kind: 'gauge',
      name: 'sstp_pool_addresses',
      help: 'Addresses or prefixes of a pool by state',
      labels: ['state', 'pool', 'family'],
      read: () =>
        pools().flatMap(({ name, family, size, leased }): MetricSample[] => [
          [{ state: 'leased', pool: name, family }, leased],
          [{ state: 'free', pool: name, family }, Math.max(0, size - leased)],
        ]),
    },
  ];
}

function workerMetrics(source: GatewayMetricsSource): MetricFamily[] {
  const { counters, workerCounters, config, workers, mainLoopLag } = source;
  const ofWorkers = (
    name: string,
    help: string,
    read: (worker: WorkerCounters) => number | undefined,
  ): MetricFamily => ({
    kind: 'gauge',
    name,
    help,
    labels: ['worker'],
    read: () =>
      workerCounters.flatMap((worker, index): MetricSample[] => {
        const value = read(worker);
        return value === undefined ? [] : [[{ worker: String(index) }, value]];
      }),
  });
  return [
    {
      kind: 'gauge',
      name: 'sstp_worker_up',
      help: '1 while the worker runs, 0 while it starts or is started anew',
      labels: ['worker'],
      read: () =>
        workers().map(({ index, state }) => [
          { worker: String(index) },
          Number(state === 'ready' || state === 'draining'),
        ]),
    },
    single(
      'counter',
      'sstp_worker_restarts_total',
      'Data workers started anew after a failure',
      () => counters.restarts,
    ),
    ofWorkers('sstp_worker_sessions', 'Sessions that the worker holds', ({ sessions }) => sessions),
    ofWorkers('sstp_worker_cpu_ratio', 'Share of a core over the last second', ({ cpu }) => cpu),
    ofWorkers('sstp_worker_event_loop_lag_seconds', '99th percentile over the last second', ({ loopLag }) => loopLag),
    ofWorkers(
      'sstp_worker_half_open_connections',
      'Connections that have not sent their SSTP request yet',
      ({ halfOpen }) => halfOpen,
    ),
    single(
      'gauge',
      'sstp_worker_half_open_limit',
      'limits.maxHalfOpen, of each worker',
      () => config().limits.maxHalfOpen,
    ),
    single(
      'gauge',
      'sstp_main_event_loop_lag_seconds',
      "Longest delay of the main thread's event loop since the last scrape",
      mainLoopLag,
    ),
  ];
}

function trafficMetrics({ totals }: GatewayMetricsSource): MetricFamily[] {
  return [
    directions('sstp_bytes_total', 'Bytes of IP packets; rx is from the clients', () => {
      const { rxBytes: rx, txBytes: tx } = totals.traffic();
      return { rx, tx };
    }),
    directions('sstp_packets_total', 'IP packets; rx is from the clients', () => {
      const { rxPackets: rx, txPackets: tx } = totals.traffic();
      return { rx, tx };
    }),
    directions('sstp_device_calls_total', 'Reads (tx) and writes (rx) of TUN devices', () => {
      return { rx: totals.calls(Call.DeviceRx), tx: totals.calls(Call.DeviceTx) };
    }),
    directions('sstp_tls_calls_total', 'TLS records received (rx) and writes of packets (tx)', () => {
      return { rx: totals.calls(Call.TlsRx), tx: totals.calls(Call.TlsTx) };
    }),
    labelled('counter', 'sstp_drops_total', 'Packets dropped, by reason', 'reason', () => totals.drops()),
  ];
}

/** A counter of both directions. */
function directions(name: string, help: string, read: () => Record<'rx' | 'tx', number>): MetricFamily {
  return labelled('counter', name, help, 'direction', read);
}

/** A counter with two labels: the keys, and the keys of what they stand for. */
function pairs(
  name: string,
  help: string,
  labels: readonly [outer: string, inner: string],
  values: () => Readonly<Record<string, CountBy>>,
): MetricFamily {
  const [outer, inner] = labels;
  const read = (): MetricSample[] =>
    Object.entries(values()).flatMap(([key, counts]) =>
      Object.entries(counts).map(([innerKey, count]): MetricSample => [{ [outer]: key, [inner]: innerKey }, count]),
    );
  return { kind: 'counter', name, help, labels, read };
}
