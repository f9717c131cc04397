/**
 * Latency through tunnels, as ping(8) sees it: with nothing else to do, beside bulk transfers at full speed, and over
 * a path of 50 Mbit/s and 20 ms there and back, where the question is how long a queue a bulk download keeps.
 *
 * It is the gateway that is measured, and in life it shares its cores with none of the others. So the tunnel that is
 * pinged has a process of its own, everything that pings or stands for a cable goes before the gateway when cores are
 * short, and everything that makes load comes behind it.
 */
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Namespace } from '../test/tun/namespace.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { transfer } from './iperf.ts';
import type { Direction } from './iperf.ts';
import { KernelTestbed, congestionControls } from './kernel-testbed.ts';
import { INNER_GATEWAY, OUTER } from './testbed.ts';
import type { Cable } from './testbed.ts';
import { layLongCable } from './long-cable.ts';
import { ping } from './ping.ts';
import type { Latency } from './ping.ts';
import { median } from './statistics.ts';

interface Effort {
  readonly seconds: number;
  readonly rounds: number;
}

const FULL: Record<'fast' | 'slow', Effort> = { fast: { seconds: 10, rounds: 5 }, slow: { seconds: 20, rounds: 3 } };
const QUICK: Record<'fast' | 'slow', Effort> = { fast: { seconds: 0.5, rounds: 1 }, slow: { seconds: 1, rounds: 1 } };
/** Processes that ping: thousands of samples for the 99.9th percentile, at a load that costs next to nothing. */
const PINGS = { fast: 4, slow: 2 } as const;
/** A transfer runs this long before the first ping: slow start is over. */
const LEAD_S = { fast: 0.5, slow: 3 } as const;
/** And so long beyond the time that pings should take. */
const TAIL_S = 0.5;
const UNLIMITED = 'as fast as it goes';
const MEGA = 1e6;
const LINK = { bitsPerSecond: 50e6, delayMs: 10 } as const;
/** What a router in front of such a link has: the product of bandwidth and round trip. */
const ROUTER_BUFFER = (LINK.bitsPerSecond / 8) * ((2 * LINK.delayMs) / 1000);
/** Of the host's own interface: TCP keeps it short by itself. */
const TBF = { burst: '16kb', limit: '256kb' } as const;

/** Whose queue is in front of it: the gateway's own interface's, or that of a router on the way. */
const BOTTLENECKS = ['interface', 'router'] as const;
type Bottleneck = (typeof BOTTLENECKS)[number];

/** As nice(1) has it; the gateway's is 0. */
const NICENESS = { measuring: -10, load: 10 } as const;

type Pace = keyof typeof PINGS;

interface Load {
  readonly direction: Direction;
  /** Of the tunnel that is loaded. */
  readonly address: string;
  /** Of the server behind the gateway. */
  readonly port: number;
}

interface Sample extends Latency {
  readonly loadBitsPerSecond: number | undefined;
  /** What arrived at the clients' end of the outer path, tunnels and all, as a share of the link's rate. */
  readonly linkShare: number;
}

interface Case {
  readonly path: string;
  readonly load: string;
  readonly measure: () => Promise<Sample>;
}

export const rtt: Benchmark = async ({ quick, report }) => {
  const efforts = quick ? QUICK : FULL;
  const results = await measureFast(efforts.fast, report);
  const slowPaths = congestionControls().flatMap(congestion =>
    BOTTLENECKS.map(bottleneck => ({ congestion, bottleneck })),
  );
  for (const slowPath of quick ? slowPaths.slice(0, 1) : slowPaths) {
    results.push(...(await measureSlow(slowPath, efforts.slow, report)));
  }
  return { unit: 'ms; medians of rounds', link: LINK, routerBuffer: ROUTER_BUFFER, results };
};

async function measureFast(effort: Effort, report: (row: Row) => void): Promise<object[]> {
  const testbed = await KernelTestbed.start();
  try {
    const port = await openServer(testbed);
    const pinged = await openTunnel(testbed, NICENESS.measuring);
    const other = await openTunnel(testbed, NICENESS.load);
    const loads: [string, Load | undefined][] = [
      ['none', undefined],
      ['download, other tunnel', { direction: 'download', address: other, port }],
      ['upload, other tunnel', { direction: 'upload', address: other, port }],
      ['download, same tunnel', { direction: 'download', address: pinged, port }],
      ['upload, same tunnel', { direction: 'upload', address: pinged, port }],
    ];
    const cases = loads.map(([name, load]) => ({
      path: UNLIMITED,
      load: name,
      measure: () => sample(testbed, 'fast', effort, { address: pinged, to: INNER_GATEWAY }, load),
    }));
    return await runCases(cases, effort, report);
  } finally {
    await testbed.close();
  }
}

