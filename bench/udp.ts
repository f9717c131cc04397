/**
 * UDP packets of one size through many tunnels, in one direction, each packet for the next tunnel.
 *
 *   generator (N tunnels) === gateway --- sstp0 --- sender (a network of its own behind the gateway)
 *
 * First flat out: how many packets a second come through, at what cost each. Then at a part of that rate, where nothing
 * should be lost, and where a turn of the gateway's event loop finds fewer packets to handle at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, Row } from './benchmark.ts';
import { DIRECTIONS } from './iperf.ts';
import type { Direction } from './iperf.ts';
import { LoadTestbed, UPLOAD_TO } from './load/load-testbed.ts';
import { limitsFrom, withShare } from './limits.ts';
import type { PacketStream } from './load/protocol.ts';
import { cpuSeconds } from './process-cpu.ts';
import { median } from './statistics.ts';

const FULL = { tunnels: [1, 100, 1000], lengths: [64, 512, 1400], rounds: 3, durationMs: 3000 } as const;
const QUICK = { tunnels: [1, 20], lengths: [64, 1400], rounds: 1, durationMs: 300 } as const;
/** What clients that send a TLS record for each packet are measured with. */
const RECORD_PER_PACKET_LENGTH = 1400;
/** Of the packets that came through flat out. */
const MODERATE = 0.6;
const CONCURRENT_HANDSHAKES = 32;
const SETTLE_MS = 150;
const DRAIN_LIMIT_MS = 10_000;

type PacketsPerRecord = 'one' | 'many';

interface Flow {
  readonly direction: Direction;
  readonly packetLength: number;
  /** Of the client; only uploads know the difference. */
  readonly packetsPerRecord: PacketsPerRecord;
}

/** What came of a stream. */
interface Passage {
  readonly sent: number;
  readonly arrived: number;
  readonly packetsPerSecond: number;
  /** Of CPU, for each packet that arrived. */
  readonly gatewayUs: number;
  /** Shares of a core. */
  readonly gatewayLoad: number;
  readonly generatorLoad: number;
}

interface Sample {
  readonly flatOut: Passage;
  readonly moderate: Passage;
}

type Extent = typeof FULL | typeof QUICK;

/** Rows are medians of the rounds. */
export const udp: Benchmark = async ({ quick, flags, report: show }) => {
  const limits = limitsFrom(flags);
  const report = (row: Row): void => show(withShare('udp', row, limits));
  const extent = quick ? QUICK : FULL;
  const testbed = await LoadTestbed.create({ workers: 1 });
  const results: object[] = [];
  try {
    for (const tunnels of extent.tunnels) {
      const many = DIRECTIONS.flatMap(direction =>
        extent.lengths.map((packetLength): Flow => ({ direction, packetLength, packetsPerRecord: 'many' })),
      );
      results.push(...(await measureFlows(testbed, tunnels, many, extent, report)));
      const one: Flow = { direction: 'upload', packetLength: RECORD_PER_PACKET_LENGTH, packetsPerRecord: 'one' };
      results.push(...(await measureFlows(testbed, tunnels, [one], extent, report)));
    }
    return { unit: 'us of CPU for each packet that arrived; medians of rounds', moderate: MODERATE, extent, results };
  } finally {
    await testbed.close();
  }
};

