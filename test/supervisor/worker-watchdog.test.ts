import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOOK_INTERVAL_MS, WorkerWatchdog } from '../../src/supervisor/worker-watchdog.ts';

const LIMIT_MS = 15_000;

/** Two workers of which the first beats when told to, in a time that passes when told to. */
function scene(limit = LIMIT_MS) {
  const counters = [{ beats: 0 }, { beats: 0 }];
  const hung: [number, number][] = [];
  const watchdog = new WorkerWatchdog({
    counters,
    limit: () => limit,
    hung: (worker, silentMs) => hung.push([worker, silentMs]),
  });
  let now = 5000;
  watchdog.look(now);
  const pass = (ms: number, beating: readonly number[]): void => {
    for (const end = now + ms; now < end;) {
      now += LOOK_INTERVAL_MS;
      for (const worker of beating) counters[worker]!.beats++;
      watchdog.look(now);
    }
  };
  const suspend = (ms: number): void => void (now += ms);
  return { watchdog, hung, pass, suspend };
}

describe('watchdog', () => {
  test('a worker that falls silent is called hung once, when its limit is over, and the others are not', () => {
    const { watchdog, hung, pass } = scene();
    watchdog.watch(0);
    watchdog.watch(1);
    pass(60_000, [0, 1]);
    pass(LIMIT_MS - LOOK_INTERVAL_MS, [0]);
    assert.deepEqual(hung, []);
    pass(60_000, [0]);
    assert.deepEqual(hung, [[1, LIMIT_MS]]);
  });

  test('a late sign of life counts as any other', () => {
    const { watchdog, hung, pass } = scene();
    watchdog.watch(0);
    pass(1000, [0]);
    for (let round = 0; round < 10; round++) {
      pass(LIMIT_MS - LOOK_INTERVAL_MS, []);
      pass(LOOK_INTERVAL_MS, [0]);
    }
    assert.deepEqual(hung, []);
  });

  test('a worker that starts may take longer, but not for ever', () => {
    const { watchdog, hung, pass } = scene();
    watchdog.watch(0);
    pass(59_000, []);
    assert.deepEqual(hung, []);
    pass(1000, []);
    assert.deepEqual(hung, [[0, 60_000]]);
    watchdog.watch(0);
    pass(59_000, []);
    assert.equal(hung.length, 1, 'its next start has the same time');
  });

  test('the time for which everything was suspended is not held against a worker', () => {
    const { watchdog, hung, pass, suspend } = scene();
    watchdog.watch(0);
    pass(1000, [0]);
    for (let night = 0; night < 5; night++) {
      suspend(8 * 3_600_000);
      pass(1000, []);
    }
    assert.deepEqual(hung, []);
    pass(LIMIT_MS, []);
    assert.equal(hung.length, 1);
  });

  test('a worker that is known to be gone is not waited for', () => {
    const { watchdog, hung, pass } = scene();
    watchdog.watch(0);
    pass(1000, [0]);
    watchdog.ignore(0);
    pass(100_000, []);
    assert.deepEqual(hung, []);
  });

  test('without a limit nobody hangs', () => {
    const { watchdog, hung, pass } = scene(Infinity);
    watchdog.watch(0);
    pass(3_600_000, []);
    assert.deepEqual(hung, []);
  });
});
