/**
 * The operator's own programs, run when a session goes up and when it goes down, with the arguments and the environment that
 * pppd gives to ip-up and ip-down. They run beside the tunnels: nothing waits for them, and there are never more than a few.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Logger } from 'pino';

export interface HookOptions {
  /** Program and arguments; undefined for none. */
  readonly up: readonly string[] | undefined;
  readonly down: readonly string[] | undefined;
  /** Milliseconds after which a program is killed, with all that it has started. */
  readonly timeLimit: number;
  readonly concurrency: number;
}

/** By what a session's lines are found in the log. */
interface SessionKeys {
  readonly session: string;
  readonly correlationId?: string | undefined;
}

/** One run that is due. */
interface Run {
  readonly keys: SessionKeys;
  readonly hook: 'up' | 'down';
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface HookCounters {
  readonly run: number;
  readonly failed: number;
  readonly timedOut: number;
  /** Not run: too many were waiting. */
  readonly dropped: number;
}

/** A storm of tunnels may be this far ahead of a slow program. */
const MAX_WAITING = 20_000;
/** What is kept of a program's error output, in characters. */
const STDERR_LIMIT = 500;

export class Hooks {
  #options: HookOptions;
  readonly #log: Logger;
  readonly #counters = { run: 0, failed: 0, timedOut: 0, dropped: 0 };
  readonly #waiting: Run[] = [];
  /** Sessions whose program runs: the next one of the same session comes after it. */
  readonly #running = new Set<string>();
  #idle: (() => void)[] = [];

  constructor(options: HookOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  /** For programs that are run from now on. */
  configure(options: HookOptions): void {
    this.#options = options;
  }

  get counters(): HookCounters {
    return this.#counters;
  }

  /** Programs of one session run in the order of these calls. `environment` is asked for at once, and only when there is a program. */
  run(hook: 'up' | 'down', keys: SessionKeys, environment: () => Readonly<Record<string, string>>): void {
    const command = this.#options[hook];
    if (command === undefined) return;
    if (this.#waiting.length >= MAX_WAITING) {
      // Once for a whole overflow.
      if (this.#counters.dropped++ === 0) this.#log.error({ hook, ...keys }, 'hooks are too slow: some are not run');
      return;
    }
    this.#waiting.push({ keys, hook, command, environment: environment() });
    this.#next();
  }

  /** Resolves when no program runs or waits, at the latest after `limitMs`. */
  async settled(limitMs: number): Promise<void> {
    if (this.#running.size === 0) return;
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, limitMs);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #next(): void {
    while (this.#running.size < this.#options.concurrency) {
      const index = this.#waiting.findIndex(({ keys }) => !this.#running.has(keys.session));
      if (index < 0) break;
      const [due] = this.#waiting.splice(index, 1);
      this.#start(due!);
    }
    if (this.#running.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #start({ keys, hook, command, environment }: Run): void {
    const { session } = keys;
    this.#running.add(session);
    this.#counters.run++;
    const [program, ...args] = command as [string, ...string[]];
    const child = startProgram(program, args, environment);
    if (child instanceof Error) {
      this.#counters.failed++;
      this.#log.warn({ hook, ...keys, program, error: child.message }, 'hook failed');
      this.#running.delete(session);
      return;
    }
    let stderr = '';
    let isOver = false;
    // Without a descriptor to spare there is neither a program nor its output: `error` tells.
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < STDERR_LIMIT) stderr = (stderr + text).slice(0, STDERR_LIMIT);
    });
    const timer = setTimeout(() => {
      this.#counters.timedOut++;
      this.#log.warn({ hook, ...keys, program, seconds: this.#options.timeLimit / 1000 }, 'hook took too long');
      killGroup(child.pid);
      // Not by its `exit`: something that escaped from the group must not hold the place of the next one.
      over();
    }, this.#options.timeLimit);
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      child.stderr?.destroy();
      this.#running.delete(session);
      this.#next();
    };
    const failed = (facts: Readonly<Record<string, unknown>>): void => {
      if (isOver) return;
      this.#counters.failed++;
      this.#log.warn({ hook, ...keys, program, ...facts }, 'hook failed');
      over();
    };
    child.on('error', error => failed({ error: error.message }));
    child.on('exit', (code, signal) => (code === 0 ? over() : failed({ code, signal, stderr: stderr.trim() })));
  }
}

/** The error of a program that cannot even be tried, as one with a zero byte in its name. */
function startProgram(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): ChildProcess | Error {
  try {
    // Of a process group of its own, so that the limit ends its children too.
    return spawn(program, [...args, ...ipUpArguments(environment)], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', ...environment },
    });
  } catch (error) {
    return error as Error;
  }
}

/** pppd(8), "SCRIPTS": interface-name tty-device speed local-IP-address remote-IP-address ipparam. */
function ipUpArguments(environment: Readonly<Record<string, string>>): string[] {
  return ['IFNAME', 'DEVICE', 'SPEED', 'IPLOCAL', 'IPREMOTE', 'IPPARAM'].map(name => environment[name] ?? '');
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // It has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
