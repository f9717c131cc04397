// The usual data worker with a hand on its throat: tests tell it by broadcast how to fail.
import { BroadcastChannel } from 'node:worker_threads';
import main from '../../src/worker/main.ts';
import type { WorkerStart } from '../../src/worker/messages.ts';

export const FAULTS = 'gateway-test-faults';

export interface Fault {
  readonly worker: number;
  readonly how: 'throw' | 'exit' | 'hang';
}

export default function faultyWorker(start: WorkerStart): Promise<void> {
  const channel = new BroadcastChannel(FAULTS);
  channel.onmessage = event => {
    const { data } = event as { data: Fault };
    if (data.worker !== start.worker) return;
    if (data.how === 'exit') process.exit(3);
    if (data.how === 'hang') for (;;);
    // Outside of every promise and handler, as a bug of ours would be.
    setImmediate(() => {
      throw new Error('a fault on request');
    });
  };
  return main(start);
}
