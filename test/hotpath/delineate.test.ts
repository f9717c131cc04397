import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { EntryMark, type PacketPath, PathError } from '../../src/hotpath/packet-path.ts';
import { StreamCutter } from '../../src/hotpath/stream-cutter.ts';
import { changedRanges, type Entry, implementations, readEntries } from './implementations.ts';
import { concat, sstpControl, sstpData } from './packets.ts';

const IP = Uint8Array.of(0x45, 0, 0, 20, 1, 2, 3, 4);

for (const { name, create } of implementations) {
  describe(`delineate, ${name}`, () => {
    const path = create();

    for (const { title, frame, protocol, skip } of [
      { title: 'FF 03 and two bytes of protocol', frame: [0xff, 0x03, 0x00, 0x21], protocol: 0x0021, skip: 4 },
      { title: 'FF 03 and LCP', frame: [0xff, 0x03, 0xc0, 0x21], protocol: 0xc021, skip: 4 },
      { title: 'a compressed address and control field', frame: [0x00, 0x57], protocol: 0x0057, skip: 2 },
      { title: 'LCP without FF 03', frame: [0xc0, 0x21], protocol: 0xc021, skip: 2 },
      { title: 'a compressed protocol field', frame: [0x21], protocol: 0x0021, skip: 1 },
      { title: 'FF 03 and a compressed protocol field', frame: [0xff, 0x03, 0x57], protocol: 0x0057, skip: 3 },
    ]) {
      test(`reads ${title}`, () => {
        assert.deepEqual(cut(path, sstpData(concat(Uint8Array.from(frame), IP))), {
          result: 1,
          consumed: 4 + frame.length + IP.length,
          entries: [{ at: 4 + skip, length: IP.length, protocol }],
        });
      });

      test(`reads ${title} with nothing behind it`, () => {
        assert.deepEqual(cut(path, sstpData(Uint8Array.from(frame))).entries, [{ at: 4 + skip, length: 0, protocol }]);
      });
    }

    for (const [title, payload] of [
      ['no byte at all', []],
      ['FF 03 alone', [0xff, 0x03]],
      ['half of a protocol field', [0x00]],
      ['half of a protocol field behind FF 03', [0xff, 0x03, 0xc0]],
      ['a protocol with an even low byte', [0x00, 0x20]],
      ['a protocol with an even low byte behind FF 03', [0xff, 0x03, 0x00, 0x20, 0x45, 0x00]],
      ['an address field without its control field', [0xff, 0x04, 0x00, 0x21]],
      ['FF alone', [0xff]],
      ['FF 03 twice', [0xff, 0x03, 0xff, 0x03, 0x00, 0x21]],
    ] as const) {
      test(`marks a data packet with ${title} as without PPP header`, () => {
        assert.deepEqual(cut(path, sstpData(Uint8Array.from(payload))).entries, [
          { at: 4, length: payload.length, protocol: EntryMark.NoPppHeader },
        ]);
      });
    }

    test('gives a control packet whole, with its header', () => {
      const packet = sstpControl(Uint8Array.of(0, 1, 0, 1, 0, 1, 0, 6, 0, 1));
      assert.deepEqual(cut(path, packet).entries, [{ at: 0, length: 14, protocol: EntryMark.Control }]);
    });

    test('takes a control packet of the least length, 8', () => {
      assert.deepEqual(cut(path, sstpControl(Uint8Array.of(0, 8, 0, 0))).entries, [
        { at: 0, length: 8, protocol: EntryMark.Control },
      ]);
    });

    test('ignores every reserved bit of the header', () => {
      for (let reserved = 0; reserved < 128; reserved += 1) {
        const frame = concat(Uint8Array.of(0xff, 0x03, 0x00, 0x21), IP);
        const stream = concat(sstpData(frame, reserved), sstpControl(Uint8Array.of(0, 8, 0, 0), reserved));
        assert.deepEqual(cut(path, stream).entries, [
          { at: 8, length: IP.length, protocol: 0x0021 },
          { at: 16, length: 8, protocol: EntryMark.Control },
        ]);
      }
    });

    test('takes packets of every length from 4 to 4095', () => {
      const body = new Uint8Array(4091).fill(0x5a);
      body.set([0xff, 0x03, 0x00, 0x21]);
      for (let length = 4; length <= 4095; length += 1) {
        const { result, consumed } = cut(path, sstpData(body.subarray(0, length - 4)));
        assert.deepEqual([result, consumed], [1, length]);
      }
    });

    test('waits for the rest of every incomplete packet', () => {
      const packet = sstpData(concat(Uint8Array.of(0xff, 0x03, 0x00, 0x21), IP));
      for (let length = 0; length < packet.length; length += 1) {
        assert.deepEqual(cut(path, packet.subarray(0, length)), { result: 0, consumed: 0, entries: [] });
      }
    });

    for (const [title, header, code] of [
      ['version 0', [0x00, 0, 0, 8], PathError.Version],
      ['version 1.1', [0x11, 0, 0, 8], PathError.Version],
      ['version 2.0', [0x20, 1, 0, 8], PathError.Version],
      ['an HTTP request', [0x47, 0x45, 0x54, 0x20], PathError.Version],
      ['length 0', [0x10, 0, 0, 0], PathError.Length],
      ['length 3', [0x10, 0, 0, 3], PathError.Length],
      ['length 3 and reserved bits', [0x10, 0xfe, 0xf0, 3], PathError.Length],
      ['length 0 in a control packet', [0x10, 1, 0, 0], PathError.Length],
      ['length 4 in a control packet', [0x10, 1, 0, 4], PathError.ControlLength],
      ['length 7 in a control packet', [0x10, 1, 0, 7], PathError.ControlLength],
    ] as const) {
      test(`refuses ${title}`, () => {
        const bytes = Uint8Array.from(header);
        assert.deepEqual(cut(path, bytes), { result: code, consumed: 0, entries: [] });
        assert.deepEqual(cut(path, concat(bytes, new Uint8Array(60))), { result: code, consumed: 0, entries: [] });
      });

      test(`delivers what comes in front of ${title}, then refuses`, () => {
        const good = sstpData(Uint8Array.of(0xff, 0x03, 0x00, 0x21, 0x45));
        const stream = concat(good, good, Uint8Array.from(header), good);
        const first = cut(path, stream);
        assert.deepEqual([first.result, first.consumed], [2, 2 * good.length]);
        assert.equal(path.delineate(path.inputAt + first.consumed, path.inputAt + stream.length), code);
      });
    }

    test('fills its table with a piece of 64 KiB of empty packets behind a kept rest', () => {
      const start = path.inputAt;
      const end = start + 4096 + 65_536;
      const empty = sstpData(new Uint8Array(0));
      for (let at = start; at < end; at += 4) path.memory.set(empty, at);
      assert.equal(path.delineate(start, end), (end - start) / 4);
      assert.equal(path.consumed(), end - start);
    });

    for (const [title, packet] of [
      ['empty packets', sstpData(new Uint8Array(0))],
      ['packets with a PPP header', sstpData(Uint8Array.of(0xff, 0x03, 0x00, 0x21))],
      ['control packets', sstpControl(Uint8Array.of(0, 8, 0, 0))],
    ] as const) {
      test(`stops at a table full of ${title} and goes on from there`, () => {
        const count = path.tableEntries + 5;
        const start = path.transmitAt;
        for (let index = 0; index < count; index += 1) path.memory.set(packet, start + packet.length * index);
        const end = start + packet.length * count;
        const guard = path.memory.slice(path.tunAt, path.tunAt + 64);
        assert.equal(path.delineate(start, end), path.tableEntries);
        assert.equal(path.consumed(), packet.length * path.tableEntries);
        assert.equal(path.delineate(start + path.consumed(), end), 5);
        assert.deepEqual(path.memory.slice(path.tunAt, path.tunAt + 64), guard);
      });
    }

    test('writes nothing but the entries it reports', () => {
      const stream = concat(
        sstpData(concat(Uint8Array.of(0xff, 0x03, 0x00, 0x21), IP)),
        sstpControl(Uint8Array.of(0, 8, 0, 0)),
        sstpData(Uint8Array.of(0x21, 1, 2, 3)),
        Uint8Array.of(0x10, 0, 0, 9, 0xff),
      );
      path.memory.set(stream, path.inputAt);
      path.memory.fill(0xa5, path.tableAt, path.tableAt + 64);
      const ranges = changedRanges(path, () => path.delineate(path.inputAt, path.inputAt + stream.length));
      assert.ok(ranges.length > 0);
      assert.ok(ranges.every(([from, to]) => from >= path.tableAt && to <= path.tableAt + 3 * 8));
    });

    test('does not look at bytes behind the end', () => {
      // Six bytes of data packet: the PPP header that the memory goes on with does not belong to it.
      path.memory.set([0x10, 0, 0, 6, 0xff, 0x03, 0x00, 0x21], path.inputAt);
      path.delineate(path.inputAt, path.inputAt + 6);
      assert.deepEqual(readEntries(path, 1), [{ at: 4, length: 2, protocol: EntryMark.NoPppHeader }]);
    });

    test('refuses a data packet of length 0 to 3 that looks like one with a PPP header', () => {
      for (let length = 0; length < 4; length += 1) {
        const { result } = cut(path, Uint8Array.of(0x10, 0x00, 0x00, length, 0xff, 0x03, 0x00, 0x21, 0x45));
        assert.equal(result, PathError.Length);
      }
    });

    test('takes a data packet of length 4 to 7 for what it is, whatever bytes follow', () => {
      for (let length = 4; length < 8; length += 1) {
        const { entries, consumed } = cut(path, Uint8Array.of(0x10, 0x00, 0x00, length, 0xff, 0x03, 0x00, 0x21));
        assert.deepEqual(entries[0], { at: 4, length: length - 4, protocol: EntryMark.NoPppHeader });
        assert.equal(consumed, length);
      }
    });
  });

  describe(`a stream through the cutter, ${name}`, () => {
    const path = create();

    test('gives the same packets when split at every byte boundary', () => {
      const { stream, packets } = sample();
      for (let boundary = 0; boundary <= stream.length; boundary += 1) {
        assert.deepEqual(throughCutter(path, [stream.subarray(0, boundary), stream.subarray(boundary)]), packets);
      }
    });

    test('gives the same packets when split at every two byte boundaries', () => {
      const { stream, packets } = sample();
      for (let first = 0; first <= stream.length; first += 1) {
        for (let second = first; second <= stream.length; second += 1) {
          const chunks = [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)];
          assert.deepEqual(throughCutter(path, chunks), packets);
        }
      }
    });

    test('gives the same packets byte by byte', () => {
      const { stream, packets } = sample();
      assert.deepEqual(
        throughCutter(
          path,
          Array.from(stream, byte => Uint8Array.of(byte)),
        ),
        packets,
      );
    });

    test('gives generated packets back, however they are coalesced and split', () => {
      fc.assert(
        fc.property(
          fc.array(packetArbitrary, { maxLength: 40 }),
          fc.array(fc.nat(9000), { maxLength: 20 }),
          (sent, cuts) => {
            const stream = concat(...sent.map(packet => packet.bytes));
            const expected = sent.map(({ protocol, content }) => ({ protocol, content: hex(content) }));
            assert.deepEqual(throughCutter(path, split(stream, cuts)), expected);
          },
        ),
        { numRuns: 200 },
      );
    });

    test('refuses a malformed header wherever the stream is split, after what came before it', () => {
      const { stream, packets } = sample();
      const broken = concat(stream, Uint8Array.of(0x10, 0x01, 0x00, 0x07), stream);
      for (let boundary = 0; boundary <= broken.length; boundary += 1) {
        const chunks = [broken.subarray(0, boundary), broken.subarray(boundary)];
        assert.deepEqual(throughCutter(path, chunks), [...packets, { error: PathError.ControlLength }]);
      }
    });
  });
}

