/** A real HAProxy (the Debian package haproxy) on loopback. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { freeTcpPort, untilListening } from './tcp-port.ts';

const STATE_LIMIT_MS = 10_000;

/** Why tests with HAProxy must be skipped here, or false. With CI=true nothing is skipped: what is missing fails. */
export function haproxyUnavailable(): string | false {
  const missing = spawnSync('haproxy', ['-v']).error !== undefined;
  return missing && process.env['CI'] !== 'true' ? 'haproxy (a Debian package) is not installed' : false;
}

/** What a configuration needs to know of where it runs. */
export interface HaproxyPlace {
  /** Free, of 127.0.0.1. */
  readonly port: number;
  readonly statsSocket: string;
}

export class Haproxy {
  readonly port: number;
  readonly #child: ReturnType<typeof spawn>;
  readonly #directory: string;
  readonly #statsSocket: string;

  /** Resolves when it listens. Throws with what HAProxy says of a configuration that it refuses. */
  static async start(configuration: (place: HaproxyPlace) => string): Promise<Haproxy> {
    const port = await freeTcpPort();
    const directory = mkdtempSync(join(tmpdir(), 'sstp-gateway-haproxy-'));
    const statsSocket = join(directory, 'stats');
    const file = join(directory, 'haproxy.cfg');
    writeFileSync(file, configuration({ port, statsSocket }));
    const { status, stderr } = spawnSync('haproxy', ['-c', '-f', file], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    const child = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', chunk => (errors += String(chunk)));
    // A test that fails half-way must not leave its proxy running.
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    // Not by a connection to its port: it would pass that on.
    await untilListening({ path: statsSocket }, () =>
      child.exitCode === null ? undefined : `haproxy ended: ${errors}`,
    );
    return new Haproxy(port, child, directory, statsSocket);
  }

  private constructor(port: number, child: ReturnType<typeof spawn>, directory: string, statsSocket: string) {
    this.port = port;
    this.#child = child;
    this.#directory = directory;
    this.#statsSocket = statsSocket;
  }

  /** Waits until HAProxy has found a server of its backend to be up or down. */
  async until(server: string, state: 'UP' | 'DOWN'): Promise<void> {
    const end = performance.now() + STATE_LIMIT_MS;
    for (;;) {
      const { status = '', check = '' } = (await this.servers()).get(server) ?? {};
      // A server counts as up before the first check has looked.
      if (status.startsWith(state) && !['', 'INI'].includes(check)) return;
      if (performance.now() > end) throw new Error(`${server} is ${status} after ${check}, not ${state}`);
      await sleep(20);
    }
  }

  /** Of its backends: the state of each server, the result of its last check, and how many connections it was given. */
  async servers(): Promise<Map<string, { status: string; check: string; connections: number }>> {
    const socket = connect(this.#statsSocket);
    socket.end('show stat\n');
    const [header = '', ...lines] = (await text(socket)).trim().split('\n');
    const names = header.replace(/^# /, '').split(',');
    const rows = lines.map(line => new Map(line.split(',').map((value, index) => [names[index], value])));
    return new Map(
      rows.map(row => [
        row.get('svname') ?? '',
        {
          status: row.get('status') ?? '',
          check: (row.get('check_status') ?? '').replace(/^\* /, ''),
          connections: Number(row.get('stot')),
        },
      ]),
    );
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
    rmSync(this.#directory, { recursive: true });
  }
}
