import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CoDel } from '../../src/hotpath/codel.ts';

const BACKLOG = 100_000;

test('a queue below the target is left alone', () => {
  const codel = new CoDel();
  for (let now = 0; now < 1000; now++) assert.equal(codel.shouldDrop(4.9, BACKLOG, now), false);
});

test('a burst that drains within the interval loses nothing', () => {
  const codel = new CoDel();
  for (let now = 0; now < 99; now++) assert.equal(codel.shouldDrop(50, BACKLOG, now), false);
  assert.equal(codel.shouldDrop(1, BACKLOG, 99), false);
  for (let now = 100; now < 199; now++) assert.equal(codel.shouldDrop(50, BACKLOG, now), false);
});

test('a standing queue is dropped from ever more often, by the inverse square root', () => {
  const codel = new CoDel();
  const drops: number[] = [];
  for (let now = 0; now < 2000; now++) if (codel.shouldDrop(20, BACKLOG, now)) drops.push(now);
  const expected: number[] = [100];
  for (let next = 100 + 100, count = 1; next < 1999;) {
    expected.push(Math.ceil(next));
    count++;
    next += 100 / Math.sqrt(count);
  }
  assert.deepEqual(drops, expected);
});

test('dropping stops as soon as the delay is below the target', () => {
  const codel = new CoDel();
  for (let now = 0; now < 500; now++) codel.shouldDrop(20, BACKLOG, now);
  for (let now = 500; now < 1000; now++) assert.equal(codel.shouldDrop(2, BACKLOG, now), false);
});

test('a queue of a single packet is not standing, however slow the link', () => {
  const codel = new CoDel();
  for (let now = 0; now < 1000; now++) assert.equal(codel.shouldDrop(200, 1400, now), false);
});

test('an overload that comes back soon is met about where dropping ended', () => {
  const codel = new CoDel();
  const dropsIn = (from: number, to: number): number => {
    let drops = 0;
    for (let now = from; now < to; now++) if (codel.shouldDrop(20, BACKLOG, now)) drops++;
    return drops;
  };
  dropsIn(0, 3000);
  codel.shouldDrop(1, BACKLOG, 3000);
  const again = dropsIn(3001, 3301);
  const fresh = new CoDel();
  let first = 0;
  for (let now = 0; now < 300; now++) if (fresh.shouldDrop(20, BACKLOG, now)) first++;
  assert.ok(again > first, `${again} drops after ${first}`);
});
