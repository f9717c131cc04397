import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FloodLimit, MAX_KINDS } from '../../src/supervisor/flood-limit.ts';

const OPTIONS = { rate: 2, burst: 5, intervalMs: 10_000 };
const limitOf = (options = OPTIONS): FloodLimit<string> => new FloodLimit(options, kind => kind);

/** How many of so many are told. */
function told(limit: FloodLimit<string>, kind: string, now: number, count: number): number {
  let admitted = 0;
  for (let n = 0; n < count; n++) if (limit.admits(kind, now)) admitted++;
  return admitted;
}

describe('a flood', () => {
  test('is told up to the burst, then at the rate, and the rest in one summary an interval', () => {
    const limit = limitOf();
    assert.equal(told(limit, 'a', 0, 100), 5);
    assert.equal(limit.deadline, 10_000);
    assert.equal(told(limit, 'a', 1_000, 100), 2);
    assert.deepEqual(limit.summaries(9_999), []);
    assert.deepEqual(limit.summaries(10_000), [{ kind: 'a', count: 193, since: 0 }]);
    assert.deepEqual(limit.summaries(10_000), []);
    assert.equal(limit.deadline, Infinity);
    // 9 s of silence fill the bucket again.
    assert.equal(told(limit, 'a', 10_000, 100), 5);
    assert.equal(limit.deadline, 20_000);
  });

  test('of one kind leaves the others alone', () => {
    const limit = limitOf();
    told(limit, 'a', 0, 1_000_000);
    assert.ok(limit.admits('b', 0));
    told(limit, 'b', 3_000, 7);
    assert.equal(limit.deadline, 10_000);
    assert.deepEqual(
      limit.summaries(12_000).map(({ kind }) => kind),
      ['a'],
    );
    assert.deepEqual(limit.summaries(Infinity), [{ kind: 'b', count: 2, since: 3_000 }]);
  });

  test('of kinds without end takes no more memory than a few', () => {
    const limit = limitOf();
    let admitted = 0;
    for (let n = 0; n < 100_000; n++) if (limit.admits(`kind ${n}`, 0)) admitted++;
    assert.ok(admitted <= MAX_KINDS + OPTIONS.burst);
    const rest = limit.summaries(Infinity);
    assert.equal(rest.length, 1);
    assert.equal(rest[0]!.count, 100_000 - admitted);
  });
});

test('what comes slower than the rate is always told', () => {
  const limit = limitOf();
  for (let now = 0; now < 1_000_000; now += 500) assert.ok(limit.admits('a', now));
  assert.equal(limit.deadline, Infinity);
});

test('told and summed up is all that there was, and no time has more than burst and rate', () => {
  const step = fc.record({ kind: fc.constantFrom('a', 'b', 'c'), after: fc.nat(3_000), count: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const limit = limitOf();
      const counts = { came: 0, told: 0, summed: 0 };
      const toldAt: Record<string, number[]> = {};
      let now = 0;
      for (const { kind, after, count } of steps) {
        now += after;
        if (limit.deadline <= now) for (const summary of limit.summaries(now)) counts.summed += summary.count;
        assert.ok(limit.deadline > now, 'a summary was due and did not come');
        const admitted = told(limit, kind, now, count);
        counts.came += count;
        counts.told += admitted;
        for (let n = 0; n < admitted; n++) (toldAt[kind] ??= []).push(now);
      }
      for (const summary of limit.summaries(Infinity)) counts.summed += summary.count;
      assert.equal(counts.told + counts.summed, counts.came);
      for (const times of Object.values(toldAt)) {
        times.forEach((from, first) => {
          for (let last = first; last < times.length; last++) {
            const allowed = OPTIONS.burst + ((times[last]! - from) / 1000) * OPTIONS.rate;
            assert.ok(last - first + 1 <= allowed + 1e-6);
          }
        });
      }
    }),
  );
});