/** @param flows all of the same `packetsPerRecord` */
async function measureFlows(
  testbed: LoadTestbed,
  tunnels: number,
  flows: readonly Flow[],
  { rounds, durationMs }: Extent,
  report: (row: Row) => void,
): Promise<object[]> {
  const addresses = await openTunnels(testbed, tunnels, flows[0]!.packetsPerRecord);
  const results = [];
  for (const flow of flows) {
    const samples: Sample[] = [];
    for (let round = 1; round <= rounds; round++) {
      console.error(`  ${tunnels} tunnels, ${flow.direction}, ${flow.packetLength} B, round ${round} of ${rounds}`);
      const flatOut = await pass(testbed, addresses, flow, { packetLength: flow.packetLength, durationMs });
      const packetsPerSecond = Math.max(1, Math.round(flatOut.packetsPerSecond * MODERATE));
      const stream = { packetLength: flow.packetLength, durationMs, packetsPerSecond };
      samples.push({ flatOut, moderate: await pass(testbed, addresses, flow, stream) });
    }
    const middle = (of: (sample: Sample) => number): number => median(samples.map(of));
    const result = {
      tunnels,
      ...flow,
      packetsPerSecond: middle(({ flatOut }) => flatOut.packetsPerSecond),
      gatewayUs: middle(({ flatOut }) => flatOut.gatewayUs),
      moderateGatewayUs: middle(({ moderate }) => moderate.gatewayUs),
      moderateLoss: middle(({ moderate }) => 1 - moderate.arrived / moderate.sent),
      gatewayLoad: middle(({ flatOut }) => flatOut.gatewayLoad),
      generatorLoad: middle(({ flatOut }) => flatOut.generatorLoad),
    };
    report({
      tunnels,
      direction: flow.packetsPerRecord === 'one' ? `${flow.direction}, a record each` : flow.direction,
      bytes: flow.packetLength,
      'packets/s': Math.round(result.packetsPerSecond),
      'gateway CPU us/packet': result.gatewayUs,
      [`at ${MODERATE * 100} %: us/packet`]: result.moderateGatewayUs,
      'loss %': result.moderateLoss * 100,
      'gateway CPU %': result.gatewayLoad * 100,
      'generator CPU %': result.generatorLoad * 100,
    });
    results.push({ ...result, samples });
  }
  await testbed.generator.call('close', { how: 'end' });
  return results;
}

async function openTunnels(
  { generator, target }: LoadTestbed,
  count: number,
  packetsPerRecord: PacketsPerRecord,
): Promise<readonly number[]> {
  const request = { target, count, concurrency: CONCURRENT_HANDSHAKES, packetsPerRecord };
  const { addresses, failures } = await generator.call('connect', request);
  if (addresses.length < count) throw new Error(`tunnels did not come up: ${JSON.stringify(failures)}`);
  // Routes and log lines that are still on their way.
  await sleep(SETTLE_MS);
  return addresses;
}

function pass(testbed: LoadTestbed, addresses: readonly number[], flow: Flow, stream: PacketStream): Promise<Passage> {
  return flow.direction === 'upload' ? upload(testbed, stream) : download(testbed, addresses, stream);
}

async function upload({ gateway, generator, sender }: LoadTestbed, stream: PacketStream): Promise<Passage> {
  await sender.call('arrived', {});
  const cpu = cpuSeconds(gateway.pid);
  const start = performance.now();
  const { sent, cpuSeconds: generatorCpu } = await generator.call('upload', { ...UPLOAD_TO, ...stream });
  let arrived = 0;
  let lastArrival = performance.now();
  // Tunnels' queues and socket buffers hold some when the generator is done.
  for (;;) {
    const { packets } = await sender.call('arrived', {});
    if (packets > 0) lastArrival = performance.now();
    arrived += packets;
    if (arrived >= sent || (packets === 0 && performance.now() - lastArrival > SETTLE_MS)) break;
    if (performance.now() - start > stream.durationMs + DRAIN_LIMIT_MS) throw new Error('the upload does not end');
    await sleep(SETTLE_MS / 5);
  }
  return passage(sent, arrived, lastArrival - start, cpuSeconds(gateway.pid) - cpu, generatorCpu);
}

async function download(
  { gateway, generator, sender }: LoadTestbed,
  destinations: readonly number[],
  stream: PacketStream,
): Promise<Passage> {
  await generator.call('startCounting', {});
  const cpu = cpuSeconds(gateway.pid);
  const { sent, elapsedMs, cpuSeconds: senderCpu } = await sender.call('send', { ...stream, destinations });
  let counted = await generator.call('counted', {});
  for (let before = -1; counted.packets > before && counted.packets < sent;) {
    before = counted.packets;
    await sleep(SETTLE_MS);
    counted = await generator.call('counted', {});
  }
  const generatorCpu = counted.cpuSeconds + senderCpu;
  const duration = Math.max(elapsedMs, counted.elapsedMs);
  return passage(sent, counted.packets, duration, cpuSeconds(gateway.pid) - cpu, generatorCpu);
}

function passage(sent: number, arrived: number, elapsedMs: number, gatewayCpu: number, generatorCpu: number): Passage {
  const seconds = elapsedMs / 1000;
  return {
    sent,
    arrived,
    packetsPerSecond: arrived / seconds,
    gatewayUs: (gatewayCpu / arrived) * 1e6,
    gatewayLoad: gatewayCpu / seconds,
    generatorLoad: generatorCpu / seconds,
  };
}
