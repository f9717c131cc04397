/**
 * Preloaded into a gateway that is watched (`node --import`), in each of its threads: on SIGUSR2 it says, in a line of JSON among those of the
 * log, how late the main thread's event loop was since the last time; on SIGPWR each thread collects its garbage, so that what is left is in use.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import { LAG_MESSAGE } from './probe-message.ts';
import type { MainThreadLag } from './probe-message.ts';

/** Hardly a wake-up that would cost anything, and what holds the thread up for longer is seen. */
const RESOLUTION_MS = 5;
const NANOSECONDS_PER_MS = 1e6;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const channel = new BroadcastChannel('operate-probe');
channel.unref();
channel.onmessage = () => collect();

if (isMainThread) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  process.on('SIGUSR2', () => {
    const lag: MainThreadLag = { p99Ms: late(delay.percentile(99)), maxMs: late(delay.max) };
    delay.reset();
    console.log(JSON.stringify({ msg: LAG_MESSAGE, ...lag }));
  });
  process.on('SIGPWR', () => {
    channel.postMessage('');
    collect();
  });
}

/** What Node measures is the time from one sample to the next. */
function late(nanoseconds: number): number {
  return Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
}
