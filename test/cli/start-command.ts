// The built command as a process that a test watches while it runs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './run-command.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export interface RunningCommand {
  readonly ended: Promise<Outcome>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with what was printed once that matches; rejects when the command ends before. */
  untilPrinted(pattern: RegExp): Promise<string>;
}

/** @param namespace the network namespace to run in */
export function startCommand(args: readonly string[], namespace?: string): RunningCommand {
  const command = [process.execPath, MAIN, ...args];
  // `ip netns exec` becomes the command, and so receives its signals.
  const [program, ...rest] = namespace === undefined ? command : ['ip', 'netns', 'exec', namespace, ...command];
  const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', chunk => (stdout += String(chunk)));
  child.stderr.on('data', chunk => (stderr += String(chunk)));
  const ended = once(child, 'close').then(([code]): Outcome => ({ code: code as number | null, stdout, stderr }));
  return {
    ended,
    kill: signal => void child.kill(signal),
    untilPrinted: async pattern => {
      while (!pattern.test(stdout)) {
        if (child.exitCode !== null) throw new Error(`ended before it printed ${String(pattern)}: ${stdout}${stderr}`);
        await Promise.race([once(child.stdout, 'data'), ended]);
      }
      return stdout;
    },
  };
}
