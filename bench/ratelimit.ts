/**
 * Rate limits: what TCP gets through a tunnel of a user with a rate, how long a ping takes beside it, and what it costs the gateway.
 * Each transfer is made twice, alone and beside pings, since pings are subject to the rate too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PASSWORD } from '../test/gateway/site.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { DIRECTIONS, transfer } from './iperf.ts';
import type { Direction } from './iperf.ts';
import { KernelTestbed, TUNNEL_MTU, congestionControls } from './kernel-testbed.ts';
import { INNER_GATEWAY, layVeth } from './testbed.ts';
import type { Cable } from './testbed.ts';
import { layLongCable } from './long-cable.ts';
import { ping } from './ping.ts';
import type { Latency } from './ping.ts';
import { cpuSeconds } from './process-cpu.ts';

const DELAY_MS = 10;
const PATHS: readonly { readonly name: string; readonly cable: Cable }[] = [
  { name: '0 ms', cable: layVeth },
  {
    name: `${2 * DELAY_MS} ms`,
    cable: (gatewaySide, clientSide) => layLongCable(gatewaySide, clientSide, { delayMs: DELAY_MS }),
  },
];
const FULL = { paths: PATHS, megabits: [1, 10, 100], seconds: 10, pingSeconds: 5 } as const;
const QUICK = { paths: PATHS.slice(0, 1), megabits: [10], seconds: 1, pingSeconds: 1 } as const;
/** Pings begin when slow start is over, and end before the transfer does. */
const LEAD_S = 0.5;
const TAIL_S = 0.5;
const MEGA = 1e6;
/** IPv4 and TCP with timestamps: what iperf3 does not count of a packet. */
const HEADERS = 52;

interface Case {
  readonly path: string;
  readonly congestion: string;
  readonly megabits: number;
  readonly direction: Direction;
}

interface Effort {
  readonly address: string;
  readonly port: number;
  readonly seconds: number;
  readonly pingSeconds: number;
}

interface Sample extends Case {
  readonly bitsPerSecond: number;
  /** Of one core. */
  readonly gatewayLoad: number;
  readonly latency: Latency;
}

export const ratelimit: Benchmark = async ({ quick, report }) => {
  const { paths, megabits, seconds, pingSeconds } = quick ? QUICK : FULL;
  const controls = [...new Set(['cubic', ...congestionControls()])];
  const results: Sample[] = [];
  for (const { name: path, cable } of paths) {
    const users = megabits.map(rate => ({ name: userOf(rate), password: PASSWORD, rate: `${rate}M` }));
    const testbed = await KernelTestbed.start(cable, undefined, users);
    try {
      const port = (await testbed.openServers(1)).ports[0]!;
      for (const rate of megabits) {
        const tunnel = await testbed.openTunnels(1, userOf(rate));
        const address = tunnel.addresses[0]!;
        for (const congestion of quick ? controls.slice(0, 1) : controls) {
          for (const direction of DIRECTIONS) {
            const each = { path, congestion, megabits: rate, direction };
            console.error(`  ${path}, ${congestion}, ${rate} Mbit/s, ${direction}, ${seconds} + ${pingSeconds} s`);
            const sample = await measure(testbed, each, { address, port, seconds, pingSeconds });
            results.push(sample);
            report(rowOf(sample));
          }
        }
        await tunnel.stop();
      }
    } finally {
      await testbed.close();
    }
  }
  return { unit: 'bit/s of IP packets; ms', seconds, results };
};

async function measure(
  { clientSide, gateway }: KernelTestbed,
  { path, congestion, megabits, direction }: Case,
  { address, port, seconds, pingSeconds }: Effort,
): Promise<Sample> {
  const request = { from: clientSide, address, server: INNER_GATEWAY, port, direction, congestion };
  const start = performance.now();
  const cpuBefore = cpuSeconds(gateway.pid);
  const alone = await transfer({ ...request, seconds });
  const gatewayLoad = (cpuSeconds(gateway.pid) - cpuBefore) / ((performance.now() - start) / 1000);

  const loading = transfer({ ...request, seconds: LEAD_S + pingSeconds + TAIL_S });
  // Awaited below; until then a failure must not be one that nobody handles.
  loading.catch(() => {});
  await sleep(LEAD_S * 1000);
  const latency = await ping({ from: clientSide, address, to: INNER_GATEWAY, processes: 1, seconds: pingSeconds });
  await loading;

  const bitsPerSecond = (alone.bitsPerSecond * TUNNEL_MTU) / (TUNNEL_MTU - HEADERS);
  return { path, congestion, megabits, direction, bitsPerSecond, gatewayLoad, latency };
}

function rowOf({ path, congestion, megabits, direction, bitsPerSecond, gatewayLoad, latency }: Sample): Row {
  return {
    path,
    TCP: congestion,
    direction,
    'asked Mbit/s': megabits,
    'measured Mbit/s': bitsPerSecond / MEGA,
    'of asked %': (bitsPerSecond / (megabits * MEGA)) * 100,
    'ping p50 ms': latency.p50,
    'ping p99 ms': latency.p99,
    'lost %': (1 - latency.received / latency.sent) * 100,
    'gateway CPU %': gatewayLoad * 100,
  };
}

function userOf(megabits: number): string {
  return `rate-${megabits}`;
}
