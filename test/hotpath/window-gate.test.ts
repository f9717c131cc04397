import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WindowGate } from '../../src/hotpath/window-gate.ts';

const LEAST = 4096;
const MOST = 69_632;
const MUCH = 100_000;

test('bulk alone is not held back, and the window not measured', () => {
  const { gate } = setUp(() => assert.fail('measured'));
  assert.equal(gate.room(MUCH, MOST, 0), MOST);
  assert.deepEqual([gate.isShut, gate.opensAt], [false, Number.POSITIVE_INFINITY]);
});

test('after a sparse packet there is room as the window has it, for ten seconds', () => {
  const { gate } = setUp(() => 20_000);
  gate.sawSparse(1000);
  assert.equal(gate.room(MUCH, MOST, 1000), 20_000);
  assert.equal(gate.room(MUCH, 10_000, 1000), 10_000);
  assert.equal(gate.room(MUCH, MOST, 11_000), 20_000);
  assert.equal(gate.room(MUCH, MOST, 11_001), MOST);
});

test('a few packets go without a measurement, but not one few after the other', () => {
  const { gate, window } = setUp(() => 20_000);
  gate.sawSparse(0);
  for (const bytes of [1500, 1500]) {
    assert.equal(gate.room(bytes, MOST, 0), MOST);
    gate.sent(bytes);
  }
  assert.equal(window.measured, 0);
  assert.equal(gate.room(1500, MOST, 0), 20_000);
  assert.equal(window.measured, 1);
});

test('room for less than a packet is none; it is asked again when the window says, and not before', () => {
  let room = LEAST - 1;
  const { gate, window } = setUp(() => room);
  gate.sawSparse(1000);
  assert.equal(gate.room(MUCH, MOST, 1000), 0);
  assert.deepEqual([gate.isShut, gate.opensAt], [true, 1002]);
  room = MUCH;
  assert.equal(gate.room(MUCH, MOST, 1001.9), 0);
  assert.equal(window.measured, 1);
  assert.equal(gate.room(MUCH, MOST, 1002), MOST);
  assert.deepEqual([gate.isShut, gate.opensAt], [false, Number.POSITIVE_INFINITY]);
});

test('a gate that was shut opens when sparse packets have not been seen for long', () => {
  const { gate } = setUp(() => 0);
  gate.sawSparse(0);
  assert.equal(gate.room(MUCH, MOST, 9999), 0);
  assert.equal(gate.room(MUCH, MOST, 10_001), MOST);
  assert.deepEqual([gate.isShut, gate.opensAt], [false, Number.POSITIVE_INFINITY]);
});

test('without a window nothing is held back', () => {
  const gate = new WindowGate(undefined, LEAST);
  gate.sawSparse(0);
  assert.equal(gate.room(MUCH, MOST, 0), MOST);
});

function setUp(measure: () => number) {
  const window = {
    measured: 0,
    measure: () => {
      window.measured++;
      return measure();
    },
    waitMs: 2,
  };
  return { gate: new WindowGate(window, LEAST), window };
}
