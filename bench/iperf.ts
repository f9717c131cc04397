/** iperf3 between the clients' side and the network behind the gateway. */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Namespace } from '../test/tun/namespace.ts';
import { Child } from './children.ts';

/** As seen from the clients. */
export type Direction = 'upload' | 'download';
export const DIRECTIONS: readonly Direction[] = ['upload', 'download'];

export interface TransferRequest {
  readonly from: Namespace;
  /** The client's end: which tunnel is taken. */
  readonly address: string;
  readonly server: string;
  readonly port: number;
  readonly direction: Direction;
  readonly seconds: number;
  /** Of the client, as nice(1) has it: 0 by default. */
  readonly niceness?: number;
  /** Congestion control of both ends; {@link CONGESTION} by default. */
  readonly congestion?: string;
}

/** Of the two ends: what nearly all hosts have, whatever this machine is set to. */
const CONGESTION = 'cubic';

/** What the receiving side has seen. */
export interface Transfer {
  readonly bytes: number;
  readonly bitsPerSecond: number;
}

/** One server for each of the ports: a server takes one test at a time. Resolves when all listen. */
export async function startServers(namespace: Namespace, address: string, ports: readonly number[]): Promise<Child[]> {
  const servers = ports.map(
    // Told to end, it would complain; it has nothing to tidy up.
    port => new Child(namespace, 'iperf3', ['-s', '-B', address, '-p', String(port), '--forceflush'], 'SIGKILL'),
  );
  await Promise.all(servers.map(server => server.line(line => line.startsWith('Server listening'))));
  return servers;
}

/** @throws Error with iperf3's own message */
export async function transfer(request: TransferRequest): Promise<Transfer> {
  for (let attempt = 1; ; attempt++) {
    const { error, end } = await runClient(request);
    const received = end?.sum_received;
    if (received !== undefined) return { bytes: received.bytes, bitsPerSecond: received.bits_per_second };
    const isBusy = error !== undefined && /busy|unable to receive control message/.test(error);
    if (!isBusy || attempt === ATTEMPTS) throw new Error(`iperf3: ${error ?? 'ended without a result'}`);
    await sleep(RETRY_MS);
  }
}

/** A server is busy for a moment after a test, in which it tidies up; at the end of it a new connection may be reset. */
const ATTEMPTS = 20;
const RETRY_MS = 100;

/** What `iperf3 -J` says: the results of a test, or why there are none. */
interface Outcome {
  readonly error?: string;
  readonly end?: { readonly sum_received?: { readonly bytes: number; readonly bits_per_second: number } };
}

async function runClient(request: TransferRequest): Promise<Outcome> {
  const { from, address, server, port, direction, seconds, niceness = 0, congestion = CONGESTION } = request;
  const args = [
    '-c',
    server,
    '-B',
    address,
    '-p',
    String(port),
    '-t',
    String(seconds),
    '-i',
    '0',
    '-C',
    congestion,
    '-J',
  ];
  if (direction === 'download') args.push('-R');
  const command = ['netns', 'exec', from.name, 'nice', '-n', String(niceness), 'iperf3', ...args];
  const limits = { maxBuffer: 1 << 26, timeout: (seconds + 30) * 1000 };
  const { stdout } = await promisify(execFile)('ip', command, limits).catch((error: Error & { stdout?: string }) => ({
    stdout: error.stdout === undefined || error.stdout === '' ? JSON.stringify({ error: error.message }) : error.stdout,
  }));
  try {
    return JSON.parse(stdout) as Outcome;
  } catch {
    return { error: `does not speak JSON: ${stdout.slice(0, 200)}` };
  }
}
