import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  type CapturedFrame,
  Direction,
  emitFrame,
  encodeInterface,
  encodeSectionHeader,
  encodeStatistics,
  frameBlockLength,
  parseStatistics,
} from '../../src/wire/pcapng.ts';
import { ascii, counting, hex } from './hex.ts';
import { readPcapng } from './pcapng-file.ts';

/** 2026-06-01 00:00:00.000001 UTC. */
const TIME = 1_780_272_000_000_001;
const STATISTICS = { start: TIME, end: TIME + 2 ** 33, received: 7, dropped: 2, comment: 'ended: seconds' };
const HEAD = [encodeSectionHeader('sstp-gateway 0.1.0', 'a session'), encodeInterface('sstp 1', 0)];

describe('pcapng blocks', () => {
  // draft-ietf-opsawg-pcapng 4.1, 4.2, 4.3 and 4.6, field by field; options of 3.5.
  test('a section header has magic, version, unknown length and its options', () => {
    const block = encodeSectionHeader('gw', 'note');
    const options = '04000200 67770000 01000400 6e6f7465 00000000';
    assert.deepEqual(block, hex(`0a0d0d0a 30000000 4d3c2b1a 0100 0000 ffffffffffffffff ${options} 30000000`));
  });

  test('an interface is PPP with direction, its snap length counts the direction too', () => {
    const options = '02000300 69663000 09000100 06000000 00000000';
    assert.deepEqual(encodeInterface('if0', 0), hex(`01000000 28000000 cc00 0000 00000000 ${options} 28000000`));
    assert.equal(readPcapng(Buffer.concat([HEAD[0]!, encodeInterface('if0', 64)])).snapLength, 65);
  });

  test('a frame has time, lengths, the direction in front of it and in its flags', () => {
    const frame = { ...whole(hex('ff03c0210901000801020304')), direction: Direction.Outbound };
    const header = `06000000 3c000000 00000000 ${timeText(TIME)} 0d000000 0d000000`;
    const data = '01 ff03c0210901000801020304 000000';
    assert.deepEqual(emitted(frame), hex(`${header} ${data} 02000400 02000000 00000000 3c000000`));
  });

  test('statistics have the time of their own, start and end, and counts of 64 bits', () => {
    const { start, end } = STATISTICS;
    const times = `02000800 ${timeText(start)} 03000800 ${timeText(end)}`;
    const counts = '04000800 0700000000000000 05000800 0200000000000000';
    const options = `${times} ${counts} 01000e00 656e6465643a207365636f6e6473 0000 00000000`;
    assert.deepEqual(
      encodeStatistics(STATISTICS),
      hex(`05000000 60000000 00000000 ${timeText(end)} ${options} 60000000`),
    );
  });
});

describe('frames in a file', () => {
  test('of every length, with and without a comment, are read back as they were', () => {
    const frames = Array.from({ length: 40 }, (_, length) => {
      const frame = {
        ...whole(counting(length % 20)),
        direction: length % 3 === 0 ? Direction.Outbound : Direction.Inbound,
      };
      return length < 20 ? frame : { ...frame, comment: ascii('x'.repeat(length)) };
    });
    const file = readPcapng(Buffer.concat([...HEAD, ...frames.map(emitted), encodeStatistics(STATISTICS)]));
    assert.equal(file.linkType, 204);
    assert.deepEqual(
      [file.application, file.comment, file.interfaceName],
      ['sstp-gateway 0.1.0', 'a session', 'sstp 1'],
    );
    assert.deepEqual(file.statistics, STATISTICS);
    assert.deepEqual(
      file.frames.map(frame => ({ ...frame, bytes: frame.bytes.toString('hex') })),
      frames.map(({ bytes, direction, comment }) => ({
        time: TIME,
        direction: direction === Direction.Outbound ? 'sent' : 'received',
        flags: direction,
        bytes: Buffer.from(bytes).toString('hex'),
        originalLength: bytes.length,
        comment: comment === undefined ? undefined : Buffer.from(comment).toString(),
      })),
    );
  });

  test('are cut and blanked, and say how long they were', () => {
    assert.equal(cut(8, 8), '0102030405060708');
    assert.equal(cut(3, 8), '010203');
    assert.equal(cut(8, 3), '0102030000000000');
    assert.equal(cut(5, 3), '0102030000');
    assert.equal(cut(3, 5), '010203');
    assert.equal(cut(0, 0), '');
  });

  test('go where they are put in a buffer that held something else, and not beyond', () => {
    const frame = whole(hex('21 45'));
    const length = frameBlockLength(frame);
    const buffer = new Uint8Array(length + 8).fill(0xee);
    assert.equal(emitFrame(new DataView(buffer.buffer), 4, frame), 4 + length);
    assert.deepEqual(
      buffer,
      Uint8Array.of(...Array<number>(4).fill(0xee), ...emitted(frame), ...Array<number>(4).fill(0xee)),
    );
    assert.throws(() => emitFrame(new DataView(new ArrayBuffer(length - 1)), 0, frame), RangeError);
  });
});

describe('the statistics at the end of a file', () => {
  const file = Buffer.concat([...HEAD, emitted(whole(counting(100))), encodeStatistics(STATISTICS)]);
  const { start: _, end: __, ...counts } = STATISTICS;

  test('are found behind anything', () => {
    assert.deepEqual(parseStatistics(file), counts);
    assert.deepEqual(parseStatistics(file.subarray(file.length - 100)), counts);
  });

  test('are not taken from a file that was broken off', () => {
    for (let length = 0; length < file.length; length++) {
      assert.equal(parseStatistics(file.subarray(0, length)), undefined, `${length} bytes`);
    }
  });

  test('are never an exception, whatever the bytes are', () => {
    const block = encodeStatistics(STATISTICS);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(block.length - 1), fc.nat(255)), { maxLength: 4 }), changes => {
        const bytes = block.slice();
        for (const [at, value] of changes) bytes[at] = value;
        parseStatistics(bytes);
      }),
      { interruptAfterTimeLimit: 5_000 },
    );
  });
});

function whole(bytes: Uint8Array): CapturedFrame {
  const { length } = bytes;
  return { time: TIME, direction: Direction.Inbound, bytes, kept: length, shown: length, comment: undefined };
}

/** What is read of a frame of eight bytes. */
function cut(kept: number, shown: number): string {
  const frame = emitted({ ...whole(hex('0102030405060708')), kept, shown });
  const [read] = readPcapng(Buffer.concat([...HEAD, frame])).frames;
  assert.equal(read?.originalLength, 8);
  return read.bytes.toString('hex');
}

function emitted(frame: CapturedFrame): Uint8Array {
  const bytes = new Uint8Array(frameBlockLength(frame));
  assert.equal(emitFrame(new DataView(bytes.buffer), 0, frame), bytes.length);
  return bytes;
}

/** Both halves little-endian, the upper one first. */
function timeText(microseconds: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(Number(BigInt(microseconds) >> 32n), 0);
  bytes.writeUInt32LE(Number(BigInt(microseconds) & 0xffff_ffffn), 4);
  return bytes.toString('hex');
}
