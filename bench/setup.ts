/**
 * A connection storm: tunnels as fast as one client process opens them, MS-CHAPv2, each with a TLS handshake of its own.
 * Gateway and clients share the machine's cores, so the rate is that of both together; the CPU time is the gateway's alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyType } from '../test/gateway/site.ts';
import type { Benchmark } from './benchmark.ts';
import type { ConnectReport } from './load/protocol.ts';
import { LoadTestbed } from './load/load-testbed.ts';
import { cpuSeconds } from './process-cpu.ts';
import { median, percentile } from './statistics.ts';

const KEYS: readonly { readonly keyType: KeyType; readonly name: string }[] = [
  { keyType: 'rsa', name: 'RSA-2048' },
  { keyType: 'ec', name: 'P-256' },
];
const EXTENT = { full: { tunnels: 2000, rounds: 3 }, quick: { tunnels: 100, rounds: 1 } } as const;
/** Handshakes at a time: enough to keep the workers busy. */
const CONCURRENCY = 32;
/** Tunnels that come before anything counts: a gateway's first handshakes are those of cold code. */
const WARM_UP = 50;
/** The last tunnel's routes and log lines come behind its being up. */
const SETTLE_MS = 300;

interface Storm {
  readonly tunnelsPerSecond: number;
  readonly gatewayCpuMsPerTunnel: number;
  readonly generatorCpuMsPerTunnel: number;
  /** 0 where there is none. */
  readonly radiusCpuMsPerTunnel: number;
  readonly latencyMs: { readonly p50: number; readonly p90: number; readonly p99: number };
  readonly failures: ConnectReport['failures'];
}

/** Rows are medians of the rounds, each of which starts with no tunnels; failures are those of all rounds. */
export const setup: Benchmark = async ({ quick, flags, report }) => {
  const { tunnels, rounds } = quick ? EXTENT.quick : EXTENT.full;
  const withRadius = flags['radius'] === true;
  const ways = withRadius ? [false, true] : [false];
  const results = [];
  for (const { keyType, key, radius } of KEYS.flatMap(({ keyType, name: key }) =>
    ways.map(radius => ({ keyType, key, radius })),
  )) {
    const name = radius ? `${key}, RADIUS` : key;
    const testbed = await LoadTestbed.create({ workers: 'auto', keyType, radius });
    try {
      await storm(testbed, WARM_UP);
      const storms: Storm[] = [];
      for (let round = 1; round <= rounds; round++) {
        console.error(`  ${name}, round ${round} of ${rounds}: ${tunnels} tunnels`);
        storms.push(await storm(testbed, tunnels));
      }
      const failures = sum(storms.flatMap(each => Object.values(each.failures)));
      results.push({ certificate: name, tunnels, rounds: storms });
      report({
        certificate: name,
        'tunnels/s': median(storms.map(each => each.tunnelsPerSecond)),
        'gateway CPU ms/tunnel': median(storms.map(each => each.gatewayCpuMsPerTunnel)),
        'generator CPU ms/tunnel': median(storms.map(each => each.generatorCpuMsPerTunnel)),
        ...(withRadius ? { 'FreeRADIUS CPU ms/tunnel': median(storms.map(each => each.radiusCpuMsPerTunnel)) } : {}),
        'p50 ms': median(storms.map(each => each.latencyMs.p50)),
        'p90 ms': median(storms.map(each => each.latencyMs.p90)),
        'p99 ms': median(storms.map(each => each.latencyMs.p99)),
        failures: `${failures} of ${tunnels * rounds}`,
      });
    } finally {
      await testbed.close();
    }
  }
  return { concurrency: CONCURRENCY, results };
};

async function storm({ gateway, generator, target, radius }: LoadTestbed, count: number): Promise<Storm> {
  const before = cpuSeconds(gateway.pid);
  const radiusCpu = (): number => (radius?.pid === undefined ? 0 : cpuSeconds(radius.pid));
  const radiusBefore = radiusCpu();
  const connected = await generator.call('connect', { target, count, concurrency: CONCURRENCY });
  await sleep(SETTLE_MS);
  const gatewayCpu = cpuSeconds(gateway.pid) - before;
  await generator.call('close', { how: 'end' });
  const { latenciesMs } = connected;
  return {
    tunnelsPerSecond: (connected.up / connected.elapsedMs) * 1000,
    gatewayCpuMsPerTunnel: (gatewayCpu / count) * 1000,
    radiusCpuMsPerTunnel: ((radiusCpu() - radiusBefore) / count) * 1000,
    generatorCpuMsPerTunnel: (connected.cpuSeconds / count) * 1000,
    latencyMs: {
      p50: percentile(latenciesMs, 50),
      p90: percentile(latenciesMs, 90),
      p99: percentile(latenciesMs, 99),
    },
    failures: connected.failures,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
