/**
 * TCP of the kernel through tunnels, by iperf3: one connection in each tunnel, all at once.
 *
 *   iperf3 -c --- tunnel0..n [tunnel-devices] --- outer === outer [gateway] sstp0 --- iperf3 -s
 *
 * CPU time is that of the gateway's process alone, from /proc; the client's is shown to tell who the bottleneck was.
 */
import type { Benchmark, Row } from './benchmark.ts';
import { filling, readMetrics } from './gateway-metrics.ts';
import { DIRECTIONS, transfer } from './iperf.ts';
import type { Direction } from './iperf.ts';
import { INNER_GATEWAY6, KernelTestbed } from './kernel-testbed.ts';
import type { TunnelDevices } from './kernel-testbed.ts';
import { INNER_GATEWAY } from './testbed.ts';
import { limitsFrom, withShare } from './limits.ts';
import { cpuSeconds } from './process-cpu.ts';
import { median } from './statistics.ts';

const FULL = { tunnels: [1, 8, 64], seconds: 10, rounds: 5 } as const;
const QUICK = { tunnels: [1, 8], seconds: 1, rounds: 1 } as const;
const GIGA = 1e9;
const FAMILIES = ['IPv4', 'IPv6'] as const;
type Family = (typeof FAMILIES)[number];

interface Sample {
  readonly gigabitsPerSecond: number;
  readonly gatewayCpuPerGb: number;
  readonly clientCpuPerGb: number;
  readonly packetsPerDeviceCall: number;
  readonly bytesPerTlsCall: number;
  /** Of one core. */
  readonly gatewayLoad: number;
}

/** Rows are medians of the rounds; the directions alternate, so that a change of the machine's mood meets both. */
export const tcp: Benchmark = async ({ quick, flags, report: show }) => {
  const limits = limitsFrom(flags);
  const report = (row: Row): void => show(withShare('tcp', row, limits));
  const { tunnels, seconds, rounds } = quick ? QUICK : FULL;
  const testbed = await KernelTestbed.start();
  const results = [];
  try {
    const { ports } = await testbed.openServers(Math.max(...tunnels));
    await testbed.openServers(Math.max(...tunnels), INNER_GATEWAY6);
    for (const count of tunnels) {
      const devices = await testbed.openTunnels(count);
      for (const family of FAMILIES) {
        const samples: Record<Direction, Sample[]> = { upload: [], download: [] };
        for (let round = 1; round <= rounds; round++) {
          for (const direction of DIRECTIONS) {
            console.error(`  ${count} tunnels, ${family}, ${direction}, ${seconds} s, round ${round} of ${rounds}`);
            samples[direction].push(await measure(testbed, devices, family, ports, direction, seconds));
          }
        }
        for (const direction of DIRECTIONS) {
          const middle = medians(samples[direction]);
          results.push({ family, tunnels: count, direction, ...middle, samples: samples[direction] });
          report({
            family,
            tunnels: count,
            direction,
            'Gbit/s': middle.gigabitsPerSecond,
            'gateway CPU s/GB': middle.gatewayCpuPerGb,
            'gateway CPU %': middle.gatewayLoad * 100,
            'packets/TUN call': middle.packetsPerDeviceCall,
            'bytes/TLS call': middle.bytesPerTlsCall,
            'client CPU s/GB': middle.clientCpuPerGb,
          });
        }
      }
      await devices.stop();
    }
    return { unit: 'GB = 10^9 bytes of TCP payload; medians of rounds', seconds, rounds, results };
  } finally {
    await testbed.close();
  }
};

async function measure(
  { gateway, gatewaySide, clientSide }: KernelTestbed,
  devices: TunnelDevices,
  family: Family,
  ports: readonly number[],
  direction: Direction,
  seconds: number,
): Promise<Sample> {
  const [addresses, server] =
    family === 'IPv4' ? [devices.addresses, INNER_GATEWAY] : [devices.addresses6, INNER_GATEWAY6];
  const metrics = await readMetrics(gatewaySide, gateway);
  const start = performance.now();
  const before = { gateway: cpuSeconds(gateway.pid), client: cpuSeconds(devices.pid) };
  const transfers = await Promise.all(
    addresses.map((address, index) =>
      transfer({ from: clientSide, address, server, port: ports[index]!, direction, seconds }),
    ),
  );
  const elapsed = (performance.now() - start) / 1000;
  const spent = {
    gateway: cpuSeconds(gateway.pid) - before.gateway,
    client: cpuSeconds(devices.pid) - before.client,
  };
  const calls = filling(metrics, await readMetrics(gatewaySide, gateway), direction === 'upload' ? 'rx' : 'tx');
  const gigabytes = transfers.reduce((sum, { bytes }) => sum + bytes, 0) / GIGA;
  return {
    gigabitsPerSecond: transfers.reduce((sum, { bitsPerSecond }) => sum + bitsPerSecond, 0) / GIGA,
    gatewayCpuPerGb: spent.gateway / gigabytes,
    clientCpuPerGb: spent.client / gigabytes,
    gatewayLoad: spent.gateway / elapsed,
    ...calls,
  };
}

function medians(samples: readonly Sample[]): Sample {
  const middle = (of: (sample: Sample) => number): number => median(samples.map(of));
  return {
    gigabitsPerSecond: middle(sample => sample.gigabitsPerSecond),
    gatewayCpuPerGb: middle(sample => sample.gatewayCpuPerGb),
    clientCpuPerGb: middle(sample => sample.clientCpuPerGb),
    packetsPerDeviceCall: middle(sample => sample.packetsPerDeviceCall),
    bytesPerTlsCall: middle(sample => sample.bytesPerTlsCall),
    gatewayLoad: middle(sample => sample.gatewayLoad),
  };
}
