import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { MAX_FRAMED_LENGTH, PathError } from '../../src/hotpath/packet-path.ts';
import { VirtioFlag } from '../../src/wire/virtio.ts';
import { changedRanges, implementations, readEntries } from './implementations.ts';
import { concat, ipv4, mssOption, onesComplementSum, tcp, TCP_SYN, tcpSum } from './packets.ts';
import { land, readSegment, segmentsOf, superPacket } from './segment-packets.ts';

for (const { name, create } of implementations) {
  describe(`a plain packet, ${name}`, () => {
    const path = create();
    const slot = path.tunAt + path.headroom;

    test('gets SSTP and PPP headers in front, of IPv4', () => {
      const packet = ipv4({ payload: new Uint8Array(100).fill(7) });
      assert.equal(path.segmentBegin(land(path, packet), packet.length, 0), 1);
      assert.equal(path.segmentBytes(), 128);
      assert.equal(path.segmentInto(path.transmitAt, 4096), 128);
      const header = Uint8Array.of(0x10, 0x00, 0x00, 128, 0xff, 0x03, 0x00, 0x21);
      assert.deepEqual(path.memory.slice(path.transmitAt, path.transmitAt + 128), concat(header, packet));
    });

    test('gets SSTP and PPP headers in front, of IPv6', () => {
      const packet = new Uint8Array(1280).fill(0x66);
      assert.equal(path.segmentBegin(land(path, packet), packet.length, 1300), 1);
      assert.equal(path.segmentInto(path.transmitAt, 4096), 1288);
      const header = Uint8Array.of(0x10, 0x00, 0x05, 0x08, 0xff, 0x03, 0x00, 0x57);
      assert.deepEqual(path.memory.slice(path.transmitAt, path.transmitAt + 1288), concat(header, packet));
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
      test(`is refused and nothing is written: ${title}`, () => {
        land(path, Uint8Array.of(first));
        const results: number[] = [];
        const ranges = changedRanges(path, () => {
          results.push(path.segmentBegin(slot, length, 1300), path.segmentBytes());
          results.push(path.segmentInto(path.transmitAt, 8192));
        });
        assert.deepEqual([results, ranges], [[code, 0, 0], []]);
      });
    }

    test('may be so long that it fills an SSTP packet', () => {
      const packet = new Uint8Array(MAX_FRAMED_LENGTH).fill(0x45);
      assert.deepEqual(segmentsOf(path, packet), [packet]);
      assert.deepEqual([...path.memory.subarray(path.transmitAt, path.transmitAt + 4)], [0x10, 0x00, 0x0f, 0xff]);
    });

    test('waits when there is one byte of room too little', () => {
      const packet = ipv4({ payload: new Uint8Array(80) });
      path.segmentBegin(land(path, packet), packet.length, 0);
      const ranges = changedRanges(path, () => assert.equal(path.segmentInto(path.transmitAt, 107), 0));
      assert.deepEqual(ranges, []);
      assert.equal(path.segmentInto(path.transmitAt, 108), 108);
      assert.equal(path.segmentInto(path.transmitAt, 108), 0, 'only once');
    });

    test('of every length, at every alignment, is copied and not a byte more', () => {
      const bytes = Uint8Array.from({ length: 1500 }, (_, index) => (index * 31) & 0xff);
      bytes[0] = 0x45;
      for (let length = 20; length <= bytes.length; length += 1) {
        const from = slot + 64 + (length % 17);
        const target = path.transmitAt + 64 + (length % 13);
        path.memory.fill(0, from - 64, from);
        path.memory.set(bytes, from);
        path.memory.fill(0xa5, target - 16, target + length + 32);
        path.segmentBegin(from, length, 0);
        assert.equal(path.segmentInto(target, 2048), length + 8);
        const header = Uint8Array.of(0x10, 0x00, (length + 8) >> 8, (length + 8) & 0xff, 0xff, 0x03, 0x00, 0x21);
        const guard = new Uint8Array(16).fill(0xa5);
        assert.deepEqual(
          path.memory.slice(target - 16, target + length + 8 + 16),
          concat(guard, header, bytes.subarray(0, length), guard),
        );
      }
    });

    test('is what delineate finds in the tunnel', () => {
      for (let length = 20; length <= MAX_FRAMED_LENGTH; length += 7) {
        path.segmentBegin(land(path, Uint8Array.of(0x45)), length, 0);
        const end = path.transmitAt + path.segmentInto(path.transmitAt, 4095);
        assert.equal(path.delineate(path.transmitAt, end), 1);
        assert.deepEqual(readEntries(path, 1, path.transmitAt), [{ at: 8, length, protocol: 0x0021 }]);
      }
    });

    test('stays as it was in its slot', () => {
      const packet = tcp(mssOption(1460));
      segmentsOf(path, packet, {}, 1200);
      assert.deepEqual(path.memory.slice(slot, slot + packet.length), packet);
    });
  });

  describe(`the MSS of a SYN, ${name}`, () => {
    const path = create();

    test('is lowered in the copy, the checksum following', () => {
      const [copy] = segmentsOf(path, tcp(mssOption(1460)), {}, 1360);
      assert.deepEqual(copy!.slice(40, 44), mssOption(1360));
      assert.equal(tcpSum(copy!), 0xffff);
    });

    test('is lowered to 20 less over IPv6, whose header is longer', () => {
      const fields = { version: 6, protocol: 'tcp', payload: new Uint8Array(0), tcpOptions: mssOption(1440) } as const;
      const packet = superPacket({ ...fields, flags: TCP_SYN });
      const offload = { flags: VirtioFlag.NeedsChecksum, checksumStart: 40, checksumOffset: 16 };
      for (const [mss, announced] of [
        [1360, 1340],
        [1460, 1440],
        [0, 1440],
      ] as const) {
        const [copy] = segmentsOf(path, packet, offload, mss);
        assert.deepEqual(readSegment(copy!).options, mssOption(announced));
      }
    });

    test('is lowered in a packet whose checksum was to be completed', () => {
      const packet = tcp(mssOption(1460));
      new DataView(packet.buffer).setUint16(36, pseudoHeaderSum(packet));
      const offload = { flags: VirtioFlag.NeedsChecksum, checksumStart: 20, checksumOffset: 16 };
      const [copy] = segmentsOf(path, packet, offload, 1360);
      assert.deepEqual(copy!.slice(40, 44), mssOption(1360));
      assert.equal(tcpSum(copy!), 0xffff);
    });

    test('is left alone when asked to', () => {
      const packet = tcp(mssOption(1460));
      assert.deepEqual(segmentsOf(path, packet, {}, 0), [packet]);
    });

    test('is left alone in a SYN that its total length cuts short', () => {
      const packet = tcp(mssOption(1460));
      packet[3] = 43;
      assert.deepEqual(segmentsOf(path, packet, {}, 1360), [packet]);
    });
  });

  describe(`checksum completion, ${name}`, () => {
    const path = create();

    for (const version of [4, 6] as const) {
      for (const protocol of ['tcp', 'udp'] as const) {
        test(`is right for every payload length, ${protocol} over IPv${version}`, () => {
          for (let length = 0; length <= 300; length += 1) {
            const payload = Uint8Array.from({ length }, (_, index) => (index * 37 + length) & 0xff);
            const packet = superPacket({ version, protocol, payload });
            const offload = {
              flags: VirtioFlag.NeedsChecksum,
              checksumStart: version === 4 ? 20 : 40,
              checksumOffset: protocol === 'tcp' ? 16 : 6,
            };
            const [copy] = segmentsOf(path, packet, offload);
            assert.deepEqual(readSegment(copy!).payload, payload);
          }
        });
      }
    }

    test('never makes a UDP checksum of zero', () => {
      // The last word is chosen so that the sum is 0xffff.
      const packet = superPacket({ version: 4, protocol: 'udp', payload: new Uint8Array(4) });
      const view = new DataView(packet.buffer);
      view.setUint16(30, ~onesComplementSum(packet.subarray(20)) & 0xffff);
      const offload = { flags: VirtioFlag.NeedsChecksum, checksumStart: 20, checksumOffset: 6 };
      const [copy] = segmentsOf(path, packet, offload);
      assert.deepEqual([...copy!.subarray(26, 28)], [0xff, 0xff]);
      readSegment(copy!);
    });

    test('takes what lies behind IPv4 options', () => {
      const fields = { version: 4, protocol: 'udp', payload: new Uint8Array(33).fill(9) } as const;
      const packet = superPacket({ ...fields, ipOptions: Uint8Array.of(0x94, 4, 0, 0) });
      const offload = { flags: VirtioFlag.NeedsChecksum, checksumStart: 24, checksumOffset: 6 };
      const [copy] = segmentsOf(path, packet, offload);
      assert.deepEqual(readSegment(copy!, 4).payload, fields.payload);
    });

    for (const [title, checksumStart, checksumOffset] of [
      ['in the IP header', 19, 6],
      ['at the packet’s start', 0, 16],
      ['over the packet’s end', 20, 79],
      ['behind the packet', 100, 0],
      ['far behind the packet', 65_535, 65_535],
      ['one byte before the end', 99, 0],
    ] as const) {
      test(`is refused ${title}`, () => {
        const packet = ipv4({ payload: new Uint8Array(80) });
        const at = land(path, packet, { flags: VirtioFlag.NeedsChecksum, checksumStart, checksumOffset });
        assert.equal(path.segmentBegin(at, packet.length, 0), PathError.Malformed);
        assert.equal(path.segmentInto(path.transmitAt, 8192), 0);
      });
    }

    test('reaches the packet’s last two bytes', () => {
      const packet = ipv4({ payload: new Uint8Array(80) });
      const at = land(path, packet, { flags: VirtioFlag.NeedsChecksum, checksumStart: 20, checksumOffset: 78 });
      assert.equal(path.segmentBegin(at, packet.length, 0), 1);
    });

    test('is refused when the IPv4 header says that it is shorter than it can be', () => {
      const packet = ipv4({ payload: new Uint8Array(80) });
      packet[0] = 0x44;
      const at = land(path, packet, { flags: VirtioFlag.NeedsChecksum, checksumStart: 20, checksumOffset: 16 });
      assert.equal(path.segmentBegin(at, packet.length, 0), PathError.Malformed);
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
  const offload = fc.record({
    flags: fc.nat(3),
    checksumStart: fc.nat(130),
    checksumOffset: fc.oneof(fc.constantFrom(6, 16), fc.nat(130)),
  });
  fc.assert(
    fc.property(packet, offload, fc.nat(1460), (bytes, header, mss) => {
      const [first, ...others] = paths.map(path => {
        path.memory.fill(0, path.transmitAt, path.transmitAt + 160);
        const packets = path.segmentBegin(land(path, bytes, header), bytes.length, mss);
        const written = path.segmentInto(path.transmitAt, 160);
        return { packets, written, bytes: path.memory.slice(path.transmitAt, path.transmitAt + 160) };
      });
      for (const other of others) assert.deepEqual(other, first);
    }),
    { numRuns: 2000 },
  );
});

/** What Linux leaves in the checksum field of a TCP packet over IPv4. */
function pseudoHeaderSum(packet: Uint8Array): number {
  return onesComplementSum(packet.subarray(12, 20), 6 + packet.length - 20);
}
