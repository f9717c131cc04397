import type { HistoryView, Readiness, SessionDetail, StatusView } from '../admin/gateway-view.ts';
import type { Config } from '../config/schema.ts';
import type { FromWorker } from '../worker/messages.ts';
import { certificateView } from './certificate-view.ts';
import { Descriptions } from './descriptions.ts';
import type { Drain } from './drain.ts';
import type { GatewayCounters } from './gateway-counters.ts';
import type { GatewaySample } from './gateway-history.ts';
import type { Network } from './network.ts';
import type { Pools } from './pools.ts';
import { SampleWindow } from './sample-window.ts';
import { Sampler } from './sampler.ts';
import { sessionDetail } from './session-detail.ts';
import type { SessionTable } from './session-table.ts';
import { hostPort } from './session-view.ts';
import type { Sessions } from './sessions.ts';
import type { WorkerPool } from './worker-pool.ts';
import type { WorkerTotals } from './worker-totals.ts';

export interface ObserverOptions {
  readonly version: string;
  /** Name of this machine. */
  readonly node: string;
  /** The one that is in force. */
  config(this: void): Config;
  readonly drain: Drain;
  readonly workers: WorkerPool;
  readonly totals: WorkerTotals;
  readonly table: SessionTable;
  readonly sessions: Sessions;
  readonly pools: Pools;
  readonly network: Network;
  readonly counters: GatewayCounters;
}

const CLEANUP_SAMPLES = 4096;

/** What there is to be seen of the gateway, now and over time. It changes nothing. */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #descriptions: Descriptions;
  readonly #sampler: Sampler;
  readonly #cleanups = new SampleWindow(CLEANUP_SAMPLES);
  readonly #startedAt = Date.now();
  #listening: readonly string[] | undefined;

  constructor(options: ObserverOptions) {
    const { config, table, workers } = options;
    this.#options = options;
    this.#descriptions = new Descriptions((worker, message) => workers.post(worker, message));
    this.#sampler = new Sampler({
      workers: config().workers,
      sample: () => this.#sample(),
      rows: () => table.rows(),
      traffic: (worker, slot) => workers.counters[worker]!.traffic(slot),
    });
  }

  /** What a worker says about one of its sessions. */
  described({ request, description }: Extract<FromWorker, { kind: 'description' }>): void {
    this.#descriptions.answer(request, description);
  }

  /** `host:port`, with the ports that are really bound. */
  set listening(addresses: readonly string[]) {
    this.#listening = addresses;
  }

  /** Seconds from the event that ended a session to its freed row. */
  cleanup(seconds: number): void {
    this.#cleanups.add(seconds);
  }

  close(): void {
    this.#sampler.close();
  }

  status(): StatusView {
    const { version, node, drain, workers, totals, table, pools, network, counters } = this.#options;
    const { listen, tls } = this.#options.config();
    const { user, system } = process.cpuUsage();
    return {
      version,
      node,
      startedAt: new Date(this.#startedAt).toISOString(),
      uptime: (Date.now() - this.#startedAt) / 1000,
      ready: this.ready(),
      draining: drain.hasBegun,
      workers: workers.views(),
      sessions: { ...table.countByState },
      pool: pools.ipv4,
      pools: pools.views(),
      network: { mode: network.mode },
      listen: this.#listening ?? listen.map(({ host, port }) => hostPort(host, port)),
      certificates: tls.certificates.map(certificateView),
      process: {
        cpuSeconds: (user + system) / 1e6,
        rssBytes: process.memoryUsage.rss(),
        startedAt: new Date(performance.timeOrigin).toISOString(),
      },
      traffic: totals.traffic(),
      cleanup: {
        count: this.#cleanups.count,
        p50: this.#cleanups.quantile(0.5),
        p99: this.#cleanups.quantile(0.99),
      },
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

  ready(): Readiness {
    const { drain, workers } = this.#options;
    if (drain.hasBegun) return { ready: false, reasons: ['draining'] };
    const down = workers.views().filter(({ state }) => state !== 'ready');
    return { ready: down.length === 0, reasons: down.map(({ index, state }) => `worker ${index} is ${state}`) };
  }

  /** Points that are newer than `since`, milliseconds since 1970. */
  history(since: number): HistoryView {
    return this.#sampler.history(since);
  }

  /** With what its worker has to say about it, for which there is a time limit. */
  async session(id: string): Promise<SessionDetail | undefined> {
    const { sessions, table } = this.#options;
    const row = table.find(id);
    if (row === undefined) return undefined;
    const description = await this.#descriptions.ask(row.worker, row.id);
    if (!table.has(row)) return undefined;
    return sessionDetail(row, sessions.view(row), description, this.#sampler.sampledAt);
  }

  #sample(): GatewaySample {
    const { counters, table, totals, workers } = this.#options;
    return {
      at: Date.now(),
      sessions: table.size,
      starts: counters.starts,
      ends: counters.ends.total,
      refusals: counters.refusals.total,
      traffic: totals.traffic(),
      workers: workers.counters.map(({ loopLag, sessions, cpu }) => ({ lag: loopLag, sessions, cpu })),
    };
  }
}
