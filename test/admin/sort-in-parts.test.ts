import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { sortInParts } from '../../src/admin/sort-in-parts.ts';
import { TimeSlice } from '../../src/admin/time-slice.ts';

interface Item {
  readonly key: number;
  readonly place: number;
}

describe('sorting in parts', () => {
  test('comes to what sorting in one go comes to, and keeps equals in their order', async () => {
    const lengths = fc.constantFrom(0, 1, 2, 255, 256, 257, 511, 512, 513, 769, 2000);
    await fc.assert(
      fc.asyncProperty(lengths, fc.integer({ min: 1, max: 300 }), fc.integer(), async (length, keys, seed) => {
        const items = Array.from({ length }, (_, place) => ({
          key: Math.imul(seed ^ place, 0x9e3779b1) % keys,
          place,
        }));
        assert.deepEqual(await sortInParts(items, byKey, new TimeSlice()), items.toSorted(byKey));
      }),
      { numRuns: 60, interruptAfterTimeLimit: 5_000 },
    );
  });

  test('lets the event loop have its turn while it goes on', async () => {
    let turns = 0;
    let isDone = false;
    const turn = (): void => {
      turns++;
      if (!isDone) setImmediate(turn);
    };
    setImmediate(turn);
    const items = Array.from({ length: 600 }, (_, place) => ({ key: (place * 7) % 600, place }));
    await sortInParts(items, slowlyByKey, new TimeSlice());
    isDone = true;
    assert.ok(turns > 20, `${turns} turns`);
  });
});

function byKey(a: Item, b: Item): number {
  return a.key - b.key;
}

function slowlyByKey(a: Item, b: Item): number {
  const end = performance.now() + 0.05;
  while (performance.now() < end);
  return byKey(a, b);
}
