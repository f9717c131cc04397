import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { implementations } from './implementations.ts';
import { onesComplementSum } from './packets.ts';

for (const { name, create } of implementations) {
  describe(`checksum, ${name}`, () => {
    const path = create();
    const at = path.scratchAt;

    test('agrees with the definition for every length from 0 to 1600', () => {
      const bytes = noise(1600);
      path.memory.set(bytes, at);
      for (let length = 0; length <= bytes.length; length += 1) {
        assert.equal(path.checksum(at, length, 0), onesComplementSum(bytes.subarray(0, length)), `length ${length}`);
      }
    });

    test('agrees with the definition at every alignment', () => {
      const bytes = noise(600);
      for (let alignment = 0; alignment < 64; alignment += 1) {
        path.memory.fill(0xff, at, at + 1024);
        path.memory.set(bytes, at + alignment);
        for (const length of [1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 599, 600]) {
          const expected = onesComplementSum(bytes.subarray(0, length));
          assert.equal(path.checksum(at + alignment, length, 0), expected, `alignment ${alignment}, length ${length}`);
        }
      }
    });

    test('starts from any 32-bit sum', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(63), fc.nat(0xffff_ffff), (bytes, alignment, initial) => {
          path.memory.set(bytes, at + alignment);
          assert.equal(path.checksum(at + alignment, bytes.length, initial), onesComplementSum(bytes, initial));
        }),
      );
    });

    test('sums in parts as it does in one', () => {
      const bytes = noise(1500);
      path.memory.set(bytes, at);
      for (let half = 0; half <= bytes.length; half += 2) {
        const first = path.checksum(at, half, 0);
        assert.equal(path.checksum(at + half, bytes.length - half, first), onesComplementSum(bytes));
      }
    });

    test('does not overflow on the largest bytes, 1.5 MB of them', () => {
      const length = 1_500_001;
      path.memory.fill(0xff, path.transmitAt, path.transmitAt + length);
      assert.equal(path.checksum(path.transmitAt, length - 1, 0), 0xffff);
      assert.equal(path.checksum(path.transmitAt, length, 0), 0xff00);
      assert.equal(path.checksum(path.transmitAt, length - 1, 0xffff_ffff), 0xffff);
    });

    test('is 0 for zeros only', () => {
      path.memory.fill(0, at, at + 100);
      assert.equal(path.checksum(at, 100, 0), 0);
      path.memory.set([0x12, 0x34, 0xed, 0xcb], at + 40);
      assert.equal(path.checksum(at, 100, 0), 0xffff);
    });

    test('confirms the header of RFC 1071, section 3', () => {
      path.memory.set([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7], at);
      assert.equal(path.checksum(at, 8, 0), 0xddf2);
    });
  });
}

/** Reproducible bytes in which carries are frequent. */
function noise(length: number): Uint8Array {
  let state = 0x2545_f491;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 24) | ((state >>> 16) & 0x81);
  });
}
