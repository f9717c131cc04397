// The built command on a terminal of its own: `script` of Debian's bsdutils, which every system has, makes one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../src/main.js', import.meta.url));

export interface OnTerminal {
  /** Rejects when the command ends before it has drawn that. */
  untilDrawn(pattern: RegExp): Promise<void>;
  type(text: string): void;
  /** To the command itself, not to what made the terminal. */
  kill(signal: NodeJS.Signals): void;
  /** All that it wrote, and its exit code. */
  readonly ended: Promise<{ readonly code: number; readonly output: string }>;
}

/** On 24 rows of 120 columns. */
export function runOnTerminal(args: readonly string[]): OnTerminal {
  const command = [process.execPath, MAIN, ...args].map(word => `'${word}'`).join(' ');
  // The shell says who it is, and becomes the command.
  const shell = `stty rows 24 cols 120; echo "pid $$."; exec ${command}`;
  const child = spawn('script', ['--quiet', '--return', '--command', shell, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, SHELL: '/bin/sh', TERM: 'xterm' },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', text => (output += String(text)));
  const ended = once(child, 'close').then(([code]) => ({ code: Number(code), output }));
  return {
    ended,
    type: text => void child.stdin.write(text),
    kill: signal => void process.kill(Number(/pid (\d+)\./.exec(output)?.[1]), signal),
    untilDrawn: async pattern => {
      while (!pattern.test(output)) {
        if (child.exitCode !== null) throw new Error(`ended before it had drawn ${String(pattern)}: ${output}`);
        await Promise.race([once(child.stdout, 'data'), ended]);
      }
    },
  };
}
