// A data worker that does nothing but give signs of life; where there is a FIFO, it soon hangs in the system call that opens it.
import { existsSync, openSync } from 'node:fs';
import type { WorkerStart } from '../../src/worker/messages.ts';
import { WorkerCounters } from '../../src/worker/worker-counters.ts';

export const FIFO_VARIABLE = 'SSTP_TEST_FIFO';

export default async function hangingTask({ worker, counters, port }: WorkerStart): Promise<void> {
  const own = new WorkerCounters(counters[worker]!);
  own.beat();
  const heartbeat = setInterval(() => own.beat(), 100);
  port.postMessage({ kind: 'ready', listening: [] });
  const fifo = process.env[FIFO_VARIABLE] ?? '';
  // Waits for a writer, out of reach of the engine.
  setTimeout(() => existsSync(fifo) && openSync(fifo, 'r'), 300);
  await new Promise(resolve => port.once('message', resolve));
  clearInterval(heartbeat);
  port.close();
}
