/**
 * What it does to packets and memory that somebody watches: thousands of idle tunnels with their keepalives, clients that come and go, and
 * pings through a few tunnels. In turn without anybody, and with a reader that asks for all sessions and the metrics every second beside
 * WebSockets of events, one of which never reads (and stays in the other phases too, so that what waits for it has time to grow).
 *
 * As in `rtt`, what pings goes before the gateway when cores are short, and what makes load comes behind it: in life none of them shares
 * the gateway's cores. The phases take turns, so that what else the machine does counts for both.
 */
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayProcess } from '../test/gateway/gateway-process.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { startGenerator, startReader } from './load/load-process.ts';
import type { LoadProcess } from './load/load-process.ts';
import { LoadTestbed } from './load/load-testbed.ts';
import { LAG_MESSAGE } from './load/probe-message.ts';
import type { MainThreadLag } from './load/probe-message.ts';
import type { GeneratorCommands, ReadReport, ReaderCommands, Target } from './load/protocol.ts';
import { cpuSeconds } from './process-cpu.ts';
import { descriptorLimit, residentKilobytes } from './process-memory.ts';
import { median, percentile, slope } from './statistics.ts';

/** Rounds of two phases: ten minutes, and some more for the tunnels to come up. */
const FULL = { tunnels: 5000, rounds: 10, phaseMs: 30_000, settleMs: 10_000 } as const;
const QUICK = { tunnels: 100, rounds: 1, phaseMs: 2000, settleMs: 1000 } as const;
const CONCURRENCY = 32;
/** Tunnels that are pinged in turn: more than one, so that no worker is left out. */
const PINGED = 8;
const PINGS = { packetLength: 100, packetsPerSecond: 250 } as const;
/** Each causes two events: it comes, and goes. */
const VISITORS = { count: 25, perSecond: 25 } as const;
const READING = { intervalMs: 1000, sockets: 10, stalled: 1 } as const;
const MEMORY_INTERVAL_MS = 1000;
/** As nice(1) has it; the gateway's is 0. */
const NICENESS = { measuring: -10, load: 10 } as const;
/** Descriptors of a process beside those of idle tunnels. */
const SPARE_DESCRIPTORS = 300;
/** Readers sit at the end of a cable: to one behind the loopback's packets of 64 KiB the kernel gives megabytes in advance. */
const READERS_MTU = '1500';
const PROBE_LIMIT_MS = 10_000;
const KILO = 1024;
const MS_PER_MINUTE = 60_000;

interface Phase {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly sent: number;
  readonly received: number;
  /** Of the gateway, as a share of a core. */
  readonly gatewayLoad: number;
  readonly lag: MainThreadLag;
  readonly reading: ReadReport | undefined;
}

interface MemoryWatch {
  stop(): { readonly x: number; readonly y: number }[];
}

interface Processes {
  readonly testbed: LoadTestbed;
  readonly prober: LoadProcess<GeneratorCommands>;
  readonly reader: LoadProcess<ReaderCommands>;
}

