import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { MAX_FRAMED_LENGTH, PathError } from '../../src/hotpath/packet-path.ts';
import { changedRanges, implementations, readEntries } from './implementations.ts';
import { concat, ipv4, mssOption, tcp, tcpSum } from './packets.ts';

for (const { name, create } of implementations) {
  describe(`frame, ${name}`, () => {
    const path = create();
    const slot = path.tunAt + path.headroom;

    test('puts SSTP and PPP headers in front of an IPv4 packet', () => {
      const packet = ipv4({ payload: new Uint8Array(100).fill(7) });
      path.memory.set(packet, slot);
      assert.equal(path.frame(slot, packet.length), slot - 8);
      const header = Uint8Array.of(0x10, 0x00, 0x00, 128, 0xff, 0x03, 0x00, 0x21);
      assert.deepEqual(path.memory.slice(slot - 8, slot + packet.length), concat(header, packet));
    });

    test('puts SSTP and PPP headers in front of an IPv6 packet', () => {
      path.memory.fill(0x60, slot, slot + 1280);
      assert.equal(path.frame(slot, 1280), slot - 8);
      assert.deepEqual([...path.memory.subarray(slot - 8, slot)], [0x10, 0x00, 0x05, 0x08, 0xff, 0x03, 0x00, 0x57]);
    });

    test('writes the eight bytes in front of the packet and no others', () => {
      path.memory.set(ipv4({ payload: new Uint8Array(64) }), slot);
      path.memory.fill(0xa5, slot - 64, slot);
      const ranges = changedRanges(path, () => path.frame(slot, 84));
      assert.deepEqual(ranges, [[slot - 8, slot]]);
    });

    for (const [title, first, length, code] of [
      ['a packet of 4088 bytes', 0x45, MAX_FRAMED_LENGTH + 1, PathError.TooLong],
      ['a packet of 65536 bytes', 0x45, 65_536, PathError.TooLong],
      ['an empty packet', 0x45, 0, PathError.TooShort],
      ['19 bytes of IPv4', 0x45, 19, PathError.TooShort],
      ['39 bytes of IPv6', 0x60, 39, PathError.TooShort],
      ['IP version 0', 0x00, 40, PathError.NotIp],
      ['IP version 5', 0x55, 40, PathError.NotIp],
      ['IP version 15', 0xf5, 40, PathError.NotIp],
    ] as const) {
      test(`refuses ${title} and writes nothing`, () => {
        path.memory[slot] = first;
        const results: number[] = [];
        const ranges = changedRanges(path, () => {
          results.push(path.frame(slot, length), path.frameInto(slot, length, path.transmitAt, 1300));
        });
        assert.deepEqual([results, ranges], [[code, code], []]);
      });
    }

    test('takes the longest packet, which then fills an SSTP packet', () => {
      path.memory[slot] = 0x45;
      assert.equal(path.frame(slot, MAX_FRAMED_LENGTH), slot - 8);
      assert.deepEqual([...path.memory.subarray(slot - 8, slot - 4)], [0x10, 0x00, 0x0f, 0xff]);
    });

    test('makes packets that delineate takes apart again', () => {
      for (let length = 20; length <= MAX_FRAMED_LENGTH; length += 1) {
        path.memory[slot] = 0x45;
        const start = path.frame(slot, length);
        assert.equal(path.delineate(start, start + 8 + length), 1);
        assert.deepEqual(readEntries(path, 1, slot), [{ at: 0, length, protocol: 0x0021 }]);
      }
    });
  });

  describe(`frameInto, ${name}`, () => {
    const path = create();
    const slot = path.tunAt + path.headroom;

    test('copies packets of every length, at every alignment, and not a byte more', () => {
      const bytes = Uint8Array.from({ length: 1500 }, (_, index) => (index * 31) & 0xff);
      bytes[0] = 0x45;
      const to = path.transmitAt + 64;
      for (let length = 20; length <= bytes.length; length += 1) {
        const from = slot + (length % 17);
        const target = to + (length % 13);
        path.memory.set(bytes, from);
        path.memory.fill(0xa5, target - 16, target + length + 32);
        assert.equal(path.frameInto(from, length, target, 0), length + 8);
        const header = Uint8Array.of(0x10, 0x00, (length + 8) >> 8, (length + 8) & 0xff, 0xff, 0x03, 0x00, 0x21);
        const guard = new Uint8Array(16).fill(0xa5);
        assert.deepEqual(
          path.memory.slice(target - 16, target + length + 8 + 16),
          concat(guard, header, bytes.subarray(0, length), guard),
        );
      }
    });

    test('leaves the packet itself as it was', () => {
      const packet = tcp(mssOption(1460));
      path.memory.set(packet, slot);
      path.frameInto(slot, packet.length, path.transmitAt, 1200);
      assert.deepEqual(path.memory.slice(slot, slot + packet.length), packet);
    });

    test('lowers the MSS of a SYN in the copy and keeps its checksum right', () => {
      const packet = tcp(mssOption(1460));
      path.memory.set(packet, slot);
      assert.equal(path.frameInto(slot, packet.length, path.transmitAt, 1360), packet.length + 8);
      const copy = path.memory.slice(path.transmitAt + 8, path.transmitAt + 8 + packet.length);
      assert.deepEqual(copy.slice(40, 44), mssOption(1360));
      assert.equal(tcpSum(copy), 0xffff);
    });

    test('leaves the MSS alone when asked to', () => {
      const packet = tcp(mssOption(1460));
      path.memory.set(packet, slot);
      path.frameInto(slot, packet.length, path.transmitAt, 0);
      assert.deepEqual(path.memory.slice(path.transmitAt + 8, path.transmitAt + 8 + packet.length), packet);
    });

    test('does not clamp a SYN that its total length cuts short', () => {
      const packet = tcp(mssOption(1460));
      packet[3] = 43;
      path.memory.set(packet, slot);
      path.frameInto(slot, packet.length, path.transmitAt, 1360);
      assert.deepEqual(path.memory.slice(path.transmitAt + 8, path.transmitAt + 8 + packet.length), packet);
    });

    test('takes an IPv6 packet as it is', () => {
      const packet = new Uint8Array(80).fill(0x66);
      path.memory.set(packet, slot);
      assert.equal(path.frameInto(slot, 80, path.transmitAt, 1300), 88);
      assert.deepEqual(path.memory.slice(path.transmitAt + 8, path.transmitAt + 88), packet);
    });
  });
}

test('the builds and the twin agree on framing random bytes', () => {
  const paths = implementations.map(({ create }) => create());
  const packet = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc.tuple(fc.constantFrom(0x45, 0x46, 0x4f, 0x60), fc.uint8Array({ maxLength: 120 })).map(([first, rest]) => {
      return concat(Uint8Array.of(first), rest);
    }),
  );
  fc.assert(
    fc.property(packet, fc.nat(1460), (bytes, mss) => {
      const [first, ...others] = paths.map(path => {
        path.memory.fill(0, path.transmitAt, path.transmitAt + 160);
        path.memory.set(bytes, path.scratchAt);
        const result = path.frameInto(path.scratchAt, bytes.length, path.transmitAt, mss);
        return { result, written: path.memory.slice(path.transmitAt, path.transmitAt + 160) };
      });
      for (const other of others) assert.deepEqual(other, first);
    }),
    { numRuns: 1000 },
  );
});
