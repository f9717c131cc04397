// Commands inside the guest: run to their end, or kept running with their output in a file.
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Far above what any single command needs; a guest on a busy machine is slow. */
const COMMAND_LIMIT_MS = 300_000;
const POLL_MS = 50;

/** Runs a command to its end. Resolves with its standard output; rejects, with what it wrote, when it fails. */
export async function run(command: string, ...args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await execute(command, args, { timeout: COMMAND_LIMIT_MS, maxBuffer: 1 << 24 });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${[command, ...args].join(' ')} failed: ${stdout}${stderr}`, { cause: error });
  }
}

/** Polls until `probe` gives something else than undefined or false. */
export async function waitFor<T>(
  what: string,
  limitMs: number,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const limit = performance.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > limit) throw new Error(`${what}: not within ${limitMs / 1000} s`);
    await sleep(POLL_MS);
  }
}

/** A command in the background. Its output goes straight to a file, which outlives it. */
export class Job {
  readonly #child: ChildProcess;
  readonly #outputFile: string;
  /** Exit status, or the signal that ended it; undefined while it runs. */
  #ended: number | NodeJS.Signals | undefined;

  constructor(outputFile: string, argv: readonly [string, ...string[]]) {
    const output = openSync(outputFile, 'a');
    this.#outputFile = outputFile;
    this.#child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', output, output] });
    closeSync(output);
    this.#child.once('exit', (code, signal) => (this.#ended = code ?? signal ?? 'SIGKILL'));
    this.#child.once('error', () => (this.#ended = 127));
  }

  get ended(): number | NodeJS.Signals | undefined {
    return this.#ended;
  }

  output(): string {
    return readFileSync(this.#outputFile, 'utf8');
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(limitMs: number): Promise<number | NodeJS.Signals> {
    return await waitFor(`end of ${this.#child.spawnfile}`, limitMs, () => this.#ended);
  }
}
