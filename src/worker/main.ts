/** The piscina task of a data worker: it ends when the supervisor says stop, and rejects when the worker cannot go on. */
import { DataWorker } from './data-worker.ts';
import type { WorkerStart } from './messages.ts';

export default async function main(start: WorkerStart): Promise<void> {
  const worker = new DataWorker(start);
  await worker.listen();
  await worker.finished;
}
