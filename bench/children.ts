/** Programs that a benchmark starts in network namespaces. None outlives the benchmark, however that ends. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../test/tun/namespace.ts';

const START_LIMIT_MS = 60_000;

const running = new Set<Child>();
process.once('exit', () => {
  for (const child of running) child.kill();
});

/** A program of this folder: its name without extension, and what it is told. */
export function runScript(namespace: Namespace, script: string, request: object): Child {
  const file = fileURLToPath(new URL(`${script}.js`, import.meta.url));
  return new Child(namespace, process.execPath, [file, JSON.stringify(request)]);
}

/** Resolves with the first line of JSON that the program says, which tells that it is ready. */
export async function startScript<T>(namespace: Namespace, script: string, request: object): Promise<[Child, T]> {
  const child = runScript(namespace, script, request);
  return [child, JSON.parse(await child.line(line => line.startsWith('{'))) as T];
}

export class Child {
  readonly pid: number;
  readonly #child: ChildProcessByStdio<null, Readable, null>;
  readonly #lines: string[] = [];
  #onLine: (() => void) | undefined;
  readonly #name: string;

  readonly #signal: NodeJS.Signals;

  /** `ip netns exec` becomes the program: the process id is the program's. @param signal what stops it */
  constructor(namespace: Namespace, program: string, args: readonly string[], signal: NodeJS.Signals = 'SIGTERM') {
    this.#signal = signal;
    this.#name = [program, args[0] ?? ''].map(part => part.split('/').at(-1)).join(' ');
    this.#child = spawn('ip', ['netns', 'exec', namespace.name, program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.pid = this.#child.pid ?? 0;
    running.add(this);
    this.#child.once('exit', () => {
      running.delete(this);
      this.#onLine?.();
    });
    createInterface(this.#child.stdout).on('line', line => {
      this.#lines.push(line);
      this.#onLine?.();
    });
  }

  /** The first line of output that is `wanted`; each line is looked at once. */
  async line(wanted: (line: string) => boolean, limitMs = START_LIMIT_MS): Promise<string> {
    const end = performance.now() + limitMs;
    for (;;) {
      for (let line = this.#lines.shift(); line !== undefined; line = this.#lines.shift()) {
        if (wanted(line)) return line;
      }
      if (this.#hasEnded) throw new Error(`${this.#name} ended with ${this.#child.exitCode ?? this.#child.signalCode}`);
      if (performance.now() > end) throw new Error(`${this.#name} did not say what it should`);
      await this.#news();
    }
  }

  /** By its signal, and SIGKILL when that does not help. Resolves when the process is gone. */
  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    const exited = once(this.#child, 'exit');
    const insist = setTimeout(() => this.kill(), 5000);
    this.#child.kill(this.#signal);
    await exited;
    clearTimeout(insist);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #news(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, 1000);
      this.#onLine = () => {
        clearTimeout(timer);
        this.#onLine = undefined;
        resolve();
      };
    });
  }
}