export const operate: Benchmark = async ({ quick, report }) => {
  const { tunnels, rounds, phaseMs, settleMs } = quick ? QUICK : FULL;
  if (tunnels + SPARE_DESCRIPTORS > descriptorLimit()) {
    throw new Error(`${tunnels} tunnels take more than the ${descriptorLimit()} descriptors of a process (ulimit -n)`);
  }
  const probe = new URL('./load/operate-probe.js', import.meta.url);
  const testbed = await LoadTestbed.create({ workers: 'auto', nodeArguments: ['--import', probe.href] });
  const { gateway, generator, target } = testbed;
  testbed.gatewaySide.ip('link', 'set', 'lo', 'mtu', READERS_MTU);
  const others: LoadProcess<never>[] = [];
  let memory: MemoryWatch | undefined;
  const started = <T extends LoadProcess<never>>(process: T, niceness: number): T => {
    others.push(process);
    setPriority(process.pid, niceness);
    return process;
  };
  try {
    setPriority(generator.pid, NICENESS.load);
    const prober = started(await startGenerator(testbed.clientSide.name), NICENESS.measuring);
    const visitor = started(await startGenerator(testbed.clientSide.name), NICENESS.load);
    const reader = started(await startReader(testbed.gatewaySide.name), NICENESS.load);
    console.error(`  opening ${tunnels} tunnels`);
    await open(generator, target, tunnels - PINGED);
    await open(prober, target, PINGED);
    await sleep(settleMs);
    const visits = startVisits(visitor, target);
    const processes = { testbed, prober, reader };
    // What a gateway needs to answer at all it needs once: this is not a growth.
    console.error('  warming up');
    await measurePhase(processes, phaseMs, true);
    const live = { before: await liveMegabytes(gateway, settleMs), after: 0 };
    memory = watchMemory(gateway);
    const phases: { readonly alone: Phase; readonly watched: Phase }[] = [];
    for (let round = 1; round <= rounds; round++) {
      console.error(
        `  round ${round} of ${rounds}: ${phaseMs / 1000} s without readers, ${phaseMs / 1000} s with them`,
      );
      const alone = await measurePhase(processes, phaseMs, false);
      phases.push({ alone, watched: await measurePhase(processes, phaseMs, true) });
    }
    const residentMb = memory.stop();
    live.after = await liveMegabytes(gateway, settleMs);
    const visitors = await visits.stop();
    const { up, ended } = await generator.call('status', {});
    const alone = summary(phases.map(phase => phase.alone));
    const watched = summary(phases.map(phase => phase.watched));
    const growthMbPerMinute = slope(residentMb) * MS_PER_MINUTE;
    report(row('none', alone, live.before));
    report(row('polls, WebSockets', watched, live.after));
    report(differenceRow(alone, watched, live.after - live.before, growthMbPerMinute));
    const lost = tunnels - PINGED - up;
    if (lost > 0) throw new Error(`${lost} idle tunnels were lost: ${JSON.stringify(ended)}`);
    return { tunnels, pings: PINGS, reading: READING, visitors, live, growthMbPerMinute, residentMb, phases };
  } finally {
    memory?.stop();
    for (const process of others) await process.stop();
    await testbed.close();
  }
};

async function open(generator: LoadProcess<GeneratorCommands>, target: Target, count: number): Promise<void> {
  const { failures } = await generator.call('connect', { target, count, concurrency: CONCURRENCY });
  if (Object.keys(failures).length > 0) throw new Error(`tunnels did not come up: ${JSON.stringify(failures)}`);
}

async function measurePhase(
  { testbed: { gateway }, prober, reader }: Processes,
  durationMs: number,
  isWatched: boolean,
): Promise<Phase> {
  await lagOf(gateway);
  const before = cpuSeconds(gateway.pid);
  const [pings, reading] = await Promise.all([
    prober.call('ping', { ...PINGS, durationMs }),
    isWatched ? reader.call('read', { ...READING, durationMs, admin: gateway.admin }) : undefined,
  ]);
  return {
    p50: percentile(pings.roundTripsMs, 50),
    p99: percentile(pings.roundTripsMs, 99),
    p999: percentile(pings.roundTripsMs, 99.9),
    sent: pings.sent,
    received: pings.received,
    gatewayLoad: (cpuSeconds(gateway.pid) - before) / (durationMs / 1000),
    lag: await lagOf(gateway),
    reading,
  };
}

/** Clients come and go until it is stopped, which resolves to how many came up. */
function startVisits(visitor: LoadProcess<GeneratorCommands>, target: Target): { stop(): Promise<number> } {
  const over = new AbortController();
  const visit = async (): Promise<number> => {
    let visitors = 0;
    while (!over.signal.aborted) {
      const { up } = await visitor.call('connect', { target, ...VISITORS, concurrency: CONCURRENCY });
      visitors += up;
      await visitor.call('close', { how: 'end' });
    }
    return visitors;
  };
  const visits = visit();
  // Awaited in the end; until then a failure must not be one that nobody handles.
  visits.catch(() => {});
  return {
    stop: () => {
      over.abort();
      return visits;
    },
  };
}

