import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AddressPool } from '../../src/supervisor/address-pool.ts';

test('hands out every address of its ranges once, then refuses', () => {
  const pool = new AddressPool([
    { first: 10, last: 12 },
    { first: 20, last: 21 },
  ]);
  assert.equal(pool.size, 5);
  assert.deepEqual(
    Array.from({ length: 6 }, () => pool.lease()),
    [10, 11, 12, 20, 21, undefined],
  );
  assert.equal(pool.leased, 5);
});

test('an exhausted pool leases a released address again at once', () => {
  const pool = new AddressPool([{ first: 1, last: 2 }]);
  pool.lease();
  pool.lease();
  pool.release(2);
  assert.equal(pool.lease(), 2);
});

test('the address that has been free for longest is leased first, after those never used', () => {
  const pool = new AddressPool([{ first: 1, last: 4 }]);
  for (let count = 0; count < 3; count++) pool.lease();
  pool.release(2);
  pool.release(1);
  assert.deepEqual([pool.lease(), pool.lease(), pool.lease()], [4, 2, 1]);
});

test('a reserved address is leased by name only, to one session at a time', () => {
  const pool = new AddressPool([{ first: 1, last: 3 }], [2, 99]);
  assert.equal(pool.size, 2);
  assert.deepEqual([pool.lease(), pool.lease(), pool.lease()], [1, 3, undefined]);
  assert.equal(pool.leaseStatic(2), true);
  assert.equal(pool.leaseStatic(2), false);
  assert.equal(pool.leaseStatic(99), true);
  pool.release(2);
  assert.equal(pool.lease(), undefined, 'a reserved address must not enter the common pool');
  assert.equal(pool.leaseStatic(2), true);
});

test('releasing an address that nobody holds is our own fault and fails loudly', () => {
  const pool = new AddressPool([{ first: 1, last: 3 }]);
  assert.throws(() => pool.release(1), /nobody held/);
});

test('no address is ever held twice, and none is lost, whatever the order of leases and releases', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant('lease' as const), fc.nat(30)), { maxLength: 200 }), steps => {
      const pool = new AddressPool([
        { first: 100, last: 109 },
        { first: 200, last: 204 },
      ]);
      const held: number[] = [];
      for (const step of steps) {
        if (step === 'lease') {
          const address = pool.lease();
          if (held.length === pool.size) assert.equal(address, undefined);
          else {
            assert.ok(address !== undefined && !held.includes(address));
            held.push(address);
          }
        } else if (held.length > 0) {
          pool.release(held.splice(step % held.length, 1)[0]!);
        }
        assert.equal(pool.leased, held.length);
      }
    }),
  );
});
