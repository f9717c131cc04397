/** iperf3 between the clients' side and the network behind the gateway. */
import { execFile } from 'node:child_process';
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
  const { from, address, server, port, direction, seconds } = request;
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
    CONGESTION,
    '-J',
  ];
  if (direction === 'download') args.push('-R');
  const command = ['netns', 'exec', from.name, 'iperf3', ...args];
  const limits = { maxBuffer: 1 << 26, timeout: (seconds + 30) * 1000 };
  const { stdout } = await promisify(execFile)('ip', command, limits).catch((error: Error & { stdout?: string }) => {
    throw new Error(`iperf3: ${messageIn(error.stdout) ?? error.message}`, { cause: error });
  });
  const { end } = JSON.parse(stdout) as { end: { sum_received: { bytes: number; bits_per_second: number } } };
  return { bytes: end.sum_received.bytes, bitsPerSecond: end.sum_received.bits_per_second };
}

function messageIn(output: string | undefined): string | undefined {
  try {
    return (JSON.parse(output ?? '') as { error?: string }).error;
  } catch {
    return undefined;
  }
}