/** What is resident when the garbage is gone, which takes some time. At the beginning of the watch, and at its end. */
async function liveMegabytes({ pid }: GatewayProcess, settleMs: number): Promise<number> {
  process.kill(pid, 'SIGPWR');
  await sleep(settleMs);
  return residentKilobytes(pid) / KILO;
}

/** Megabytes over milliseconds. */
function watchMemory({ pid }: GatewayProcess): MemoryWatch {
  const started = performance.now();
  const points: { x: number; y: number }[] = [];
  const look = (): void => void points.push({ x: performance.now() - started, y: residentKilobytes(pid) / KILO });
  look();
  const timer = setInterval(look, MEMORY_INTERVAL_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return points;
    },
  };
}

/** Since the last time. */
async function lagOf({ pid, log }: GatewayProcess): Promise<MainThreadLag> {
  const known = log.length;
  process.kill(pid, 'SIGUSR2');
  const giveUpAt = performance.now() + PROBE_LIMIT_MS;
  for (;;) {
    const answer = log.slice(known).find(({ msg }) => msg === LAG_MESSAGE);
    if (answer !== undefined) {
      const { p99Ms, maxMs } = answer as unknown as MainThreadLag;
      return { p99Ms, maxMs };
    }
    if (performance.now() > giveUpAt) throw new Error('the gateway does not tell how late its main thread is');
    await sleep(20);
  }
}

interface Summary extends Omit<Phase, 'reading'> {
  readonly pollMs: number;
  /** Events that were not sent to the reader that never reads. */
  readonly missed: number;
}

/** The median phase; the sum of what was sent and received; the longest lag of all. */
function summary(phases: readonly Phase[]): Summary {
  const middle = (of: (phase: Phase) => number): number => median(phases.map(of));
  const sum = (of: (phase: Phase) => number): number => phases.reduce((total, phase) => total + of(phase), 0);
  return {
    p50: middle(({ p50 }) => p50),
    p99: middle(({ p99 }) => p99),
    p999: middle(({ p999 }) => p999),
    sent: sum(({ sent }) => sent),
    received: sum(({ received }) => received),
    gatewayLoad: middle(({ gatewayLoad }) => gatewayLoad),
    lag: { p99Ms: middle(({ lag }) => lag.p99Ms), maxMs: Math.max(...phases.map(({ lag }) => lag.maxMs)) },
    pollMs: median(phases.flatMap(({ reading }) => reading?.pollMs ?? [])),
    missed: Math.max(...phases.map(({ reading }) => reading?.missed ?? 0)),
  };
}

function row(readers: string, phase: Summary, liveMb: number): Row {
  return {
    readers,
    'p50 ms': phase.p50,
    'p99 ms': phase.p99,
    'p99.9 ms': phase.p999,
    'lost pings': phase.sent - phase.received,
    '% of a core': phase.gatewayLoad * 100,
    'main thread p99 ms': phase.lag.p99Ms,
    'max ms': phase.lag.maxMs,
    'poll ms': Number.isNaN(phase.pollMs) ? '' : phase.pollMs,
    'events missed': Number.isNaN(phase.pollMs) ? '' : phase.missed,
    'live MB': liveMb,
    'MB/min': '',
  };
}

function differenceRow(alone: Summary, watched: Summary, liveMb: number, growthMbPerMinute: number): Row {
  return {
    readers: 'difference',
    'p50 ms': watched.p50 - alone.p50,
    'p99 ms': watched.p99 - alone.p99,
    'p99.9 ms': watched.p999 - alone.p999,
    'lost pings': '',
    '% of a core': (watched.gatewayLoad - alone.gatewayLoad) * 100,
    'main thread p99 ms': watched.lag.p99Ms - alone.lag.p99Ms,
    'max ms': watched.lag.maxMs - alone.lag.maxMs,
    'poll ms': '',
    'events missed': '',
    'live MB': liveMb,
    'MB/min': growthMbPerMinute,
  };
}
