import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkerPool } from '../../src/supervisor/worker-pool.ts';
import type { WorkerSettings } from '../../src/worker/messages.ts';
import { FIFO_VARIABLE } from './hanging-task.ts';

/** The smallest module there is: its magic number and version. */
const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

test('a thread that hangs in a system call is replaced, and the pool is not alive until it has ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sstp-gateway-pool-'));
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  process.env[FIFO_VARIABLE] = fifo;
  const lost: string[] = [];
  let ready = 0;
  const pool = new WorkerPool(
    {
      workers: 1,
      // The task looks at neither.
      settings: {} as WorkerSettings,
      hotpath: await WebAssembly.compile(EMPTY_MODULE),
      device: () => Promise.resolve(undefined),
      watchdog: () => 1000,
      filename: new URL('hanging-task.js', import.meta.url).href,
    },
    {
      message: () => ready++,
      lost: (worker, error) => {
        lost.push(`${worker}: ${error.message}`);
        // The next one finds nothing to hang on. The first one does not notice.
        execFileSync('mv', [fifo, `${fifo}.taken`]);
      },
    },
  );
  pool.start();
  assert.equal(pool.alive, true);
  await until(() => lost.length > 0);
  assert.match(lost[0]!, /^0: no sign of life for \d s: terminated$/);
  await until(() => ready === 2);
  assert.deepEqual([pool.views()[0]!.state, pool.views()[0]!.restarts], ['ready', 1]);
  assert.equal(pool.alive, false);
  // A writer lets the thread out of its system call.
  writeFileSync(`${fifo}.taken`, '');
  await until(() => pool.alive);
  await pool.stop();
  assert.equal(lost.length, 1);
  delete process.env[FIFO_VARIABLE];
  rmSync(folder, { recursive: true });
});

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (condition()) return;
    await sleep(20);
  }
  throw new Error('not reached in time');
}
