import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HotpathTwin } from '../../src/hotpath/hotpath-twin.ts';
import { Hotpath, loadHotpath } from '../../src/hotpath/hotpath.ts';
import { ENTRY_AT, ENTRY_BYTES, ENTRY_LENGTH, PathError } from '../../src/hotpath/packet-path.ts';
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
    const packets = Array.from({ length: 200 }, (_, index) => dataPacket(1000 + index));
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
}

function cut(path: PacketPath, chunks: Uint8Array[]): { packets: string[]; failure: number } {
  const cutter = new StreamCutter(path);
  const packets: string[] = [];
  for (const chunk of chunks) {
    const failure = cutter.push(chunk, entries => {
      for (let row = path.tableAt; row < path.tableAt + entries * ENTRY_LENGTH; row += ENTRY_LENGTH) {
        const at = path.view.getUint32(row + ENTRY_AT, true);
        const length = path.view.getUint16(row + ENTRY_BYTES, true);
        packets.push(Buffer.from(path.memory.subarray(at, at + length)).toString('hex'));
      }
      return true;
    });
    if (failure < 0) return { packets, failure };
  }
  return { packets, failure: 0 };
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
