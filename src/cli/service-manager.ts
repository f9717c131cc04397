/**
 * sd_notify(3): what a service tells the service manager that started it, systemd for one, in datagrams of `NAME=value` lines.
 */
import { sendDatagram } from '../ffi/datagram.ts';
import type { Logger } from '../log.ts';

/** What the service manager has set in the environment: sd_notify(3), sd_watchdog_enabled(3). */
const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;

/** The manager's queue is full for moments only. */
const RETRY_MS = 100;
/** A manager that takes nothing for so long has a reason. */
const MAX_WAITING = 50;

export class ServiceManager {
  /** How often {@link alive} has to be said; undefined: never. */
  readonly watchdogIntervalMs: number | undefined;
  readonly #socket: string;
  readonly #log: Logger;
  readonly #waiting: string[] = [];
  #retry: NodeJS.Timeout | undefined;
  #status = '';

  /**
   * The manager that the environment names; undefined when there is none. Its variables are taken out of `environment`: what this process
   * starts is not to speak for it.
   */
  static from(environment: NodeJS.ProcessEnv, log: Logger): ServiceManager | undefined {
    const [socket = '', watchdogUsec, watchdogPid = `${process.pid}`] = VARIABLES.map(name => environment[name]);
    for (const name of VARIABLES) delete environment[name];
    // vsock:, for virtual machines, has no meaning here.
    if (!/^[/@]./.test(socket)) return undefined;
    const watchdogMs = watchdogPid === `${process.pid}` ? Number(watchdogUsec) / 1000 : 0;
    return new ServiceManager(socket, watchdogMs >= 2 ? watchdogMs / 2 : undefined, log);
  }

  private constructor(socket: string, watchdogIntervalMs: number | undefined, log: Logger) {
    this.#socket = socket;
    this.watchdogIntervalMs = watchdogIntervalMs;
    this.#log = log;
  }

  /** The start, or a reload, is complete. */
  ready(): void {
    this.#tell('READY=1');
  }

  /** Until the next {@link ready}. */
  reloading(): void {
    // CLOCK_MONOTONIC is what hrtime counts by.
    this.#tell(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  }

  stopping(): void {
    this.#tell('STOPPING=1');
  }

  /** What the current step, a stop for one, takes from now on, where that is longer than the manager would wait. */
  extendTimeout(ms: number): void {
    this.#tell(`EXTEND_TIMEOUT_USEC=${ms * 1000}`);
  }

  alive(): void {
    this.#tell('WATCHDOG=1');
  }

  /** One line for people. */
  status(text: string): void {
    if (text === this.#status) return;
    this.#status = text;
    this.#tell(`STATUS=${text}`);
  }

  #tell(message: string): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(message);
    this.#send();
  }

  #send(): void {
    clearTimeout(this.#retry);
    try {
      while (this.#waiting.length > 0 && sendDatagram(this.#socket, this.#waiting[0]!)) this.#waiting.shift();
    } catch (error) {
      this.#log.warn({ err: error }, 'the service manager cannot be told');
      this.#waiting.length = 0;
    }
    if (this.#waiting.length > 0) this.#retry = setTimeout(() => this.#send(), RETRY_MS).unref();
  }
}
