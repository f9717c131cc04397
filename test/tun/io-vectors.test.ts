import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { vectorBase, vectorLength, vectorsLieInside } from '../../src/tun/io-vectors.ts';

/** An address above 4 GiB, as heaps have. */
const BASE = 0x7f12_3456_7000;
const MEMORY = 4096;

describe('vectorsLieInside', () => {
  const inside: readonly (readonly [number, number])[] = [
    [0, MEMORY],
    [MEMORY - 1, 1],
    [MEMORY, 0],
    [100, 0],
  ];
  for (const [at, length] of inside) {
    test(`takes ${length} bytes at ${at} of ${MEMORY}`, () => {
      assert.equal(vectorsLieInside(memoryWith([BASE + at, length]), BASE, 0, 1), true);
    });
  }

  const outside: readonly (readonly [number, number])[] = [
    [-1, 2],
    [MEMORY - 1, 2],
    [0, MEMORY + 1],
    [0, 2 ** 32],
    [2 ** 32, 1],
    [-(2 ** 32), 1],
    [-BASE, 1],
  ];
  for (const [at, length] of outside) {
    test(`refuses ${length} bytes at ${at} of ${MEMORY}`, () => {
      assert.equal(vectorsLieInside(memoryWith([BASE + at, length]), BASE, 0, 1), false);
      assert.equal(vectorsLieInside(memoryWith([BASE, 1], [BASE + at, length]), BASE, 0, 2), false, 'as the second');
    });
  }

  test('looks at the vectors that it is told of, no others', () => {
    const view = memoryWith([0, 1], [BASE, 1], [0, 1]);
    assert.equal(vectorsLieInside(view, BASE, 16, 1), true);
    assert.equal(vectorsLieInside(view, BASE, 16, 2), false);
    assert.equal(vectorsLieInside(view, BASE, 0, 1), false);
  });

  test('refuses vectors that lie outside themselves, and more than writev takes', () => {
    const view = memoryWith([BASE, 1]);
    assert.equal(vectorsLieInside(view, BASE, MEMORY - 15, 1), false);
    assert.equal(vectorsLieInside(view, BASE, -16, 1), false);
    const large = new DataView(new ArrayBuffer(1 << 20));
    assert.equal(vectorsLieInside(large, 0, 0, 1024), true);
    assert.equal(vectorsLieInside(large, 0, 0, 1025), false);
  });
});

test('a vector is read as the kernel reads it', () => {
  const view = memoryWith([BASE + 0x89, 0x1_0000_0002]);
  assert.equal(vectorBase(view, 0), BASE + 0x89);
  assert.equal(vectorLength(view, 0), 0x1_0000_0002);
});

function memoryWith(...vectors: readonly (readonly [number, number])[]): DataView {
  const memory = new BigUint64Array(MEMORY / 8);
  for (const [index, [base, length]] of vectors.entries()) {
    memory[index * 2] = BigInt.asUintN(64, BigInt(base));
    memory[index * 2 + 1] = BigInt(length);
  }
  return new DataView(memory.buffer);
}
