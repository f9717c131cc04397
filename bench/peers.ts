/**
 * An SSTP server that is running already beside this gateway: the same load by the same generator, in turns, so that a
 * change of the machine's mood meets both. The server's CPU time and memory are those of the processes named by --pid;
 * what it leaves to threads of the kernel is not seen.
 *
 * Packets go to the server's own address in the tunnel, so there need be no network behind it: pings, which come back,
 * and UDP to the discard port, which does not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, Row } from './benchmark.ts';
import { startGenerator } from './load/load-process.ts';
import type { LoadProcess } from './load/load-process.ts';
import { LoadTestbed } from './load/load-testbed.ts';
import type { GeneratorCommands, Target } from './load/protocol.ts';
import { peerFrom } from './peer-flags.ts';
import { cpuSeconds } from './process-cpu.ts';
import { residentKilobytes } from './process-memory.ts';
import { median, percentile } from './statistics.ts';
import { formatCell } from './table.ts';

const FULL = { tunnels: 200, rounds: 3, durationMs: 5000, idleMs: 30_000 } as const;
const QUICK = { tunnels: 20, rounds: 1, durationMs: 500, idleMs: 500 } as const;
const CONCURRENCY = 16;
const WARM_UP = 10;
const SLOW_PINGS = { packetLength: 84, packetsPerSecond: 100, tunnels: 1 } as const;
const LARGE_PINGS = { packetLength: 1400, packetsPerSecond: 4000 } as const;
const SMALL_PINGS = { packetLength: 64, packetsPerSecond: 4000 } as const;
const UPLOAD = { packetLength: 1400, packetsPerSecond: 8000, port: 9 } as const;
const SETTLE_MS = 500;

interface Extent {
  readonly tunnels: number;
  readonly rounds: number;
  readonly durationMs: number;
  readonly idleMs: number;
}

interface Server {
  readonly target: Target;
  readonly generator: LoadProcess<GeneratorCommands>;
  /** None: CPU time and memory are unknown. */
  readonly pids: readonly number[];
}

/** NaN where it cannot be known. */
type Figures = Readonly<Record<Figure, number>>;
type Figure =
  | 'tunnelsPerSecond'
  | 'setupCpuMs'
  | 'setupP50Ms'
  | 'setupP99Ms'
  | 'failures'
  | 'kbPerTunnel'
  | 'pingP50Ms'
  | 'pingP99Ms'
  | 'smallPingCpuUs'
  | 'smallPingLoss'
  | 'largePingCpuUs'
  | 'largePingLoss'
  | 'uploadCpuUs'
  | 'idleCpuPercent';

const LABELS: Readonly<Record<Figure, string>> = {
  tunnelsPerSecond: 'setup, tunnels/s',
  setupCpuMs: 'setup, CPU ms/tunnel',
  setupP50Ms: 'setup, p50 ms',
  setupP99Ms: 'setup, p99 ms',
  failures: 'setup, failures',
  kbPerTunnel: 'memory, KB/tunnel',
  pingP50Ms: 'ping, p50 ms',
  pingP99Ms: 'ping, p99 ms',
  smallPingCpuUs: '64 B there and back, CPU us',
  smallPingLoss: '64 B there and back, loss %',
  largePingCpuUs: '1400 B there and back, CPU us',
  largePingLoss: '1400 B there and back, loss %',
  uploadCpuUs: '1400 B upload, CPU us/packet',
  idleCpuPercent: 'idle, % of a core',
};

/** Medians of the rounds; the ratio is how many times the peer's figure is this gateway's. */
export const peers: Benchmark = async ({ quick, flags, report }) => {
  const peer = peerFrom(flags);
  const defaults = quick ? QUICK : FULL;
  const extent: Extent = { ...defaults, tunnels: peer.tunnels ?? defaults.tunnels };
  const testbed = await LoadTestbed.create({ workers: 'auto' });
  let generator: LoadProcess<GeneratorCommands> | undefined;
  try {
    generator = await startGenerator();
    const servers = {
      gateway: { target: testbed.target, generator: testbed.generator, pids: [testbed.gateway.pid] },
      peer: { target: peer.target, generator, pids: peer.pids },
    } satisfies Record<string, Server>;
    for (const server of Object.values(servers)) await warmUp(server);
    const rounds: Record<keyof typeof servers, Figures[]> = { gateway: [], peer: [] };
    for (let round = 1; round <= extent.rounds; round++) {
      for (const name of ['gateway', 'peer'] as const) {
        console.error(`  round ${round} of ${extent.rounds}, ${name}: ${extent.tunnels} tunnels`);
        rounds[name].push(await measure(servers[name], extent));
      }
    }
    const results = (Object.keys(LABELS) as Figure[]).map(figure => {
      const [gateway, other] = [rounds.gateway, rounds.peer].map(each => median(each.map(one => one[figure])));
      return { figure, gateway: gateway!, peer: other!, ratio: other! / gateway! };
    });
    for (const { figure, ...values } of results) report(row(LABELS[figure], values));
    return {
      target: peer.target.https.host,
      extent,
      loads: [SLOW_PINGS, SMALL_PINGS, LARGE_PINGS, UPLOAD],
      rounds,
      results,
    };
  } finally {
    await generator?.stop();
    await testbed.close();
  }
};

