import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TokenBucket } from '../../src/hotpath/token-bucket.ts';

const MEGABIT = 1e6;

test('a full bucket gives its burst at once, then the rate', () => {
  const bucket = new TokenBucket(8 * MEGABIT, 20_000, 0);
  assert.equal(bucket.tokens(0), 20_000);
  bucket.spend(20_000);
  assert.equal(bucket.tokens(0), 0);
  assert.equal(bucket.tokens(7), 7000, '8 Mbit/s are 1000 bytes a millisecond');
  assert.equal(bucket.tokens(1000), 20_000, 'a silence saves no more than the burst');
});

test('a debt is paid before more may pass', () => {
  const bucket = new TokenBucket(8 * MEGABIT, 6000, 0);
  bucket.spend(9000);
  assert.equal(bucket.tokens(2), -1000);
  assert.ok(bucket.timeOf(0) > 3 && bucket.timeOf(0) < 3.01, 'a byte after the debt is paid');
  assert.ok(bucket.tokens(bucket.timeOf(0)) > 0);
});

test('by default the burst is 50 ms of the rate, and some packets of a slow one', () => {
  assert.equal(new TokenBucket(80 * MEGABIT, undefined, 0).tokens(0), 500_000);
  assert.equal(new TokenBucket(64_000, undefined, 0).tokens(0), 6000);
});

test('a burst too small for full packets is none', () => {
  assert.equal(new TokenBucket(80 * MEGABIT, 100, 0).tokens(0), 6000);
});

test('a change of rate makes no present of a burst, and leaves no debt that the new rate could not have made', () => {
  const fast = new TokenBucket(80 * MEGABIT, undefined, 0);
  fast.spend(500_000);
  assert.equal(new TokenBucket(8 * MEGABIT, undefined, 0, fast).tokens(0), 0);
  fast.spend(400_000);
  const slow = new TokenBucket(64_000, undefined, 0, fast);
  assert.equal(slow.tokens(0), -6000);
  assert.equal(new TokenBucket(8 * MEGABIT, 10_000, 0, new TokenBucket(80 * MEGABIT, undefined, 0)).tokens(0), 10_000);
});

test('whoever spends only what is there never exceeds burst and rate in any time', () => {
  const step = fc.record({ wait: fc.double({ min: 0, max: 100, noNaN: true }), want: fc.nat(4000) });
  fc.assert(
    fc.property(
      fc.integer({ min: 1000, max: 1e9 }),
      fc.integer({ min: 6000, max: 1e6 }),
      fc.array(step),
      (rate, burst, steps) => {
        const bucket = new TokenBucket(rate, burst, 0);
        let now = 0;
        let spent = 0;
        for (const { wait, want } of steps) {
          now += wait;
          if (bucket.tokens(now) <= 0) continue;
          bucket.spend(want);
          spent += want;
        }
        assert.ok(spent <= burst + (rate / 8000) * now + 4000 + 1e-3);
      },
    ),
  );
});