test('the builds and the twin agree on random streams', () => {
  const paths = implementations.map(({ create }) => create());
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          packetArbitrary.map(({ bytes }) => bytes),
          headerArbitrary,
          noise,
        ),
      ),
      parts => {
        const stream = concat(...parts);
        const [first, ...others] = paths.map(path => cut(path, stream));
        for (const other of others) assert.deepEqual(other, first);
      },
    ),
    { numRuns: 2000 },
  );
});

/** One `delineate` over `stream` at the start of the input. */
function cut(path: PacketPath, stream: Uint8Array): { result: number; consumed: number; entries: Entry[] } {
  path.memory.set(stream, path.inputAt);
  const result = path.delineate(path.inputAt, path.inputAt + stream.length);
  return { result, consumed: path.consumed(), entries: readEntries(path, Math.max(result, 0)) };
}

type Packet = { protocol: number; content: string } | { error: number };

function throughCutter(path: PacketPath, chunks: readonly Uint8Array[]): Packet[] {
  const packets: Packet[] = [];
  const cutter = new StreamCutter(path);
  for (const chunk of chunks) {
    const result = cutter.push(chunk, entries => {
      for (const { at, length, protocol } of readEntries(path, entries, 0)) {
        packets.push({ protocol, content: hex(path.memory.subarray(at, at + length)) });
      }
      return true;
    });
    if (result < 0) return [...packets, { error: result }];
  }
  return packets;
}

