/**
 * Preloaded into a gateway whose main thread is looked into (`node --import`): on SIGUSR2 it says, in a line of JSON among those of the log,
 * how late its event loop was since the last time.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { LAG_MESSAGE } from './probe-message.ts';
import type { MainThreadLag } from './probe-message.ts';

/** Hardly a wake-up that would cost anything, and what holds the thread up for longer is seen. */
const RESOLUTION_MS = 5;
const NANOSECONDS_PER_MS = 1e6;

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  process.on('SIGUSR2', () => {
    const lag: MainThreadLag = { p99Ms: late(delay.percentile(99)), maxMs: late(delay.max) };
    delay.reset();
    console.log(JSON.stringify({ msg: LAG_MESSAGE, ...lag }));
  });
}

/** What Node measures is the time from one sample to the next. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
}
