/** What a running gateway tells its service manager, and when. */
import type { Gateway } from '../gateway.ts';
import type { ServiceManager } from './service-manager.ts';

const STATUS_INTERVAL_MS = 10_000;
/** A stop takes as long as the configuration lets it; until then the manager hears that it goes on. */
const STOP_EXTENSION_MS = 20_000;
const STOP_REPORT_INTERVAL_MS = 5_000;

export class ServiceReports {
  readonly #manager: ServiceManager;
  readonly #gateway: Gateway;
  readonly #timers: NodeJS.Timeout[] = [];
  #phase: 'up' | 'draining' = 'up';

  /** Of a gateway that is up. */
  constructor(manager: ServiceManager, gateway: Gateway) {
    this.#manager = manager;
    this.#gateway = gateway;
    this.#reportStatus();
    manager.ready();
    this.#every(STATUS_INTERVAL_MS, () => this.#reportStatus());
    // What the gateway cannot mend itself ends the reports, as a main thread that hangs would: the manager then starts it anew.
    const alive = (): void => void (gateway.supervisor.alive && manager.alive());
    if (manager.watchdogIntervalMs !== undefined) this.#every(manager.watchdogIntervalMs, alive);
  }

  async reload(): Promise<void> {
    this.#manager.reloading();
    await this.#gateway.supervisor.reload().finally(() => this.#manager.ready());
  }

  stopping(): void {
    this.#phase = 'draining';
    this.#manager.stopping();
    const report = (): void => {
      this.#reportStatus();
      this.#manager.extendTimeout(STOP_EXTENSION_MS);
    };
    report();
    this.#every(STOP_REPORT_INTERVAL_MS, report);
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #reportStatus(): void {
    const { sessions, workers } = this.#gateway.supervisor.status();
    const { up, ...others } = sessions;
    const coming = Object.values(others).reduce((sum, count) => sum + count, 0);
    const ready = workers.filter(({ state }) => state === 'ready').length;
    const facts = [`${up} sessions`, `${coming} on their way`, `${ready} of ${workers.length} workers ready`];
    this.#manager.status(`${this.#phase}: ${facts.join(', ')}`);
  }

  #every(ms: number, report: () => void): void {
    this.#timers.push(setInterval(report, ms).unref());
  }
}