function sample(): { stream: Uint8Array; packets: Packet[] } {
  const echo = sstpControl(Uint8Array.of(0, 8, 0, 0));
  const stream = concat(
    sstpData(concat(Uint8Array.of(0xff, 0x03, 0x00, 0x21), IP)),
    echo,
    sstpData(concat(Uint8Array.of(0x21), IP)),
    sstpData(new Uint8Array(0)),
    sstpData(Uint8Array.of(0xff, 0x03, 0xc0, 0x21, 1, 1, 0, 4)),
  );
  const packets = [
    { protocol: 0x0021, content: hex(IP) },
    { protocol: EntryMark.Control, content: hex(echo) },
    { protocol: 0x0021, content: hex(IP) },
    { protocol: EntryMark.NoPppHeader, content: '' },
    { protocol: 0xc021, content: '01010004' },
  ];
  return { stream, packets };
}

function split(stream: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const bounds = [0, ...cuts.filter(at => at <= stream.length).toSorted((a, b) => a - b), stream.length];
  return bounds.slice(1).map((to, index) => stream.subarray(bounds[index], to));
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

const reservedArbitrary = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(127));

/** A whole packet and what delineation is to make of it. */
const packetArbitrary = fc.oneof(
  fc
    .record({
      head: fc.constantFrom(
        { bytes: [0xff, 0x03, 0x00, 0x21], protocol: 0x0021 },
        { bytes: [0xff, 0x03, 0xc0, 0x21], protocol: 0xc021 },
        { bytes: [0xff, 0x03, 0x57], protocol: 0x0057 },
        { bytes: [0x80, 0x21], protocol: 0x8021 },
        { bytes: [0x21], protocol: 0x0021 },
      ),
      content: fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.integer({ min: 1000, max: 4087 }).map(length => new Uint8Array(length).fill(length)),
      ),
      reserved: reservedArbitrary,
    })
    .map(({ head, content, reserved }) => ({
      bytes: sstpData(concat(Uint8Array.from(head.bytes), content), reserved),
      protocol: head.protocol,
      content,
    })),
  fc.tuple(fc.uint8Array({ minLength: 4, maxLength: 120 }), reservedArbitrary).map(([body, reserved]) => {
    const bytes = sstpControl(body, reserved);
    const protocol: number = EntryMark.Control;
    return { bytes, protocol, content: bytes };
  }),
);

const headerArbitrary = fc
  .tuple(fc.constantFrom(0x10, 0x10, 0x10, 0x11, 0), fc.constantFrom(0, 1, 0xfe), fc.constantFrom(0, 0xf0), fc.nat(16))
  .map(bytes => Uint8Array.from(bytes));

const noise = fc.uint8Array({ maxLength: 12 });
