// Network namespaces for tests: several hosts on one machine. Names hold this process's id, so that parallel runs do not meet; what a
// failed test leaves behind is removed when the process exits.

import { execFile, execFileSync, type ExecFileException } from 'node:child_process';
import { accessSync, chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why tests with namespaces and TUN devices must be skipped here, or false. With CI=true nothing is skipped: what is missing fails. */
export function namespacesUnavailable(): string | false {
  if (process.env['CI'] === 'true') return false;
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    accessSync('/dev/net/tun');
  } catch {
    return 'needs /dev/net/tun';
  }
  try {
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' });
    execFileSync('ping', ['-V'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'needs the commands ip (iproute2) and ping (iputils-ping)';
  }
}

/** What a command left behind. `code` is null when it was killed. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Found once: tests put shims in front of it on PATH. */
const IP = findIp();

const present = new Set<Namespace>();
process.once('exit', () => {
  for (const namespace of present) namespace.delete();
});
// By default these end the process without its 'exit' event; the test runner sends them to a file that hangs.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

export class Namespace {
  readonly name: string;
  #shim: string | undefined;

  /** A host with its loopback up. `label` tells it from others of this process; it also serves in device names, so keep it short. */
  constructor(label: string) {
    this.name = `sgw${process.pid}-${label}`;
    execFileSync(IP, ['netns', 'add', this.name]);
    present.add(this);
    this.ip('link', 'set', 'lo', 'up');
  }

  /** Runs `ip` in the namespace; throws with its message when it fails. Blocks. */
  ip(...args: readonly string[]): string {
    return execFileSync(IP, ['-n', this.name, ...args], { encoding: 'utf8', maxBuffer: 1 << 24 });
  }

  /** Runs a command in the namespace to its end; never rejects. The event loop goes on meanwhile. */
  run(command: string, ...args: readonly string[]): Promise<Outcome> {
    return new Promise(resolve => {
      const argv = ['netns', 'exec', this.name, command, ...args];
      execFile(IP, argv, { timeout: 30_000 }, (error: ExecFileException | null, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
        resolve({ code, stdout, stderr });
      });
    });
  }

  /** Like {@link run}, but blocks the event loop; throws when the command fails. */
  runBlocking(command: string, ...args: readonly string[]): string {
    return execFileSync(IP, ['netns', 'exec', this.name, command, ...args], { encoding: 'utf8' });
  }

  /** Moves an interface of this process's namespace in here. It arrives down, without addresses. */
  adopt(device: string): void {
    execFileSync(IP, ['link', 'set', 'dev', device, 'netns', this.name]);
  }

  /** Lays a cable to another namespace; both ends are up with the given addresses ('192.0.2.1/24'). */
  connect(other: Namespace, device: string, address: string, otherDevice: string, otherAddress: string): void {
    this.ip('link', 'add', 'name', device, 'type', 'veth', 'peer', 'name', otherDevice, 'netns', other.name);
    this.ip('address', 'add', address, 'dev', device);
    other.ip('address', 'add', otherAddress, 'dev', otherDevice);
    this.ip('link', 'set', 'dev', device, 'up');
    other.ip('link', 'set', 'dev', otherDevice, 'up');
  }

  /** A folder whose `ip` works in this namespace: in front of PATH, it moves what a process does with `ip` in here. */
  get path(): string {
    if (this.#shim === undefined) {
      this.#shim = mkdtempSync(join(tmpdir(), 'sgw-ip-'));
      writeFileSync(join(this.#shim, 'ip'), `#!/bin/sh\nexec ${IP} -n ${this.name} "$@"\n`);
      chmodSync(join(this.#shim, 'ip'), 0o755);
    }
    return `${this.#shim}:${process.env['PATH'] ?? ''}`;
  }

  /** Idempotent; never throws. Interfaces in it disappear once their descriptors and processes are gone. */
  delete(): void {
    if (!present.delete(this)) return;
    if (this.#shim !== undefined) rmSync(this.#shim, { recursive: true, force: true });
    try {
      execFileSync(IP, ['netns', 'delete', this.name], { stdio: 'ignore' });
    } catch {
      // Gone already.
    }
  }
}

function findIp(): string {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    try {
      accessSync(join(folder, 'ip'));
      return join(folder, 'ip');
    } catch {
      // The next folder may have it.
    }
  }
  return 'ip';
}
