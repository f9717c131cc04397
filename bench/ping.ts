/** The kernel's view of latency: ping(8) of iputils. */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Namespace } from '../test/tun/namespace.ts';
import { percentile } from './statistics.ts';

export interface PingRequest {
  readonly from: Namespace;
  /** Which of the host's addresses asks, if it has several. */
  readonly address?: string;
  readonly to: string;
  /** So many processes ping, each every {@link INTERVAL_MS}. */
  readonly processes: number;
  readonly seconds: number;
  /** Of ping itself, as nice(1) has it: 0 by default. */
  readonly niceness?: number;
}

/** Milliseconds. */
export interface Latency {
  readonly sent: number;
  readonly received: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** Below, ping waits for answers before it goes on, and would look away whenever latency is high. */
const INTERVAL_MS = 10;

/** @throws Error when nothing was answered */
export async function ping(request: PingRequest): Promise<Latency> {
  const runs = await Promise.all(
    Array.from({ length: request.processes }, async (_, index) => {
      await sleep((index / request.processes) * INTERVAL_MS);
      return runPing(request);
    }),
  );
  const times = runs.flatMap(run => run.times);
  if (times.length === 0) throw new Error(`no answer to pings from ${request.to}`);
  return {
    sent: runs.reduce((sum, run) => sum + run.sent, 0),
    received: times.length,
    p50: percentile(times, 50),
    p99: percentile(times, 99),
    p999: percentile(times, 99.9),
  };
}

/** Ends by an interrupt: ping counts in pings, whose interval comes out longer than asked for on many kernels. */
async function runPing({ from, address, to, seconds, niceness = 0 }: PingRequest) {
  const source = address === undefined ? [] : ['-I', address];
  const options = ['-n', '-i', String(INTERVAL_MS / 1000), ...source];
  const command = ['netns', 'exec', from.name, 'nice', '-n', String(niceness), 'ping', ...options, to];
  const limits = { maxBuffer: 1 << 26, timeout: seconds * 1000, killSignal: 'SIGINT' } as const;
  const { stdout } = await promisify(execFile)('ip', command, limits).catch((error: { stdout?: string }) => ({
    stdout: error.stdout ?? '',
  }));
  const answers = [...stdout.matchAll(/ icmp_seq=(\d+) .*time=([\d.]+) ms/g)];
  return {
    times: answers.map(([, , time]) => Number(time)),
    // The last ones may still have been on their way.
    sent: answers.reduce((highest, [, sequence]) => Math.max(highest, Number(sequence)), 0),
  };
}
