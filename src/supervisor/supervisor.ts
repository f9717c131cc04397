/**
 * The main thread's part: workers, the table of who is connected, the network, and what the admin plane sees of it all.
 * It decides about credentials and leases; packets it never sees.
 */
import type { Logger } from 'pino';
import type { ByteStream } from '../admin/byte-stream.ts';
import type { CaptureOptions } from '../admin/capture-query.ts';
import type {
  CaptureRefusal,
  GatewayView,
  HistoryView,
  Readiness,
  ReloadView,
  SessionDetail,
  SessionView,
  StatusView,
} from '../admin/gateway-view.ts';
import type { GatewayEvent } from '../admin/gateway-event.ts';
import type { Accounting } from '../aaa/accounting.ts';
import type { AaaServices } from '../aaa/services.ts';
import type { DynamicAuthorizationHandler } from '../aaa/radius/dynamic-authorization.ts';
import { matchesSelector } from '../aaa/radius/session-selector.ts';
import type { UsersFile } from '../aaa/users.ts';
import type { Config } from '../config/schema.ts';
import type { MetricFamily } from '../metric-family.ts';
import type { FromWorker } from '../worker/messages.ts';
import { Admission } from './admission.ts';
import { Captures } from './captures.ts';
import { Drain } from './drain.ts';
import { EventFeed } from './event-feed.ts';
import { GatewayCounters } from './gateway-counters.ts';
import { gatewayMetrics } from './gateway-metrics.ts';
import { Hooks } from './hooks.ts';
import { KeyLog } from './key-log.ts';
import { LoopLag } from './loop-lag.ts';
import { Metrics } from './metrics.ts';
import type { Network } from './network.ts';
import { Observer } from './observer.ts';
import { PeerLog } from './peer-log.ts';
import type { Pools } from './pools.ts';
import { type GatewayFiles, RunningConfig } from './running-config.ts';
import { SessionTable } from './session-table.ts';
import { hostPort } from './session-view.ts';
import { Sessions } from './sessions.ts';
import { WorkerPool } from './worker-pool.ts';
import { workerSettings } from './worker-settings.ts';
import { WorkerTotals } from './worker-totals.ts';

export interface SupervisorOptions {
  readonly config: Config;
  readonly version: string;
  /** Name of this machine in sessions and status. */
  readonly node: string;
  readonly log: Logger;
  readonly aaa: AaaServices;
  readonly pools: Pools;
  readonly network: Network;
  readonly hotpath: WebAssembly.Module;
  /** Reads the files of the configuration again. @throws ConfigError */
  load(this: void): Promise<GatewayFiles>;
  /** See WorkerPoolOptions. */
  readonly workerFile?: string;
}

/** For what is left to do when all tunnels are gone: accounting records and hooks. */
const FLUSH_LIMIT_MS = 5_000;

export class Supervisor implements GatewayView {
  readonly #options: SupervisorOptions;
  readonly #log: Logger;
  readonly #peerLog: PeerLog;
  readonly #config: RunningConfig;
  readonly #keyLog: KeyLog;
  readonly #table = new SessionTable();
  readonly #feed = new EventFeed();
  readonly #hooks: Hooks;
  readonly #accounting: Accounting | undefined;
  readonly #sessions: Sessions;
  readonly #workers: WorkerPool;
  readonly #counters = new GatewayCounters();
  readonly #totals: WorkerTotals;
  readonly #observer: Observer;
  readonly #metrics = new Metrics();
  readonly #loopLag = new LoopLag();
  readonly #captures: Captures;
  readonly #drain = new Drain(end => this.#workers.drain(end));
  /** Every row is gone; what workers still say about them is of no interest. */
  #stopped = false;
  /** Settles `start`; undefined when it has settled. */
  #starting: { resolve(): void; reject(error: Error): void } | undefined;

