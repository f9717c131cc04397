// Preloaded into a gateway that runs as a service (NODE_OPTIONS=--import), where tests reach nothing but its files: the first worker that
// finds one of these in its state directory fails as the name says.
import { openSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

/** Runs for ever; waits for ever in a system call, where the engine cannot interrupt it. */
export type Hang = 'loop' | 'system-call';

/** Within the state directory. The second one is a FIFO that nobody writes to. */
export const FAULT_FILES: Readonly<Record<Hang, string>> = { loop: 'hang-loop', 'system-call': 'hang-system-call' };

const LOOK_INTERVAL_MS = 200;

function isMine(path: string): boolean {
  try {
    renameSync(path, `${path}.taken`);
    return true;
  } catch {
    return false;
  }
}

// systemd names the directory.
const folder = process.env['STATE_DIRECTORY'];
if (!isMainThread && folder !== undefined) {
  setInterval(() => {
    if (isMine(join(folder, FAULT_FILES.loop))) for (;;);
    const fifo = join(folder, FAULT_FILES['system-call']);
    if (isMine(fifo)) openSync(`${fifo}.taken`, 'r');
  }, LOOK_INTERVAL_MS).unref();
}