async function measureSlow(
  { bottleneck, congestion }: { readonly bottleneck: Bottleneck; readonly congestion: string },
  effort: Effort,
  report: (row: Row) => void,
): Promise<object[]> {
  const testbed = await KernelTestbed.start(slowCable(bottleneck), congestion);
  try {
    const port = await openServer(testbed);
    const address = await openTunnel(testbed, NICENESS.measuring);
    const inside = { address, to: INNER_GATEWAY };
    const path = `50 Mbit/s, 20 ms, ${bottleneck}, ${congestion}`;
    const cases: Case[] = [
      { path, load: 'none, outside of tunnel', measure: () => sample(testbed, 'slow', effort, { to: OUTER.gateway }) },
      { path, load: 'none', measure: () => sample(testbed, 'slow', effort, inside) },
      {
        path,
        load: 'download, same tunnel',
        measure: () => sample(testbed, 'slow', effort, inside, { direction: 'download', address, port }),
      },
    ];
    return await runCases(cases, effort, report);
  } finally {
    await testbed.close();
  }
}

async function openServer(testbed: KernelTestbed): Promise<number> {
  const { ports, pids } = await testbed.openServers(1);
  setPriority(pids[0]!, NICENESS.load);
  return ports[0]!;
}

/** @returns its address */
async function openTunnel(testbed: KernelTestbed, niceness: number): Promise<string> {
  const { addresses, pid } = await testbed.openTunnels(1);
  setPriority(pid, niceness);
  return addresses[0]!;
}

function slowCable(bottleneck: Bottleneck): Cable {
  return async (gatewaySide, clientSide) => {
    const { bitsPerSecond, delayMs } = LINK;
    const path = await layLongCable(gatewaySide, clientSide, {
      delayMs,
      ...(bottleneck === 'router' && { bottleneck: { bitsPerSecond, bufferBytes: ROUTER_BUFFER } }),
    });
    setPriority(path.pid, NICENESS.measuring);
    if (bottleneck === 'interface') {
      const limits = ['rate', `${bitsPerSecond}bit`, 'burst', TBF.burst, 'limit', TBF.limit];
      gatewaySide.runBlocking('tc', 'qdisc', 'add', 'dev', OUTER.device, 'root', 'tbf', ...limits);
    }
    return path;
  };
}

async function runCases(
  cases: readonly Case[],
  { rounds, seconds }: Effort,
  report: (row: Row) => void,
): Promise<object[]> {
  const samples = cases.map((): Sample[] => []);
  for (let round = 1; round <= rounds; round++) {
    for (const [index, { path, load, measure }] of cases.entries()) {
      console.error(`  ${path}, load: ${load}, ${seconds} s, round ${round} of ${rounds}`);
      samples[index]!.push(await measure());
    }
  }
  return cases.map(({ path, load }, index) => {
    const all = samples[index]!;
    const middle = (of: (sample: Sample) => number): number => median(all.map(of));
    const result = {
      path,
      load,
      p50: middle(({ p50 }) => p50),
      p99: middle(({ p99 }) => p99),
      p999: middle(({ p999 }) => p999),
      lost: all.reduce((sum, { sent, received }) => sum + sent - received, 0),
      sent: all.reduce((sum, { sent }) => sum + sent, 0),
      loadBitsPerSecond: middle(({ loadBitsPerSecond }) => loadBitsPerSecond ?? Number.NaN),
      linkShare: middle(({ linkShare }) => linkShare),
    };
    const isLoaded = all[0]?.loadBitsPerSecond !== undefined;
    report({
      path,
      load,
      'p50 ms': result.p50,
      'p99 ms': result.p99,
      'p99.9 ms': result.p999,
      'lost %': (result.lost / result.sent) * 100,
      'load Mbit/s': isLoaded ? result.loadBitsPerSecond / MEGA : '',
      'link %': isLoaded && path !== UNLIMITED ? result.linkShare * 100 : '',
    });
    return { ...result, samples: all };
  });
}

/** Pings for the effort's time, beside the load, which has begun before and ends after. */
async function sample(
  { clientSide }: KernelTestbed,
  pace: Pace,
  { seconds }: Effort,
  way: { readonly address?: string; readonly to: string },
  load?: Load,
): Promise<Sample> {
  const lead = load === undefined ? 0 : LEAD_S[pace];
  const loading =
    load &&
    transfer({
      from: clientSide,
      server: INNER_GATEWAY,
      ...load,
      seconds: lead + seconds + TAIL_S,
      niceness: NICENESS.load,
    });
  // Awaited below; until then a failure must not be one that nobody handles.
  loading?.catch(() => {});
  await sleep(lead * 1000);
  const start = performance.now();
  const before = bytesArrived(clientSide);
  const latency = await ping({
    from: clientSide,
    ...way,
    processes: PINGS[pace],
    seconds,
    niceness: NICENESS.measuring,
  });
  const bits = (bytesArrived(clientSide) - before) * 8;
  const linkShare = bits / ((performance.now() - start) / 1000) / LINK.bitsPerSecond;
  return { ...latency, linkShare, loadBitsPerSecond: (await loading)?.bitsPerSecond };
}

function bytesArrived(side: Namespace): number {
  return Number(side.runBlocking('cat', `/sys/class/net/${OUTER.device}/statistics/rx_bytes`));
}
