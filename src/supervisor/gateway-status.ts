import type { Readiness, StatusView, WorkerView } from '../admin/gateway-view.ts';
import type { Config } from '../config/schema.ts';
import { certificateView } from './certificate-view.ts';
import type { GatewayCounters } from './gateway-counters.ts';
import type { Network } from './network.ts';
import type { Pools } from './pools.ts';
import type { SampleWindow } from './sample-window.ts';
import type { SessionTable } from './session-table.ts';
import type { WorkerTotals } from './worker-totals.ts';

export interface StatusSource {
  readonly version: string;
  /** Name of this machine. */
  readonly node: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The one that is in force. */
  readonly config: Config;
  /** `host:port` */
  readonly listening: readonly string[];
  readonly ready: Readiness;
  readonly draining: boolean;
  readonly workers: readonly WorkerView[];
  readonly table: SessionTable;
  readonly pools: Pools;
  readonly network: Network;
  readonly cleanups: SampleWindow;
  readonly counters: GatewayCounters;
  readonly totals: WorkerTotals;
}

export function gatewayStatus(source: StatusSource): StatusView {
  const { version, node, ready, draining, workers, pools, network, listening, cleanups, counters, totals } = source;
  const startedAt = new Date(source.startedAt).toISOString();
  const { user, system } = process.cpuUsage();
  return {
    version,
    node,
    startedAt,
    uptime: (Date.now() - source.startedAt) / 1000,
    ready,
    draining,
    workers,
    sessions: { ...source.table.countByState },
    pool: pools.ipv4,
    pools: pools.views(),
    network: { mode: network.mode },
    listen: listening,
    certificates: source.config.tls.certificates.map(certificateView),
    process: {
      cpuSeconds: (user + system) / 1e6,
      rssBytes: process.memoryUsage.rss(),
      startedAt: new Date(performance.timeOrigin).toISOString(),
    },
    traffic: totals.traffic(),
    cleanup: { count: cleanups.count, p50: cleanups.quantile(0.5), p99: cleanups.quantile(0.99) },
    counters: {
      starts: counters.starts,
      ends: counters.ends.toRecord(),
      aborts: counters.aborts.toRecord(),
      refusals: counters.refusals.toRecord(),
      auth: counters.auth(),
      drops: totals.drops(),
    },
  };
}
