/** The kernel's view of latency: ping(8) of iputils. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Namespace } from '../test/tun/namespace.ts';
import { percentile } from './statistics.ts';

export interface PingRequest {
  readonly from: Namespace;
  /** Which of the host's addresses asks, if it has several. */
  readonly address?: string;
  readonly to: string;
  /** Each ping leaves when it is due, whether the one before has been answered or not. */
  readonly intervalMs: number;
  readonly count: number;
  /** Of ping itself, as nice(1) has it: 0 by default. */
  readonly niceness?: number;
}

export interface Latency {
  readonly sent: number;
  readonly received: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** For answers to the last ones. */
const WAIT_S = 2;

/** Milliseconds. @throws Error when nothing was answered */
export async function ping({ from, address, to, intervalMs, count, niceness = 0 }: PingRequest): Promise<Latency> {
  const source = address === undefined ? [] : ['-I', address];
  const options = ['-n', '-i', String(intervalMs / 1000), '-c', String(count), '-W', String(WAIT_S), ...source];
  const command = ['netns', 'exec', from.name, 'nice', '-n', String(niceness), 'ping', ...options, to];
  const limits = { maxBuffer: 1 << 26, timeout: count * intervalMs * 4 + 20_000 };
  // It fails when an answer is missing, which is a result here.
  const { stdout } = await promisify(execFile)('ip', command, limits).catch((error: { stdout?: string }) => ({
    stdout: error.stdout ?? '',
  }));
  const times = [...stdout.matchAll(/ time=([\d.]+) ms/g)].map(match => Number(match[1]));
  const sent = Number(/(\d+) packets transmitted/.exec(stdout)?.[1] ?? Number.NaN);
  if (times.length === 0 || Number.isNaN(sent)) throw new Error(`no answer to pings from ${to}`);
  return {
    sent,
    received: times.length,
    p50: percentile(times, 50),
    p99: percentile(times, 99),
    p999: percentile(times, 99.9),
  };
}
