// A User-Mode Linux guest: a Linux kernel as an ordinary process, with kernel PPP, for peers that need /dev/ppp on hosts that lack it.
// It boots in two to three seconds, sees the host's files (this checkout and the same node among them) and can write none of them
// but an exchange directory. It has one CPU and slow system calls: right for interoperability, wrong for speed.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

/** What the guest is to run, and with what. */
export interface GuestRun {
  /** Who is process 1: systemd, with nothing but the journal beside the program, or a shell. */
  readonly init: 'systemd' | 'shell';
  /** Program and arguments, run as root in the guest. */
  readonly program: readonly [string, ...string[]];
  /** Absolute path of a host directory that the guest may write; it has the same path in the guest. */
  readonly exchange: string;
  /** Kernel modules by name; the modules that they depend on are loaded too. */
  readonly modules: readonly string[];
  readonly memoryMb: number;
  /** From the start of the boot. The guest is killed when it is over. */
  readonly timeLimitMs: number;
  /** Hears the guest's console line by line while it runs. */
  readonly onLine?: (line: string) => void;
}

export interface GuestResult {
  /** The program's exit status; undefined when the guest did not get as far as reporting one. */
  readonly status: number | undefined;
  readonly timedOut: boolean;
  /** Everything that appeared on the console: the program's output, and the kernel's complaints. */
  readonly console: string;
}

const INIT = resolve(import.meta.dirname, '../../../test/guest/init.sh');

/** The commands that a guest needs from the host, with the Debian package of each. */
const COMMANDS: Readonly<Record<string, string>> = {
  'linux.uml': 'user-mode-linux',
  modprobe: 'kmod',
  setpriv: 'util-linux',
  unshare: 'util-linux',
};

/** Why a guest cannot run here, in words for a skipped test; undefined when it can. `more` maps further commands to their packages. */
export function guestObstacle(more: Readonly<Record<string, string>> = {}): string | undefined {
  if (process.getuid?.() !== 0) return 'the guest needs root';
  const missing = Object.entries({ ...COMMANDS, ...more }).filter(([command]) => !isInstalled(command));
  if (missing.length === 0) return undefined;
  return `missing: ${missing.map(([command, name]) => `${command} (Debian package ${name})`).join(', ')}`;
}

/** Boots a guest, runs one program in it and powers it off. Rejects only when the kernel cannot be started at all. */
export async function runInGuest(run: GuestRun): Promise<GuestResult> {
  rmSync(join(run.exchange, 'status'), { force: true });
  writeFileSync(join(run.exchange, 'program.sh'), `exec ${run.program.map(quote).join(' ')}\n`);
  // The kernel is a group of processes. A PID namespace of their own makes them end together, and setpriv makes them end with
  // this process even when it is killed.
  const guest = spawn(
    'setpriv',
    [
      '--pdeathsig=KILL',
      'unshare',
      '--pid',
      '--fork',
      '--kill-child=KILL',
      'linux.uml',
      `mem=${run.memoryMb}M`,
      'root=/dev/root',
      'rootfstype=hostfs',
      'rootflags=/',
      'ro',
      'quiet',
      'selinux=0',
      'con=null',
      'con0=null,fd:1',
      'ssl=null',
      'init=/bin/sh',
      `GUEST_INIT=${run.init}`,
      `GUEST_EXCHANGE=${run.exchange}`,
      `GUEST_MODULES=${run.modules.join(',')}`,
      '--',
      INIT,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const killGuest = (): boolean => guest.kill('SIGKILL');
  process.once('exit', killGuest);
  let timedOut = false;
  const limit = setTimeout(() => {
    timedOut = true;
    killGuest();
  }, run.timeLimitMs);
  try {
    const console = collectLines(guest, run.onLine);
    await new Promise<void>((done, failed) => {
      guest.once('error', failed);
      guest.once('exit', () => done());
    });
    return { status: readStatus(run.exchange), timedOut, console: await console };
  } finally {
    clearTimeout(limit);
    process.removeListener('exit', killGuest);
    killGuest();
  }
}

async function collectLines(guest: ChildProcess, onLine: (line: string) => void = () => {}): Promise<string> {
  const decoder = new StringDecoder('utf8');
  let whole = '';
  let rest = '';
  for await (const chunk of guest.stdout ?? []) {
    const text = decoder.write(chunk as Buffer).replaceAll('\r', '');
    whole += text;
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  }
  if (rest !== '') onLine(rest);
  return whole;
}

function readStatus(exchange: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(join(exchange, 'status'), 'utf8'), 10);
  } catch {
    return undefined;
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function isInstalled(command: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some(folder => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
