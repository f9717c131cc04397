import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { PacketPath } from '../../src/hotpath/packet-path.ts';
import { implementations } from './implementations.ts';
import { ipv4 } from './packets.ts';

/** What the tables promise to hold. */
const CAPACITY = 98_304;
const POOL = 0x0a42_0000;

for (const { name, create } of implementations) {
  describe(`routes, ${name}`, () => {
    const shared = create();

    test('finds the slot of a packet’s destination', () => {
      const path = create();
      assert.equal(path.routeAdd(POOL + 1, 7), true);
      assert.equal(path.routeAdd(0xfffe_0001, 0), true);
      assert.deepEqual(
        [POOL + 1, 0xfffe_0001, POOL + 2, 0].map(address => lookup(path, address)),
        [7, 0, -1, -1],
      );
    });

    test('finds networks where there is no host, the longest prefix first', () => {
      const path = create();
      path.routeAdd(0x0a01_0203, 1);
      assert.equal(path.networkAdd(0x0a01_0299, 24, 2), true);
      assert.equal(path.networkAdd(0x0a01_0000, 16, 3), true);
      assert.equal(path.networkAdd(0, 0, 4), true);
      const slots = [0x0a01_0203, 0x0a01_0204, 0x0a01_0304, 0x0b00_0001].map(address => lookup(path, address));
      assert.deepEqual(slots, [1, 2, 3, 4]);
      assert.equal(path.networkRemove(0x0a01_0200, 24), true);
      assert.equal(path.networkRemove(0x0a01_0200, 24), false);
      assert.equal(path.networkRemove(0, 0), true);
      assert.deepEqual([lookup(path, 0x0a01_0204), lookup(path, 0x0b00_0001)], [3, -1]);
    });

    test('replaces the slot of a network that it has, and refuses what is none', () => {
      const path = create();
      path.networkAdd(0x0a01_0000, 16, 3);
      path.networkAdd(0x0a01_0000, 16, 5);
      assert.equal(lookup(path, 0x0a01_0001), 5);
      assert.equal(path.networkRemove(0x0a01_0000, 16), true);
      assert.equal(lookup(path, 0x0a01_0001), -1);
      assert.deepEqual(
        [path.networkAdd(0, 33, 1), path.networkAdd(0, 8, -1), path.networkRemove(0, 33)],
        [false, false, false],
      );
    });

    test('an IPv6 route for everything is none for IPv4', () => {
      const path = create();
      path.networkAdd(0x0a01_0000, 16, 3);
      path.route6Add(path.scratchAt, 0, 9);
      assert.deepEqual([lookup(path, 0x0a01_0001), lookup(path, 0x0b00_0001)], [3, -1]);
    });

    test('forgets a removed address, once', () => {
      const path = create();
      path.routeAdd(POOL + 1, 7);
      assert.equal(path.routeRemove(POOL + 1), true);
      assert.equal(lookup(path, POOL + 1), -1);
      assert.equal(path.routeRemove(POOL + 1), false);
    });

    test('replaces the slot of an address that it has', () => {
      const path = create();
      path.routeAdd(POOL + 1, 7);
      assert.equal(path.routeAdd(POOL + 1, 8), true);
      assert.equal(lookup(path, POOL + 1), 8);
      path.routeRemove(POOL + 1);
      assert.equal(lookup(path, POOL + 1), -1);
    });

    test('refuses 0.0.0.0 and negative slots', () => {
      const path = create();
      assert.deepEqual([path.routeAdd(0, 1), path.routeAdd(POOL, -1), path.routeRemove(0)], [false, false, false]);
      assert.equal(lookup(path, POOL), -1);
    });

    test('has no route for what is not a whole IPv4 header', () => {
      const path = create();
      path.routeAdd(POOL + 1, 7);
      const packet = ipv4({ destination: POOL + 1 });
      path.memory.set(packet, path.scratchAt);
      assert.equal(path.routeLookup(path.scratchAt, 20), 7);
      for (let length = 0; length < 20; length += 1) assert.equal(path.routeLookup(path.scratchAt, length), -1);
      path.memory[path.scratchAt] = 0x60;
      assert.equal(path.routeLookup(path.scratchAt, 40), -1);
    });

    test('holds 98304 addresses, refuses one more, and takes it when another has gone', () => {
      const path = create();
      for (let index = 0; index < CAPACITY; index += 1) assert.equal(path.routeAdd(POOL + index, index), true);
      assert.equal(path.routeAdd(POOL + CAPACITY, 1), false);
      assert.equal(path.routeAdd(POOL + 5, 55), true, 'an address that it has can still be replaced');
      for (let index = 6; index < CAPACITY; index += 1) assert.equal(lookup(path, POOL + index), index);
      assert.equal(lookup(path, POOL + CAPACITY), -1);
      path.routeRemove(POOL + 100);
      assert.equal(path.routeAdd(POOL + CAPACITY, 1), true);
      assert.equal(lookup(path, POOL + CAPACITY), 1);
    });

    test('keeps every other route when half of a full table goes', () => {
      const path = create();
      for (let index = 0; index < CAPACITY; index += 1) path.routeAdd(scattered(index), index);
      for (let index = 0; index < CAPACITY; index += 2) assert.equal(path.routeRemove(scattered(index)), true);
      for (let index = 0; index < CAPACITY; index += 1) {
        assert.equal(lookup(path, scattered(index)), index % 2 === 0 ? -1 : index);
      }
    });

    test('behaves as a Map whatever is added and removed', () => {
      // These addresses share few home buckets, the last ones of the table among them, so that runs are long and wrap.
      const collide = fc.tuple(fc.nat(3), fc.nat(7)).map(([bucket, index]) => homed((bucket - 2) & 0x1ffff, index));
      const step = fc.record({ address: collide, slot: fc.nat(1000), add: fc.boolean() });
      fc.assert(
        fc.property(fc.array(step, { maxLength: 60 }), steps => {
          const model = new Map<number, number>();
          try {
            for (const { address, slot, add } of steps) {
              if (add) {
                assert.equal(shared.routeAdd(address, slot), true);
                model.set(address, slot);
              } else {
                assert.equal(shared.routeRemove(address), model.delete(address));
              }
              for (let bucket = -2; bucket < 2; bucket += 1) {
                for (let index = 0; index < 8; index += 1) {
                  const known = homed(bucket & 0x1ffff, index);
                  assert.equal(lookup(shared, known), model.get(known) ?? -1);
                }
              }
            }
          } finally {
            for (const address of model.keys()) shared.routeRemove(address);
          }
        }),
        { numRuns: 200 },
      );
    });
  });
}

function lookup(path: PacketPath, address: number): number {
  const at = path.scratchAt;
  path.view.setUint8(at, 0x45);
  path.view.setUint32(at + 16, address);
  return path.routeLookup(at, 20);
}

/** A different address for every index, all over the address space. */
function scattered(index: number): number {
  return Math.imul(index + 1, 0x0101_0107) >>> 0;
}

/** The `index`-th address whose home is `bucket`: the hash is a multiplication, so it can be undone (modulo 2^32). */
function homed(bucket: number, index: number): number {
  const INVERSE = 0x0e8b_2f51;
  return Math.imul((bucket << 15) | (index + 1), INVERSE) >>> 0;
}
