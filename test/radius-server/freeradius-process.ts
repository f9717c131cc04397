// The process of a FreeRADIUS (the Debian package freeradius) that a test has configured.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';

/** Why tests with FreeRADIUS must be skipped here, or false. With CI=true nothing is skipped: what is missing fails. */
export function freeradiusUnavailable(): string | false {
  const missing = spawnSync('freeradius', ['-v']).error !== undefined;
  return missing && process.env['CI'] !== 'true' ? 'freeradius (a Debian package) is not installed' : false;
}

export class FreeradiusProcess {
  readonly #directory: string;
  #child: ChildProcess | undefined;

  readonly #namespace: string | undefined;

  /** `directory` has a radiusd.conf. */
  constructor(directory: string, namespace?: string) {
    this.#directory = directory;
    this.#namespace = namespace;
  }

  /** While it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const command = ['freeradius', '-f', '-l', 'stdout', '-d', this.#directory, '-D', '/usr/share/freeradius'];
    // `ip netns exec` becomes the command: the process id is the server's.
    const inside = this.#namespace === undefined ? command : ['ip', 'netns', 'exec', this.#namespace, ...command];
    const child = spawn(inside[0]!, inside.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    // A test that fails half-way must not leave its server running.
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    while (!output.includes('Ready to process requests')) {
      assert.equal(child.exitCode, null, `freeradius ended: ${output}`);
      await sleep(20);
    }
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await new Promise(resolve => child.once('exit', resolve));
  }
}

/** That nobody uses on loopback now. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise<void>(resolve => socket.close(resolve));
  return port;
}

/** The part of a radiusd.conf that is the same for every server: nothing of Debian's own raddb is read. */
export function preamble(directory: string): string {
  return `
prefix = /usr
libdir = /usr/lib/freeradius
logdir = ${directory}
raddbdir = ${directory}
run_dir = ${directory}
max_request_time = 5
cleanup_delay = 5
max_requests = 16384
hostname_lookups = no
security {
  max_attributes = 200
  reject_delay = 0
  status_server = no
  allow_vulnerable_openssl = yes
}`;
}