  constructor(options: SupervisorOptions) {
    const { config } = options;
    this.#options = options;
    this.#log = options.log;
    this.#peerLog = new PeerLog(options.log);
    this.#config = new RunningConfig({
      config,
      log: options.log,
      feed: this.#feed,
      load: options.load,
      apply: (wanted, users) => this.#configure(wanted, users),
    });
    this.#keyLog = new KeyLog(options.log);
    this.#keyLog.configure(config.tls.keyLog);
    this.#workers = new WorkerPool(
      {
        workers: config.workers,
        settings: workerSettings(config, options.node),
        hotpath: options.hotpath,
        device: worker => options.network.device(worker),
        watchdog: () => this.#config.current.watchdog,
        ...(options.workerFile === undefined ? {} : { filename: options.workerFile }),
      },
      {
        message: (worker, message) => this.#handle(worker, message),
        lost: (worker, error) => this.#onWorkerLost(worker, error),
      },
    );
    this.#totals = new WorkerTotals(this.#workers.counters);
    this.#hooks = new Hooks(config.hooks, options.log);
    this.#accounting = options.aaa.openAccounting(session => this.#sessions.trafficOf(session));
    this.#sessions = new Sessions({
      node: options.node,
      log: options.log,
      peerLog: this.#peerLog,
      table: this.#table,
      admission: new Admission({
        authority: options.aaa.authority,
        config: () => this.#config.current,
        pools: options.pools,
        network: options.network,
        table: this.#table,
        evict: row => this.#workers.post(row.worker, { kind: 'evict', session: row.id, reason: 'replaced' }),
      }),
      accounting: this.#accounting,
      hooks: this.#hooks,
      counters: this.#counters,
      feed: this.#feed,
      gateway: config.network.ipv4.gateway,
      post: (worker, message) => this.#workers.post(worker, message),
      traffic: (worker, slot) => this.#workers.counters[worker]!.traffic(slot),
      device: worker => options.network.deviceName(worker),
      handshake: seconds => this.#metrics.handshake.observe(seconds),
      cleanup: seconds => {
        this.#observer.cleanup(seconds);
        this.#metrics.cleanup.observe(seconds);
      },
    });
    this.#observer = new Observer({
      version: options.version,
      node: options.node,
      config: () => this.#config.current,
      drain: this.#drain,
      workers: this.#workers,
      totals: this.#totals,
      table: this.#table,
      sessions: this.#sessions,
      pools: options.pools,
      network: options.network,
      counters: this.#counters,
    });
    this.#captures = new Captures({
      version: options.version,
      node: options.node,
      log: options.log,
      feed: this.#feed,
      table: this.#table,
      post: (worker, message, transfer) => this.#workers.post(worker, message, transfer),
    });
    this.#metrics.add([
      ...gatewayMetrics({
        version: options.version,
        counters: this.#counters,
        totals: this.#totals,
        workerCounters: this.#workers.counters,
        config: () => this.#config.current,
        lastReload: () => this.#config.lastReload,
        isReady: () => this.ready().ready,
        isDraining: () => this.#drain.hasBegun,
        sessions: () => ({ ...this.#table.countByState }),
        pools: () => options.pools.views(),
        workers: () => this.#workers.views(),
        hooks: () => this.#hooks.counters,
        suppressedLines: () => this.#peerLog.suppressed(),
        mainLoopLag: () => this.#loopLag.take(),
      }),
      ...options.aaa.metrics(),
    ]);
  }

  /** Resolves when every worker accepts connections; rejects when one is lost before. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#starting = { resolve, reject };
      this.#workers.start();
    });
  }

  /** After `drainDelay` ends every session in good order, at the latest after `drainTimeout`, then the workers and the network. */
  async stop(): Promise<void> {
    await this.#beginDrain(true);
    await this.#drain.farewell(() => this.#table.size === 0, this.#config.current.drainTimeout);
    this.#stopped = true;
    this.#config.close();
    this.#observer.close();
    this.#loopLag.close();
    this.#sessions.endAll('drain');
    await this.#workers.stop();
    await Promise.all([
      this.#options.network.close(),
      this.#accounting?.close(FLUSH_LIMIT_MS),
      this.#hooks.settled(FLUSH_LIMIT_MS),
    ]);
    await this.#options.aaa.authority.close();
    this.#peerLog.close();
    this.#keyLog.close();
    this.#feed.close();
  }

  /** Ends the wait that {@link stop} or a drain is at: for the delay first, then for the sessions. */
  hasten(): void {
    this.#drain.hasten();
  }

  /** Whatever is broken here, the gateway mends it itself. */
  get alive(): boolean {
    return this.#workers.alive;
  }

  /** What RADIUS servers may do to sessions. */
  get authorization(): DynamicAuthorizationHandler {
    return {
      find: selector => this.#sessions.find(session => matchesSelector(selector, session)),
      disconnect: session => this.#sessions.disconnect(session, 'admin'),
      change: (session, attributes) => this.#sessions.change(session, attributes),
    };
  }

  #configure(config: Config, users: UsersFile | undefined): void {
    const { aaa, pools, node } = this.#options;
    if (users !== undefined) {
      aaa.configure(config, users);
      pools.configure(config.network, users.reservations());
      this.#hooks.configure(config.hooks);
      this.#keyLog.configure(config.tls.keyLog);
    }
    this.#workers.configure(workerSettings(config, node));
  }

  // --- GatewayView

  status(): StatusView {
    return this.#observer.status();
  }

  ready(): Readiness {
    return this.#observer.ready();
  }

  history(since: number): HistoryView {
    return this.#observer.history(since);
  }

  *sessions(): Iterable<SessionView> {
    for (const row of this.#table.rows()) yield this.#sessions.view(row);
  }

  session(id: string): Promise<SessionDetail | undefined> {
    return this.#observer.session(id);
  }

  disconnect(id: string): boolean {
    return this.#sessions.disconnect(id, 'admin');
  }

  capture(id: string, options: CaptureOptions, by: string): ByteStream | CaptureRefusal {
    return this.#captures.start(id, options, by);
  }

  stopCapture(id: string): boolean {
    return this.#captures.stop(id);
  }

  reload(): Promise<ReloadView> {
    return this.#config.reload();
  }

  drain(end: boolean): void {
    void this.#beginDrain(end);
  }

  #beginDrain(end: boolean): Promise<void> {
    const { drainDelay } = this.#config.current;
    if (!this.#drain.hasBegun) {
      this.#log.info({ end, drainDelay }, 'not ready any more: draining');
      this.#feed.emit(() => ({ type: 'drain' }));
    }
    return this.#drain.begin(end, drainDelay);
  }

  listen(listener: (event: GatewayEvent) => void): () => void {
    return this.#feed.listen(listener);
  }

  metrics(): Promise<string> {
    return this.#metrics.exposition();
  }

  /** Of parts beside this one. */
  addMetrics(families: readonly MetricFamily[]): void {
    this.#metrics.add(families);
  }

  // --- messages of the workers

  #handle(worker: number, message: FromWorker): void {
    if (this.#stopped) return;
    switch (message.kind) {
      case 'ready':
        this.#onReady(worker, message.listening);
        break;
      case 'key-log':
        this.#keyLog.write(message.line);
        break;
      case 'refused':
        this.#onRefused(worker, message);
        break;
      case 'description':
        this.#observer.described(message);
        break;
      default:
        this.#sessions.handle(worker, message);
    }
  }

  #onReady(worker: number, listening: readonly { readonly host: string; readonly port: number }[]): void {
    const listen = listening.map(({ host, port }) => hostPort(host, port));
    this.#observer.listening = listen;
    this.#log.info({ worker, listen }, 'worker accepts connections');
    this.#feed.emit(() => ({ type: 'worker-ready', worker }));
    if (this.#workers.views().every(view => view.state === 'ready')) {
      this.#starting?.resolve();
      this.#starting = undefined;
    }
  }

  #onRefused(worker: number, { reason, remoteAddress, detail }: Extract<FromWorker, { kind: 'refused' }>): void {
    this.#counters.refusals.add(reason);
    // A load balancer looks every few seconds for as long as it lives.
    if (reason === 'health-check') {
      this.#log.debug({ worker, remoteAddress }, 'health check');
      return;
    }
    this.#peerLog.info('connection refused', reason, { worker, remoteAddress, detail: detail || undefined });
    this.#feed.emitOfPeer({ type: 'refused', reason, remoteAddress });
  }

  #onWorkerLost(worker: number, error: Error): void {
    this.#counters.restarts++;
    const sessions = this.#sessions.workerLost(worker);
    this.#log.error({ worker, err: error, sessions }, 'worker lost: its sessions are swept');
    this.#feed.emit(() => ({ type: 'worker-lost', worker, error: error.message, sessions }));
    this.#starting?.reject(error);
    this.#starting = undefined;
  }
}
