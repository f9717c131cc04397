/**
 * Tunnels that carry nothing but their keepalives: what each costs in memory, and what they cost together in CPU time.
 *
 * Memory is the growth of the gateway's resident set over what it was with the first few tunnels, so that code and tables,
 * which are there anyway, do not count. What the kernel holds for sockets is not in it.
 */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayProcess } from '../test/gateway/gateway-process.ts';
import type { Benchmark } from './benchmark.ts';
import { LoadTestbed } from './load/load-testbed.ts';
import { PROBE_MESSAGE } from './load/probe-message.ts';
import type { ThreadMemory } from './load/probe-message.ts';
import { cpuSeconds } from './process-cpu.ts';
import { descriptorLimit, residentKilobytes } from './process-memory.ts';

/** The window holds two LCP echoes and an SSTP hello of every tunnel, which are due every 30 and 60 s. */
const FULL = { counts: [1000, 5000, 10_000], windowMs: 70_000, config: {} } as const;
const QUICK = { counts: [100], windowMs: 2000, config: { ppp: { lcpEcho: { interval: '1s' } } } } as const;
/** As by default. */
const WORKERS = availableParallelism();
/** Tunnels that come before anything counts. */
const WARM_UP = 50;
const CONCURRENCY = 32;
/** What is garbage after a storm of handshakes is collected in some seconds, or when memory is needed. */
const SETTLE_MS = { full: 10_000, quick: 500 } as const;
/** Descriptors of a process beside those of tunnels. */
const SPARE_DESCRIPTORS = 200;
const PROBE_LIMIT_MS = 10_000;
const KILO = 1024;

interface Memory {
  readonly residentKb: number;
  readonly heapTotalKb: number;
  readonly heapUsedKb: number;
}

export const idle: Benchmark = async ({ quick, report }) => {
  const { counts, windowMs, config } = quick ? QUICK : FULL;
  const settleMs = quick ? SETTLE_MS.quick : SETTLE_MS.full;
  const probe = new URL('./load/memory-probe.js', import.meta.url);
  const testbed = await LoadTestbed.create({ workers: WORKERS, config, nodeArguments: ['--import', probe.href] });
  const { gateway, generator, target } = testbed;
  const results = [];
  try {
    await generator.call('connect', { target, count: WARM_UP, concurrency: CONCURRENCY });
    await sleep(settleMs);
    const before = await memoryOf(gateway);
    for (const count of counts) {
      if (count + SPARE_DESCRIPTORS > descriptorLimit()) {
        console.error(
          `  ${count} tunnels: left out, a process may have ${descriptorLimit()} descriptors here (ulimit -n)`,
        );
        continue;
      }
      console.error(`  opening tunnels, ${count} in all`);
      const { up } = await generator.call('status', {});
      const opened = await generator.call('connect', { target, count: count - up, concurrency: CONCURRENCY });
      await sleep(settleMs);
      const now = await memoryOf(gateway);
      const load = await measureLoad(testbed, windowMs);
      const after = await generator.call('status', {});
      const perTunnel = (part: keyof Memory): number => (now[part] - before[part]) / (count - WARM_UP);
      const result = {
        tunnels: after.up,
        failures: opened.failures,
        lost: after.ended,
        residentKbPerTunnel: perTunnel('residentKb'),
        heapKbPerTunnel: perTunnel('heapTotalKb'),
        heapUsedKbPerTunnel: perTunnel('heapUsedKb'),
        memory: now,
        ...load,
      };
      results.push(result);
      report({
        tunnels: result.tunnels,
        'KB/tunnel': result.residentKbPerTunnel,
        'of it JS heap': result.heapKbPerTunnel,
        'of it native': result.residentKbPerTunnel - result.heapKbPerTunnel,
        'gateway MB': now.residentKb / KILO,
        '% of a core': result.gatewayLoad * 100,
        'generator %': result.generatorLoad * 100,
        window: `${windowMs / 1000} s`,
        lost: count - after.up,
      });
    }
    return { warmUp: WARM_UP, before, results };
  } finally {
    await testbed.close();
  }
};

async function measureLoad({ gateway, generator }: LoadTestbed, windowMs: number) {
  console.error(`  idle for ${windowMs / 1000} s`);
  const before = { gateway: cpuSeconds(gateway.pid), generator: cpuSeconds(generator.pid) };
  await sleep(windowMs);
  const seconds = windowMs / 1000;
  return {
    gatewayLoad: (cpuSeconds(gateway.pid) - before.gateway) / seconds,
    generatorLoad: (cpuSeconds(generator.pid) - before.generator) / seconds,
  };
}

async function memoryOf(gateway: GatewayProcess): Promise<Memory> {
  const residentKb = residentKilobytes(gateway.pid);
  const threads = await probeThreads(gateway);
  return {
    residentKb,
    heapTotalKb: threads.reduce((sum, { heapTotal }) => sum + heapTotal, 0) / KILO,
    heapUsedKb: threads.reduce((sum, { heapUsed }) => sum + heapUsed, 0) / KILO,
  };
}

/** Asks the gateway's threads: the main thread and one for each worker. */
async function probeThreads(gateway: GatewayProcess): Promise<ThreadMemory[]> {
  const answers = (): ThreadMemory[] =>
    gateway.log.filter(({ msg }) => msg === PROBE_MESSAGE) as unknown as ThreadMemory[];
  const known = answers().length;
  process.kill(gateway.pid, 'SIGUSR2');
  const giveUpAt = performance.now() + PROBE_LIMIT_MS;
  while (answers().length < known + WORKERS + 1) {
    if (performance.now() > giveUpAt) throw new Error('the gateway does not tell its memory');
    await sleep(20);
  }
  return answers().slice(known);
}