/** A failure here is a mistake of who called: a wrong password, a port without a server. */
async function warmUp({ target, generator }: Server): Promise<void> {
  const { up, failures } = await generator.call('connect', { target, count: WARM_UP, concurrency: CONCURRENCY });
  if (up === 0) {
    throw new Error(`no tunnel to ${target.https.host} came up: ${Object.keys(failures).join(', ')}`);
  }
  await generator.call('ping', { ...LARGE_PINGS, durationMs: SETTLE_MS });
  await generator.call('close', { how: 'end' });
}

async function measure({ target, generator, pids }: Server, extent: Extent): Promise<Figures> {
  const { tunnels, durationMs, idleMs } = extent;
  const cpu = (): number => sumOf(pids, cpuSeconds);
  const start = { cpu: cpu(), kb: sumOf(pids, residentKilobytes) };
  const connected = await generator.call('connect', { target, count: tunnels, concurrency: CONCURRENCY });
  await sleep(SETTLE_MS);
  const setupCpu = cpu() - start.cpu;
  const kb = sumOf(pids, residentKilobytes) - start.kb;

  const slow = await generator.call('ping', { ...SLOW_PINGS, durationMs });
  /** CPU microseconds for each packet sent. */
  const costOf = async <T extends { readonly sent: number }>(load: Promise<T>): Promise<T & { cpuUs: number }> => {
    const before = cpu();
    const report = await load;
    await sleep(SETTLE_MS);
    return { ...report, cpuUs: ((cpu() - before) / report.sent) * 1e6 };
  };
  const small = await costOf(generator.call('ping', { ...SMALL_PINGS, durationMs }));
  const large = await costOf(generator.call('ping', { ...LARGE_PINGS, durationMs }));
  const upload = await costOf(generator.call('upload', { ...UPLOAD, durationMs }));
  const before = cpu();
  await sleep(idleMs);
  const idleCpu = cpu() - before;
  await generator.call('close', { how: 'end' });
  await sleep(SETTLE_MS);
  return {
    tunnelsPerSecond: (connected.up / connected.elapsedMs) * 1000,
    setupCpuMs: (setupCpu / tunnels) * 1000,
    setupP50Ms: percentile(connected.latenciesMs, 50),
    setupP99Ms: percentile(connected.latenciesMs, 99),
    failures: tunnels - connected.up,
    kbPerTunnel: kb / tunnels,
    pingP50Ms: percentile(slow.roundTripsMs, 50),
    pingP99Ms: percentile(slow.roundTripsMs, 99),
    smallPingCpuUs: small.cpuUs,
    smallPingLoss: lossPercent(small),
    largePingCpuUs: large.cpuUs,
    largePingLoss: lossPercent(large),
    uploadCpuUs: upload.cpuUs,
    idleCpuPercent: (idleCpu / idleMs) * 1000 * 100,
  };
}

function sumOf(pids: readonly number[], read: (pid: number) => number): number {
  return pids.length === 0 ? Number.NaN : pids.reduce((sum, pid) => sum + read(pid), 0);
}

function lossPercent({ sent, received }: { readonly sent: number; readonly received: number }): number {
  return (1 - received / sent) * 100;
}

function row(measured: string, { gateway, peer, ratio }: Readonly<Record<'gateway' | 'peer' | 'ratio', number>>): Row {
  return { measured, 'this gateway': cell(gateway), peer: cell(peer), 'peer / gateway': cell(ratio) };
}

function cell(value: number): string {
  return Number.isFinite(value) ? formatCell(value) : '-';
}
