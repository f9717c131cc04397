import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PrefixPool } from '../../src/supervisor/prefix-pool.ts';
import { formatIpv6Prefix, isInIpv6Prefix, parseIpv6Prefix } from '../../src/wire/ipv6.ts';

describe('a pool of prefixes', () => {
  test('hands out every prefix once, then refuses', () => {
    const pool = new PrefixPool(64, [prefix('2001:db8::/63'), prefix('2001:db8:5::/64')]);
    assert.equal(pool.size, 3);
    assert.deepEqual(take(pool, 4), ['2001:db8::/64', '2001:db8:0:1::/64', '2001:db8:5::/64', undefined]);
  });

  test('what was never used goes out first, then what has been free for longest', () => {
    const pool = new PrefixPool(64, [prefix('2001:db8::/62')]);
    take(pool, 3);
    pool.release(prefix('2001:db8:0:1::/64'));
    pool.release(prefix('2001:db8::/64'));
    assert.deepEqual(take(pool, 4), ['2001:db8:0:3::/64', '2001:db8:0:1::/64', '2001:db8::/64', undefined]);
  });

  test('a huge pool costs nothing', () => {
    const pool = new PrefixPool(64, [prefix('2001:db8::/16'.replace('db8', '0'))]);
    assert.equal(pool.size, 2 ** 48);
    assert.deepEqual(take(pool, 1), ['2001::/64']);
  });

  test('a prefix that belongs to somebody, whatever its length, is not handed out', () => {
    const pool = new PrefixPool(56, [prefix('2001:db8::/54')], [prefix('2001:db8:0:100::/60')]);
    assert.deepEqual(take(pool, 4), ['2001:db8::/56', '2001:db8:0:200::/56', '2001:db8:0:300::/56', undefined]);
    assert.ok(pool.leaseStatic(prefix('2001:db8:0:100::/60')));
    assert.ok(!pool.leaseStatic(prefix('2001:db8:0:100::/60')));
    assert.ok(!pool.leaseStatic(prefix('2001:db8:0:100::/64')), 'a part of it is somebody else');
    assert.ok(!pool.leaseStatic(prefix('2001:db8::/48')), 'it would hold what others have');
  });

  test('releasing a prefix that nobody holds is our own fault and fails loudly', () => {
    assert.throws(() => new PrefixPool(64, [prefix('2001:db8::/60')]).release(prefix('2001:db8::/64')), /nobody held/);
  });

  test('other blocks leave running leases alone, and do not take them back in', () => {
    const pool = new PrefixPool(64, [prefix('2001:db8::/63')]);
    take(pool, 2);
    pool.configure([prefix('2001:db8:0:1::/64'), prefix('2001:db8:9::/64')], []);
    assert.equal(pool.leased, 1);
    pool.release(prefix('2001:db8::/64'));
    assert.deepEqual(take(pool, 2), ['2001:db8:9::/64', undefined]);
    pool.release(prefix('2001:db8:0:1::/64'));
    assert.deepEqual(take(pool, 1), ['2001:db8:0:1::/64']);
  });

  test('no two leases ever meet, and all come back', () => {
    const step = fc.oneof(
      fc.constant('lease' as const),
      fc.nat(40),
      fc.tuple(fc.integer({ min: 56, max: 62 }), fc.nat(63)),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), steps => {
        const block = prefix('2001:db8::/58');
        const pool = new PrefixPool(60, [block]);
        const held: ReturnType<typeof prefix>[] = [];
        for (const what of steps) {
          if (what === 'lease') {
            const lease = pool.lease();
            if (lease !== undefined) held.push(lease);
          } else if (typeof what === 'number') {
            const [gone] = held.splice(what % Math.max(1, held.length), 1);
            if (gone !== undefined) pool.release(gone);
          } else {
            const [length, index] = what;
            const host = BigInt(128 - length);
            const address = ((block.address + (BigInt(index) << 64n)) >> host) << host;
            if (pool.leaseStatic({ address, length })) held.push({ address, length });
          }
          assert.equal(pool.leased, held.length);
          held.forEach((one, at) => {
            for (const other of held.slice(at + 1)) {
              const [short, long] = one.length <= other.length ? [one, other] : [other, one];
              assert.ok(!isInIpv6Prefix(long.address, short), `${formatIpv6Prefix(one)} ${formatIpv6Prefix(other)}`);
            }
          });
        }
        for (const one of held) pool.release(one);
        assert.equal(take(pool, 5).filter(Boolean).length, 4);
      }),
      { numRuns: 300 },
    );
  });
});

function prefix(text: string) {
  const parsed = parseIpv6Prefix(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

function take(pool: PrefixPool, count: number): (string | undefined)[] {
  return Array.from({ length: count }, () => {
    const lease = pool.lease();
    return lease && formatIpv6Prefix(lease);
  });
}
