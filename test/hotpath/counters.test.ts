import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GATHER_PACKETS } from '../../src/hotpath/coalescing.ts';
import type { PacketPath } from '../../src/hotpath/packet-path.ts';
import {
  COUNTER_DROPS,
  COUNTER_ROW_LENGTH,
  COUNTER_RX_BYTES,
  COUNTER_RX_PACKETS,
  COUNTER_TX_BYTES,
  COUNTER_TX_PACKETS,
} from '../../src/hotpath/tunnel-counters.ts';
import { changedRanges, implementations, writeEntry } from './implementations.ts';

const NOTHING = { rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0, drops: 0 };

for (const { name, create } of implementations) {
  describe(`tunnel counters, ${name}`, () => {
    test('count for each tunnel by itself', () => {
      const path = create();
      path.countSent(1, 3, 4200);
      path.countSent(1, 1, 60);
      path.countSent(1, -1, -1400);
      path.countDropped(1, 2);
      path.countSent(path.counterSlots - 1, 1, 1);
      assert.deepEqual(row(path, 1), { ...NOTHING, txPackets: 3, txBytes: 2860, drops: 2 });
      assert.deepEqual(row(path, 2), NOTHING);
      assert.deepEqual(row(path, path.counterSlots - 1), { ...NOTHING, txPackets: 1, txBytes: 1 });
    });

    test('count what is gathered, also when the round is full in between, and nothing else', () => {
      const path = create();
      const packets = GATHER_PACKETS + 10;
      for (let index = 0; index < packets; index++) {
        writeEntry(path, index, path.inputAt, 20, index === 5 ? 0 : index % 2 === 0 ? 0x0021 : 0x0057);
      }
      path.gather(packets, 0, 9);
      path.gatherEnd();
      path.gatherReset();
      path.gather(packets, path.gathered(), 9);
      assert.deepEqual(row(path, 9), { ...NOTHING, rxPackets: packets - 1, rxBytes: (packets - 1) * 20 });
      path.gatherReset();
    });

    test('stay exact far beyond 32 bits', () => {
      const path = create();
      for (let count = 0; count < 5; count++) path.countSent(0, 1, 0x7fff_ffff);
      assert.equal(row(path, 0).txBytes, 5 * 0x7fff_ffff);
    });

    test('list each changed slot once, until they are taken', () => {
      const path = create();
      for (const slot of [4, 9, 4, 0, 9]) path.countDropped(slot, 1);
      assert.deepEqual(changed(path), [4, 9, 0]);
      path.countersTaken();
      assert.deepEqual(changed(path), []);
      path.countSent(9, 1, 100);
      assert.deepEqual(changed(path), [9]);
    });

    test('can list every slot', () => {
      const path = create();
      for (let slot = 0; slot < path.counterSlots; slot++) path.countSent(slot, 1, 1);
      assert.equal(path.countersChanged(), path.counterSlots);
      assert.equal(changed(path).at(-1), path.counterSlots - 1);
      assert.ok(path.changedAt + path.counterSlots * 4 <= path.memory.length);
    });

    test('start again at zero when a slot is cleared', () => {
      const path = create();
      path.countSent(3, 1, 100);
      path.countDropped(3, 1);
      path.countersClear(3);
      assert.deepEqual(row(path, 3), NOTHING);
      path.countSent(3, 1, 50);
      assert.deepEqual(row(path, 3), { ...NOTHING, txPackets: 1, txBytes: 50 });
      assert.deepEqual(changed(path), [3]);
    });

    test('write nothing outside of their table for a slot that there is not', () => {
      const path = create();
      const ranges = changedRanges(path, () => {
        for (const slot of [path.counterSlots, 0x7fff_ffff]) {
          path.countSent(slot, 1, 1);
          path.countDropped(slot, 1);
          path.countersClear(slot);
          path.countSent(slot, 1, 1);
        }
      });
      const end = path.changedAt + path.counterSlots * 4;
      for (const [from, to] of ranges) assert.ok(from >= path.countersAt && to <= end, `${from} to ${to}`);
    });
  });
}

function row(path: PacketPath, slot: number): typeof NOTHING {
  const at = path.countersAt + slot * COUNTER_ROW_LENGTH;
  const cell = (offset: number): number => path.view.getFloat64(at + offset, true);
  return {
    rxBytes: cell(COUNTER_RX_BYTES),
    txBytes: cell(COUNTER_TX_BYTES),
    rxPackets: cell(COUNTER_RX_PACKETS),
    txPackets: cell(COUNTER_TX_PACKETS),
    drops: cell(COUNTER_DROPS),
  };
}

function changed(path: PacketPath): number[] {
  return Array.from({ length: path.countersChanged() }, (_, index) =>
    path.view.getUint32(path.changedAt + index * 4, true),
  );
}
