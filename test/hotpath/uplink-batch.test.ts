import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GATHER_PACKETS, VECTOR_LENGTH } from '../../src/hotpath/coalescing.ts';
import type { PacketPath } from '../../src/hotpath/packet-path.ts';
import { StreamCutter } from '../../src/hotpath/stream-cutter.ts';
import { COUNTER_ROW_LENGTH, COUNTER_RX_BYTES, COUNTER_RX_PACKETS } from '../../src/hotpath/tunnel-counters.ts';
import { UplinkBatch } from '../../src/hotpath/uplink-batch.ts';
import { data, tcpPacket, udpPacket } from './flow-packets.ts';
import { implementations } from './implementations.ts';
import { concat, sstpControl, sstpData } from './packets.ts';

const BASE = 0x7fff_1234_5000;
const SLOT = 7;

for (const { name, create } of implementations) {
  describe(`uplink batch, ${name}`, () => {
    const path = create();

    test('joins the packets of several chunks and tunnels of one turn', () => {
      const { tunnel, written, endTurn } = start(path);
      const [one, other] = [tunnel(), tunnel()];
      const [first, second] = [stream(1, 0, 20), stream(2, 0, 20)];
      for (let offset = 0; offset < Math.max(first.length, second.length); offset += 777) {
        one(first.subarray(offset, offset + 777));
        other(second.subarray(offset, offset + 777));
      }
      assert.deepEqual(written, []);
      endTurn();
      assert.deepEqual(
        written.map(({ packets }) => packets),
        [20, 20],
      );
      assert.deepEqual(
        written.map(({ payload }) => payload),
        [payloadOf(0, 20), payloadOf(0, 20)],
      );
    });

    test('asks for the end of the turn once a turn, and only when there is something to write', () => {
      const { tunnel, written, endTurn, turns, counted } = start(path);
      const receive = tunnel();
      receive(sstpControl(Uint8Array.of(0, 8, 0, 0)));
      assert.equal(turns(), 0);
      receive(stream(1, 0, 2));
      receive(stream(1, 2, 2));
      assert.equal(turns(), 1);
      endTurn();
      assert.equal(written.length, 1);
      receive(stream(1, 4, 1));
      assert.equal(turns(), 2);
      endTurn();
      assert.deepEqual(
        written.map(({ packets }) => packets),
        [4, 1],
      );
      assert.equal(counted(), written.length);
    });

    test('writes at once when the arena is full, and loses nothing', () => {
      const { tunnel, written, endTurn } = start(path);
      const receive = tunnel();
      const count = Math.ceil((2.5 * path.inputLength) / 1408);
      for (let sent = 0; sent < count; sent += 10) receive(stream(1, sent, 10, 1360));
      assert.ok(written.length > 0);
      endTurn();
      assert.deepEqual(
        concat(...written.map(({ payload }) => payload)),
        payloadOf(0, Math.ceil(count / 10) * 10, 1360),
      );
    });

    test('writes at once when a round of coalescing is full, and goes on with the same chunk', () => {
      const { tunnel, written, endTurn } = start(path);
      const receive = tunnel();
      const count = GATHER_PACKETS + 1000;
      for (let sent = 0; sent < count; sent += 8) {
        receive(concat(...Array.from({ length: 8 }, (_, index) => framed(udpPacket({ sourcePort: sent + index })))));
      }
      assert.equal(written.length, GATHER_PACKETS);
      endTurn();
      assert.equal(written.length, count);
    });

    test('writes every packet on its own to a device without offloads', () => {
      const { tunnel, written, endTurn } = start(path, { tcp: false, udp: false });
      tunnel()(stream(1, 0, 5));
      endTurn();
      assert.deepEqual(
        written.map(({ packets }) => packets),
        [1, 1, 1, 1, 1],
      );
      assert.deepEqual(concat(...written.map(({ payload }) => payload)), payloadOf(0, 5));
    });

    test('tells how many packets the device refused', () => {
      const { tunnel, endTurn, refused } = start(path, { tcp: true, udp: true }, false);
      tunnel()(concat(stream(1, 0, 3), stream(2, 0, 4)));
      endTurn();
      assert.equal(refused(), 7);
    });

    test('says how many packets it has taken of a table, and counts them for the tunnel', () => {
      path.countersClear(SLOT);
      const taken: number[] = [];
      const { tunnel } = start(path, { tcp: true, udp: true }, true, taken);
      tunnel()(concat(stream(1, 0, 3), sstpControl(Uint8Array.of(0, 8, 0, 0)), sstpData(Uint8Array.of(0xff, 3))));
      assert.deepEqual(taken, [3]);
      const row = path.countersAt + SLOT * COUNTER_ROW_LENGTH;
      assert.equal(path.view.getFloat64(row + COUNTER_RX_PACKETS, true), 3);
      assert.equal(path.view.getFloat64(row + COUNTER_RX_BYTES, true), 3 * 140);
    });
  });
}

interface Written {
  readonly packets: number;
  readonly payload: Uint8Array;
}

/** A batch in front of a device that keeps what it is given. */
function start(path: PacketPath, offloads = { tcp: true, udp: true }, accepts = true, taken: number[] = []) {
  const written: Written[] = [];
  let scheduled: (() => void) | undefined;
  let turns = 0;
  let refused = 0;
  let counted = 0;
  path.gatherReset();
  const writeVectors = (vectorsAt: number, count: number): boolean => {
    const pieces = Array.from({ length: count }, (_, index) => {
      const vector = vectorsAt + index * VECTOR_LENGTH;
      const at = Number(path.view.getBigUint64(vector, true)) - BASE;
      return path.memory.slice(at, at + Number(path.view.getBigUint64(vector + 8, true)));
    });
    written.push({ packets: count - 1, payload: concat(pieces[1]!.subarray(40), ...pieces.slice(2)) });
    return accepts;
  };
  const batch = new UplinkBatch(
    path,
    { offloads, memoryBase: BASE, writeVectors },
    {
      atEndOfTurn: flush => {
        assert.equal(scheduled, undefined);
        scheduled = flush;
        turns += 1;
      },
      wrote: calls => (counted += calls),
      refused: packets => (refused += packets),
    },
  );
  return {
    written,
    turns: () => turns,
    refused: () => refused,
    counted: () => counted,
    endTurn: () => {
      const flush = scheduled;
      scheduled = undefined;
      flush?.();
    },
    tunnel: () => {
      const cutter = new StreamCutter(path, batch.arena);
      return (chunk: Uint8Array): void => {
        const failure = cutter.push(chunk, entries => {
          path.admit(entries, 0, 0, 0);
          taken.push(batch.add(entries, 0, SLOT));
          return true;
        });
        assert.equal(failure, 0);
      };
    },
  };
}

/** Framed segments [from, from + count) of a connection of the client `source`. */
function stream(source: number, from: number, count: number, size = 100): Uint8Array {
  return concat(
    ...Array.from({ length: count }, (_, index) =>
      framed(
        tcpPacket({
          source,
          sequence: (from + index) * size,
          identification: from + index,
          payload: data(size, from + index),
        }),
      ),
    ),
  );
}

function payloadOf(from: number, count: number, size = 100): Uint8Array {
  return concat(...Array.from({ length: count }, (_, index) => data(size, from + index)));
}

function framed(packet: Uint8Array): Uint8Array {
  return sstpData(concat(Uint8Array.of(0xff, 0x03, 0x00, 0x21), packet));
}
