import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HotpathTwin } from '../../src/hotpath/hotpath-twin.ts';
import { Hotpath, loadHotpath } from '../../src/hotpath/hotpath.ts';
import { ENTRY_AT, ENTRY_BYTES, ENTRY_LENGTH, PathError } from '../../src/hotpath/packet-path.ts';
import { InputArena } from '../../src/hotpath/input-arena.ts';
import type { PacketPath } from '../../src/hotpath/packet-path.ts';
import { StreamCutter } from '../../src/hotpath/stream-cutter.ts';

const paths: [string, PacketPath][] = [
  ['release', new Hotpath(await loadHotpath('release'))],
  ['debug', new Hotpath(await loadHotpath('debug'))],
  ['twin', new HotpathTwin()],
];

for (const [name, path] of paths) {
  test(`${name}: a stream split at every byte boundary gives the same packets`, () => {
    const stream = concat([dataPacket(1), dataPacket(300), echoRequest(), dataPacket(4000), dataPacket(2)]);
    const whole = cut(path, [stream]);
    assert.equal(whole.packets.length, 5);
    for (let split = 1; split < stream.length; split++) {
      const halves = cut(path, [stream.subarray(0, split), stream.subarray(split)]);
      assert.deepEqual(halves, whole, `split at ${split}`);
    }
  });

  test(`${name}: a stream that arrives byte by byte gives the same packets`, () => {
    const stream = concat([dataPacket(20), echoRequest(), dataPacket(90)]);
    const bytes = Array.from(stream, (_, index) => stream.subarray(index, index + 1));
    assert.deepEqual(cut(path, bytes), cut(path, [stream]));
  });

  test(`${name}: a chunk larger than the input region is cut in pieces`, () => {
    const packets = Array.from({ length: 300 }, (_, index) => dataPacket(3000 + index));
    const stream = concat(packets);
    assert.ok(stream.length > path.inputLength);
    const result = cut(path, [stream]);
    assert.equal(result.failure, 0);
    assert.equal(result.packets.length, packets.length);
  });

  test(`${name}: more packets than the table holds are all handled`, () => {
    const stream = concat(Array.from({ length: 9000 }, () => echoRequest()));
    assert.equal(cut(path, [stream]).packets.length, 9000);
  });

  test(`${name}: packets in front of a malformed header are handled, then the failure shows`, () => {
    const stream = concat([dataPacket(10), Uint8Array.of(0x20, 0, 0, 8, 0, 0, 0, 0)]);
    for (let split = 1; split < stream.length - 8; split++) {
      const result = cut(path, [stream.subarray(0, split), stream.subarray(split)]);
      assert.equal(result.packets.length, 1);
      assert.equal(result.failure, PathError.Version);
    }
  });

  test(`${name}: a sink that says stop hears nothing more of the chunk`, () => {
    let calls = 0;
    const cutter = new StreamCutter(path);
    const failure = cutter.push(concat(Array.from({ length: 9000 }, () => echoRequest())), () => {
      calls++;
      return false;
    });
    assert.equal(failure, 0);
    assert.equal(calls, 1);
  });

  test(`${name}: tunnels that share an arena do not disturb each other's incomplete packets`, () => {
    const arena = new InputArena(path);
    const streams = [0, 1, 2].map(tunnel => Array.from({ length: 30 }, (_, index) => dataPacket(50 * tunnel + index)));
    const found: string[][] = streams.map(() => []);
    const cutters = streams.map(() => new StreamCutter(path, arena));
    const bytes = streams.map(concat);
    for (let offset = 0; offset < Math.max(...bytes.map(({ length }) => length)); offset += 37) {
      for (const [tunnel, stream] of bytes.entries()) {
        cutters[tunnel]!.push(stream.subarray(offset, offset + 37), entries => {
          found[tunnel]!.push(...readPackets(path, entries));
          return true;
        });
      }
    }
    assert.deepEqual(
      found,
      streams.map(packets => packets.map(packet => hex(packet.subarray(8)))),
    );
  });

  test(`${name}: packets that are held stay where they are until the arena is full`, () => {
    const held: { at: number; bytes: string }[] = [];
    let rounds = 0;
    const intact = (): boolean =>
      held.every(({ at, bytes }) => hex(path.memory.subarray(at, at + bytes.length / 2)) === bytes);
    const arena = new InputArena(path, () => {
      assert.ok(intact());
      held.length = 0;
      rounds += 1;
    });
    const cutters = [new StreamCutter(path, arena), new StreamCutter(path, arena)];
    const chunk = concat(Array.from({ length: 20 }, (_, index) => dataPacket(700 + index)));
    const pushes = Math.ceil((3.5 * path.inputLength) / chunk.length);
    for (let push = 0; push < pushes; push += 1) {
      // Cut in the middle of a packet, so that rests are moved too.
      const stream = push < 2 ? chunk.subarray(0, -300) : concat([chunk.subarray(-300), chunk.subarray(0, -300)]);
      cutters[push % 2]!.push(stream, entries => {
        arena.hold();
        for (const [index, bytes] of readPackets(path, entries).entries()) {
          held.push({ at: path.view.getUint32(path.tableAt + index * ENTRY_LENGTH + ENTRY_AT, true), bytes });
        }
        return true;
      });
      assert.ok(intact());
    }
    assert.equal(rounds, 3);
  });

  test(`${name}: while nothing is held, each chunk lands at the start of the arena`, () => {
    const arena = new InputArena(path, () => assert.fail('the arena cannot be full'));
    const cutter = new StreamCutter(path, arena);
    for (let push = 0; push < 100; push += 1) {
      cutter.push(dataPacket(3000), () => {
        assert.equal(path.view.getUint32(path.tableAt + ENTRY_AT, true), path.inputAt + 8);
        arena.hold();
        arena.release();
        return true;
      });
    }
  });
}

function cut(path: PacketPath, chunks: Uint8Array[]): { packets: string[]; failure: number } {
  const cutter = new StreamCutter(path);
  const packets: string[] = [];
  for (const chunk of chunks) {
    const failure = cutter.push(chunk, entries => {
      packets.push(...readPackets(path, entries));
      return true;
    });
    if (failure < 0) return { packets, failure };
  }
  return { packets, failure: 0 };
}

/** The packets in the table, in hexadecimal digits. */
function readPackets(path: PacketPath, entries: number): string[] {
  return Array.from({ length: entries }, (_, index) => {
    const row = path.tableAt + index * ENTRY_LENGTH;
    const at = path.view.getUint32(row + ENTRY_AT, true);
    return hex(path.memory.subarray(at, at + path.view.getUint16(row + ENTRY_BYTES, true)));
  });
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function dataPacket(length: number): Uint8Array {
  const packet = new Uint8Array(8 + length);
  packet.set([0x10, 0x00, (packet.length >> 8) & 0x0f, packet.length & 0xff, 0xff, 0x03, 0xc0, 0x21]);
  for (let index = 0; index < length; index++) packet[8 + index] = (index * 7 + length) & 0xff;
  return packet;
}

function echoRequest(): Uint8Array {
  return Uint8Array.of(0x10, 0x01, 0, 8, 0, 8, 0, 0);
}

function concat(parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
