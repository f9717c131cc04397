/**
 * What one more tunnel, and one more packet, costs a gateway that carries few or many tunnels already.
 *
 * The packets are the same at each number of tunnels: one size, one rate over all tunnels together, each packet for the
 * next tunnel. So hardly two packets of a tunnel ever meet in one turn of the gateway's event loop, and what grows with
 * the number of tunnels is growth of the cost itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, Row } from './benchmark.ts';
import { LoadTestbed, UPLOAD_TO } from './load/load-testbed.ts';
import { cpuSeconds } from './process-cpu.ts';
import { median, slope } from './statistics.ts';

const FULL = { counts: [10, 100, 1000, 5000], workers: [1, 2], rounds: 3, durationMs: 5000, batch: 100 } as const;
const QUICK = { counts: [10, 50], workers: [1], rounds: 1, durationMs: 500, batch: 20 } as const;
const STREAM = { packetLength: 512, packetsPerSecond: 8000 } as const;
const CONCURRENCY = 32;
/** Packets, routes and log lines that are still on their way. */
const SETTLE_MS = 400;

type Cost = 'setupMs' | 'uploadUs' | 'downloadUs';
const COSTS: readonly Cost[] = ['setupMs', 'uploadUs', 'downloadUs'];

/** Gateway CPU: ms for each of a batch of tunnels on top of those that are up, us for each packet. */
type Costs = Readonly<Record<Cost, number>>;

interface Round extends Costs {
  /** Share of the packets. */
  readonly uploadLoss: number;
  readonly downloadLoss: number;
  /** Share of a core that generator and sender took, the greater of upload and download. */
  readonly loadProcesses: number;
}

interface Point extends Round {
  readonly tunnels: number;
}

type Extent = typeof FULL | typeof QUICK;

/** Each row is the median of the rounds. */
export const scale: Benchmark = async ({ quick, report }) => {
  const extent = quick ? QUICK : FULL;
  const results = [];
  for (const workers of extent.workers) {
    const points = await measureWorkers(workers, extent, report);
    const growth = { tenfoldAdds: mapCosts(points, growthPerTenfold), lastToFirst: mapCosts(points, lastToFirst) };
    report(row(workers, 'tenfold adds', growth.tenfoldAdds));
    report(row(workers, 'last / first', growth.lastToFirst));
    results.push({ workers, points, slope: growth });
  }
  return { stream: STREAM, results };
};

async function measureWorkers(workers: number, extent: Extent, report: (row: Row) => void): Promise<Point[]> {
  const testbed = await LoadTestbed.create({ workers });
  try {
    // The first tunnels and packets of a gateway meet cold code.
    const addresses = await open(testbed, extent.batch);
    await streamBothWays(testbed, addresses, extent.durationMs);
    await testbed.generator.call('close', { how: 'end' });
    addresses.length = 0;
    const points: Point[] = [];
    for (const tunnels of extent.counts) {
      console.error(`  ${workers} worker${workers === 1 ? '' : 's'}, ${tunnels} tunnels`);
      addresses.push(...(await open(testbed, tunnels - addresses.length)));
      const rounds: Round[] = [];
      for (let round = 0; round < extent.rounds; round++) {
        const setupMs = await setUpAndEnd(testbed, extent.batch);
        rounds.push({ setupMs, ...(await streamBothWays(testbed, addresses, extent.durationMs)) });
      }
      const middle = (key: keyof Round): number => median(rounds.map(each => each[key]));
      const point: Point = {
        tunnels,
        setupMs: middle('setupMs'),
        uploadUs: middle('uploadUs'),
        downloadUs: middle('downloadUs'),
        uploadLoss: middle('uploadLoss'),
        downloadLoss: middle('downloadLoss'),
        loadProcesses: middle('loadProcesses'),
      };
      points.push(point);
      report(row(workers, tunnels, point, point));
    }
    return points;
  } finally {
    await testbed.close();
  }
}

/** @returns the addresses of `count` more tunnels. */
async function open({ generator, target }: LoadTestbed, count: number): Promise<number[]> {
  const { addresses, failures } = await generator.call('connect', { target, count, concurrency: CONCURRENCY });
  const reasons = Object.entries(failures).map(([reason, times]) => `${times} x ${reason}`);
  if (reasons.length > 0) throw new Error(`tunnels did not come up: ${reasons.join(', ')}`);
  await sleep(SETTLE_MS);
  return [...addresses];
}

async function setUpAndEnd(testbed: LoadTestbed, count: number): Promise<number> {
  const before = cpuSeconds(testbed.gateway.pid);
  await open(testbed, count);
  const seconds = cpuSeconds(testbed.gateway.pid) - before;
  await testbed.generator.call('close', { how: 'end', last: count });
  await sleep(SETTLE_MS);
  return (seconds / count) * 1e3;
}

async function streamBothWays(testbed: LoadTestbed, addresses: readonly number[], durationMs: number) {
  const { gateway, generator, sender } = testbed;
  const start = cpuSeconds(gateway.pid);
  await sender.call('arrived', {});
  const up = await generator.call('upload', { ...UPLOAD_TO, ...STREAM, durationMs });
  await sleep(SETTLE_MS);
  const arrived = await sender.call('arrived', {});
  const half = cpuSeconds(gateway.pid);
  await generator.call('startCounting', {});
  const down = await sender.call('send', { destinations: addresses, ...STREAM, durationMs });
  await sleep(SETTLE_MS);
  const counted = await generator.call('counted', {});
  const seconds = { up: half - start, down: cpuSeconds(gateway.pid) - half };
  return {
    uploadUs: (seconds.up / up.sent) * 1e6,
    downloadUs: (seconds.down / down.sent) * 1e6,
    uploadLoss: lossOf(up.sent, arrived.packets),
    downloadLoss: lossOf(down.sent, counted.packets),
    loadProcesses:
      Math.max(up.cpuSeconds / up.elapsedMs, (down.cpuSeconds + counted.cpuSeconds) / down.elapsedMs) * 1e3,
  };
}

/** The kernel's own packets may count as arrived too. */
function lossOf(sent: number, arrived: number): number {
  return Math.max(0, 1 - arrived / sent);
}

function mapCosts(points: readonly Point[], figure: (points: readonly Point[], cost: Cost) => number): Costs {
  return Object.fromEntries(COSTS.map(cost => [cost, figure(points, cost)])) as Costs;
}

/** What each tenfold number of tunnels adds. */
function growthPerTenfold(points: readonly Point[], cost: Cost): number {
  return slope(points.map(point => ({ x: Math.log10(point.tunnels), y: point[cost] })));
}

function lastToFirst(points: readonly Point[], cost: Cost): number {
  return points.at(-1)![cost] / points[0]![cost];
}

/** @param point absent in the rows that sum up. */
function row(workers: number, tunnels: number | string, costs: Costs, point?: Point): Row {
  return {
    workers,
    tunnels: String(tunnels),
    'setup ms/tunnel': costs.setupMs.toFixed(2),
    'upload us/packet': costs.uploadUs.toFixed(2),
    'download us/packet': costs.downloadUs.toFixed(2),
    'upload loss %': percent(point?.uploadLoss),
    'download loss %': percent(point?.downloadLoss),
    'load processes, % of a core': percent(point?.loadProcesses),
  };
}

function percent(share: number | undefined): string {
  return share === undefined ? '' : (share * 100).toFixed(1);
}
