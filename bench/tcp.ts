/**
 * iperf3 TCP through one tunnel: client and gateway in network namespaces of their own, joined by a cable.
 *
 *   iperf3 -c --- sstpc0 [connect] --- veth --- [gateway] sstp0 --- iperf3 -s
 *
 * CPU time is that of the gateway's process alone, from /proc; the client's is shown to tell who the bottleneck was.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GatewayProcess } from '../test/gateway/gateway-process.ts';
import { PASSWORD, USER, createSite } from '../test/gateway/site.ts';
import { Namespace } from '../test/tun/namespace.ts';
import type { Benchmark } from './benchmark.ts';
import { cpuSeconds } from './process-cpu.ts';

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
const GATEWAY_ADDRESS = '10.66.0.1';
const OUTER = { gateway: '192.0.2.1', client: '192.0.2.2' } as const;
const IPERF_PORT = '5201';
const DURATION = { full: 10, quick: 2 } as const;
const ROUNDS = { full: 5, quick: 1 } as const;
const GIGA = 1e9;

interface Sample {
  readonly bitsPerSecond: number;
  readonly gatewayCpuPerGb: number;
  readonly clientCpuPerGb: number;
}

/** Rows are medians of the rounds; both directions alternate, so that a change of the machine's mood meets both. */
export const tcp: Benchmark = async ({ quick, report }) => {
  const mode = quick ? 'quick' : 'full';
  const gatewaySide = new Namespace('g');
  const clientSide = new Namespace('c');
  const site = await createSite({
    listen: [{ address: `${OUTER.gateway}:443` }],
    workers: 1,
    network: { mode: 'tun', device: 'sstp', ipv4: { pool: ['10.66.0.0/16'], gateway: GATEWAY_ADDRESS } },
  });
  const children: ChildProcess[] = [];
  let gateway: GatewayProcess | undefined;
  try {
    gatewaySide.connect(clientSide, 'outer', `${OUTER.gateway}/24`, 'outer', `${OUTER.client}/24`);
    gateway = await GatewayProcess.start(site, gatewaySide.name);
    const client = await startClient(clientSide, site);
    children.push(client, inNamespace(gatewaySide, 'iperf3', ['-s', '-B', GATEWAY_ADDRESS]));
    const pids = { gateway: gateway.pid, client: client.pid! };

    const samples: Record<'upload' | 'download', Sample[]> = { upload: [], download: [] };
    for (let round = 1; round <= ROUNDS[mode]; round++) {
      for (const direction of ['upload', 'download'] as const) {
        console.error(`  round ${round} of ${ROUNDS[mode]}, ${direction}, ${DURATION[mode]} s`);
        samples[direction].push(await transfer(clientSide, direction, DURATION[mode], pids));
      }
    }
    const results = Object.entries(samples).map(([direction, rounds]) => ({
      direction,
      'Gbit/s': median(rounds.map(sample => sample.bitsPerSecond)) / GIGA,
      'gateway CPU s/GB': median(rounds.map(sample => sample.gatewayCpuPerGb)),
      'client CPU s/GB': median(rounds.map(sample => sample.clientCpuPerGb)),
    }));
    for (const { direction, ...figures } of results) {
      report({
        direction,
        ...Object.fromEntries(Object.entries(figures).map(([key, value]) => [key, value.toFixed(2)])),
      });
    }
    return { tunnels: 1, seconds: DURATION[mode], rounds: samples, results };
  } finally {
    for (const child of children.toReversed()) await end(child);
    await gateway?.stop();
    site.remove();
    clientSide.delete();
    gatewaySide.delete();
  }
};

async function transfer(
  side: Namespace,
  direction: 'upload' | 'download',
  seconds: number,
  pids: { readonly gateway: number; readonly client: number },
): Promise<Sample> {
  const before = { gateway: cpuSeconds(pids.gateway), client: cpuSeconds(pids.client) };
  const args = ['-c', GATEWAY_ADDRESS, '-p', IPERF_PORT, '-t', String(seconds), '-J'];
  if (direction === 'download') args.push('-R');
  const { stdout } = await promisify(execFile)('ip', ['netns', 'exec', side.name, 'iperf3', ...args], {
    maxBuffer: 1 << 26,
  });
  const { end: summary } = JSON.parse(stdout) as { end: { sum_received: { bytes: number; bits_per_second: number } } };
  const gigabytes = summary.sum_received.bytes / GIGA;
  return {
    bitsPerSecond: summary.sum_received.bits_per_second,
    gatewayCpuPerGb: (cpuSeconds(pids.gateway) - before.gateway) / gigabytes,
    clientCpuPerGb: (cpuSeconds(pids.client) - before.client) / gigabytes,
  };
}

/** Resolves when the tunnel is up. */
async function startClient(
  side: Namespace,
  site: { readonly directory: string; readonly ca: string },
): Promise<ChildProcess> {
  const password = join(site.directory, 'password');
  writeFileSync(password, PASSWORD, { mode: 0o600 });
  const url = `https://${OUTER.gateway}`;
  const trust = ['--certificate-sha256', new X509Certificate(site.ca).fingerprint256];
  const child = inNamespace(side, process.execPath, [
    MAIN,
    'connect',
    ...trust,
    '-u',
    USER,
    '--password-file',
    password,
    url,
  ]);
  const up = new Promise<void>((resolve, reject) => {
    createInterface(child.stdout!).on('line', line => {
      if (line.includes(' is up')) resolve();
    });
    child.once('exit', code => reject(new Error(`connect ended with ${code}`)));
  });
  await up;
  return child;
}

function inNamespace(side: Namespace, program: string, args: readonly string[]): ChildProcess {
  return spawn('ip', ['netns', 'exec', side.name, program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
