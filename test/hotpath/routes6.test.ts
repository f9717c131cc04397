import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { PacketPath } from '../../src/hotpath/packet-path.ts';
import { implementations } from './implementations.ts';

/** What the table promises to hold. */
const CAPACITY = 98_304;

for (const { name, create } of implementations) {
  describe(`IPv6 routes, ${name}`, () => {
    test('finds the slot of a packet’s destination by the longest prefix', () => {
      const path = create();
      const routes = [
        ['20010db8000000000000000000000000', 32, 1],
        ['20010db8000100000000000000000000', 48, 2],
        ['20010db8000101000000000000000000', 56, 3],
        ['20010db8000101020000000000000000', 64, 4],
        ['20010db8000101020000000000000007', 128, 5],
      ] as const;
      for (const [prefix, length, slot] of routes) assert.equal(add(path, prefix, length, slot), true);
      const answers = [
        ['20010db8ffff00000000000000000007', 1],
        ['20010db80001ffff0000000000000007', 2],
        ['20010db80001010f0000000000000007', 3],
        ['20010db8000101020000000000000008', 4],
        ['20010db8000101020000000000000007', 5],
        ['20010db9000101020000000000000007', -1],
      ] as const;
      for (const [address, slot] of answers) assert.equal(lookup(path, address), slot, address);
      for (const [prefix, length] of routes.toReversed()) assert.equal(remove(path, prefix, length), true);
      for (const [address] of answers) assert.equal(lookup(path, address), -1);
    });

    test('does not look at the bits behind a prefix', () => {
      const path = create();
      add(path, '20010db80001010200000000deadbeef', 64, 4);
      assert.equal(lookup(path, '20010db8000101020000000000000001'), 4);
      assert.equal(add(path, '20010db8000101020000000000000000', 64, 9), true);
      assert.equal(lookup(path, '20010db8000101020000000000000001'), 9);
      assert.equal(remove(path, '20010db80001010200000000cafe0000', 64), true);
      assert.equal(lookup(path, '20010db8000101020000000000000001'), -1);
    });

    test('tells prefixes of one address and different lengths apart', () => {
      const path = create();
      for (const length of [0, 63, 64, 65, 128]) add(path, '00000000000000000000000000000000', length, length);
      assert.equal(lookup(path, '00000000000000000000000000000000'), 128);
      assert.equal(lookup(path, '00000000000000000000000000000001'), 65);
      assert.equal(lookup(path, '00000000000000008000000000000001'), 64);
      assert.equal(lookup(path, '00000000000000010000000000000001'), 63);
      assert.equal(lookup(path, 'ffffffffffffffffffffffffffffffff'), 0);
    });

    test('refuses lengths over 128 and negative slots', () => {
      const path = create();
      const prefix = '20010db8000000000000000000000000';
      assert.deepEqual(
        [add(path, prefix, 129, 1), add(path, prefix, 255, 1), add(path, prefix, 64, -1), remove(path, prefix, 129)],
        [false, false, false, false],
      );
      assert.equal(lookup(path, prefix), -1);
    });

    test('has no route for what is not a whole IPv6 header', () => {
      const path = create();
      add(path, '00000000000000000000000000000000', 0, 7);
      path.view.setUint8(path.scratchAt, 0x60);
      for (let length = 0; length < 40; length += 1) assert.equal(path.routeLookup(path.scratchAt, length), -1);
      assert.equal(path.routeLookup(path.scratchAt, 40), 7);
      path.view.setUint8(path.scratchAt, 0x50);
      assert.equal(path.routeLookup(path.scratchAt, 40), -1);
      path.view.setUint8(path.scratchAt, 0x45);
      assert.equal(path.routeLookup(path.scratchAt, 40), -1, 'an IPv4 packet does not take an IPv6 route');
    });

    test('holds 98304 prefixes, refuses one more, and takes it when another has gone', () => {
      const path = create();
      for (let index = 0; index < CAPACITY; index += 1) assert.equal(addNumbered(path, index), true);
      assert.equal(addNumbered(path, CAPACITY), false);
      assert.equal(addNumbered(path, 5), true, 'a prefix that it has can still be replaced');
      for (let index = 0; index < CAPACITY; index += 2) {
        writeNumbered(path, index, path.scratchAt);
        assert.equal(path.route6Remove(path.scratchAt, 64), true);
      }
      assert.equal(addNumbered(path, CAPACITY), true);
      path.view.setUint8(path.scratchAt + 100, 0x60);
      for (let index = 0; index <= CAPACITY; index += 1) {
        writeNumbered(path, index, path.scratchAt + 124);
        assert.equal(path.routeLookup(path.scratchAt + 100, 40), index % 2 === 1 || index === CAPACITY ? index : -1);
      }
    });

    test('behaves as a list whatever is added and removed', () => {
      const path = create();
      const address = fc
        .array(fc.nat(3), { minLength: 4, maxLength: 4 })
        .map(([a, b, c, d]) =>
          [a, b, c, d].map(word => (((word ?? 0) << 30) >>> 0).toString(16).padStart(8, '0')).join(''),
        );
      const step = fc.record({
        address,
        length: fc.constantFrom(0, 1, 33, 48, 64, 66, 128),
        slot: fc.nat(1000),
        add: fc.boolean(),
      });
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40 }), fc.array(address, { maxLength: 10 }), (steps, asked) => {
          const model = new Map<string, { length: number; slot: number }>();
          for (const { address, length, slot, add: isAdd } of steps) {
            const bits = bitsOf(address).slice(0, length);
            if (isAdd) {
              assert.equal(add(path, address, length, slot), true);
              model.set(bits, { length, slot });
            } else {
              assert.equal(remove(path, address, length), model.delete(bits));
            }
          }
          for (const address of asked) {
            const matching = [...model].filter(([bits]) => bitsOf(address).startsWith(bits));
            const best = matching.toSorted(([, a], [, b]) => b.length - a.length)[0];
            assert.equal(lookup(path, address), best?.[1].slot ?? -1);
          }
          for (const [bits, { length }] of model) {
            const address = BigInt(`0b${bits.padEnd(128, '0')}`)
              .toString(16)
              .padStart(32, '0');
            assert.equal(remove(path, address, length), true);
          }
        }),
        { numRuns: 200 },
      );
    });
  });
}

function add(path: PacketPath, address: string, prefixLength: number, slot: number): boolean {
  path.memory.set(Buffer.from(address, 'hex'), path.scratchAt);
  return path.route6Add(path.scratchAt, prefixLength, slot);
}

function remove(path: PacketPath, address: string, prefixLength: number): boolean {
  path.memory.set(Buffer.from(address, 'hex'), path.scratchAt);
  return path.route6Remove(path.scratchAt, prefixLength);
}

function lookup(path: PacketPath, address: string): number {
  path.view.setUint8(path.scratchAt, 0x60);
  path.memory.set(Buffer.from(address, 'hex'), path.scratchAt + 24);
  return path.routeLookup(path.scratchAt, 40);
}

/** The /64 that a pool would hand out as its `index`-th, and its slot. */
function addNumbered(path: PacketPath, index: number): boolean {
  writeNumbered(path, index, path.scratchAt);
  return path.route6Add(path.scratchAt, 64, index);
}

function writeNumbered(path: PacketPath, index: number, at: number): void {
  path.view.setUint32(at, 0x2001_0db8);
  path.view.setUint32(at + 4, index);
  path.view.setUint32(at + 8, 0);
  path.view.setUint32(at + 12, 0);
}

function bitsOf(address: string): string {
  return BigInt(`0x${address}`).toString(2).padStart(128, '0');
}
