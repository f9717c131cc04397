/**
 * Preloaded into a gateway whose memory is looked into (`node --import`), in each of its threads: on SIGUSR2 each
 * thread's JavaScript memory goes to standard output, a line of JSON among those of the log. Until then it does nothing.
 */
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';
import { PROBE_MESSAGE } from './probe-message.ts';
import type { ThreadMemory } from './probe-message.ts';

const channel = new BroadcastChannel('memory-probe');
channel.unref();
channel.onmessage = tell;
if (isMainThread) {
  process.on('SIGUSR2', () => {
    channel.postMessage('');
    tell();
  });
}

function tell(): void {
  const { heapTotal, heapUsed } = process.memoryUsage();
  const memory: ThreadMemory = { thread: threadId, heapTotal, heapUsed };
  console.log(JSON.stringify({ msg: PROBE_MESSAGE, ...memory }));
}
