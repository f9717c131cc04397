import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MAX_FRAMED_LENGTH, PathError } from '../../src/hotpath/packet-path.ts';
import { GsoType, VirtioFlag } from '../../src/wire/virtio.ts';
import { changedRanges, implementations } from './implementations.ts';
import { concat } from './packets.ts';
import {
  destinationOptions,
  land,
  offloadFor,
  readSegment,
  segmentsOf,
  superPacket,
  type SuperPacketFields,
  TcpFlag,
  unframe,
} from './segment-packets.ts';
import { noise, SHAPES, TCP4, TCP6, TIMESTAMPS, UDP4 } from './segment-shapes.ts';

for (const { name, create } of implementations) {
  describe(`a super-packet, ${name}`, () => {
    const path = create();

    for (const { title, fields, payloadLength, gsoSize } of SHAPES) {
      test(`carries its stream on: ${title}`, () => {
        const payload = noise(payloadLength);
        const packet = superPacket({ ...fields, payload });
        const packets = segmentsOf(path, packet, offloadFor({ ...fields, payload }, gsoSize));
        const whole = readOptions(packet, fields);
        const segments = packets.map(segment => readSegment(segment, fields.ipOptions?.length));
        assert.equal(segments.length, Math.max(1, Math.ceil(payloadLength / gsoSize)));
        for (const [index, segment] of segments.entries()) {
          const isLast = index === segments.length - 1;
          assert.equal(segment.payload.length, isLast ? payloadLength - index * gsoSize : gsoSize);
          if (fields.protocol === 'tcp') assert.equal(segment.sequence, (0xffff_fc00 + index * gsoSize) >>> 0);
          if (fields.version === 4) assert.equal(segment.id, (0xfffe + index) & 0xffff);
          assert.deepEqual(segment.options, whole);
        }
        assert.deepEqual(concat(...segments.map(({ payload }) => payload)), payload);
      });
    }

    for (const [title, gsoType] of [
      ['with the ECN bit of the virtio header', GsoType.Tcp4 | GsoType.Ecn],
      ['without the ECN bit of the virtio header', GsoType.Tcp4],
    ] as const) {
      test(`has CWR on the first segment, FIN and PSH on the last, ${title}`, () => {
        const { Fin, Psh, Ack, Ece, Cwr } = TcpFlag;
        const fields = { ...TCP4, flags: Fin | Psh | Ack | Ece | Cwr, payload: noise(4000) };
        const offload = { ...offloadFor(fields, 1000), gsoType };
        const flags = segmentsOf(path, superPacket(fields), offload).map(packet => readSegment(packet).flags);
        assert.deepEqual(flags, [Ack | Ece | Cwr, Ack | Ece, Ack | Ece, Ack | Ece | Fin | Psh]);
      });
    }

    test('that makes one segment keeps all flags', () => {
      const { Fin, Psh, Ack, Ece, Cwr } = TcpFlag;
      const fields = { ...TCP6, flags: Fin | Psh | Ack | Ece | Cwr, payload: noise(500) };
      const packet = superPacket(fields);
      const [segment] = segmentsOf(path, packet, offloadFor(fields, 500));
      assert.equal(readSegment(segment!).flags, fields.flags);
    });

    test('is the same headers but for the fields of segments', () => {
      const fields = { ...TCP4, payload: noise(3000), tcpOptions: TIMESTAMPS };
      const packet = superPacket(fields);
      for (const segment of segmentsOf(path, packet, offloadFor(fields, 1000))) {
        const expected = packet.slice(0, 52);
        // Total length, identification, header checksum; sequence, checksum.
        for (const [from, to] of [
          [2, 6],
          [10, 12],
          [24, 28],
          [36, 38],
        ] as const) {
          expected.set(segment.subarray(from, to), from);
        }
        assert.deepEqual(segment.subarray(0, 52), expected);
      }
    });

    test('may have its checksum field in any state: it is summed anew', () => {
      const fields = { ...TCP4, payload: noise(3000) };
      const packet = superPacket(fields);
      new DataView(packet.buffer).setUint16(36, 0xabcd);
      const offload = offloadFor(fields, 1000);
      for (const flags of [0, VirtioFlag.NeedsChecksum]) {
        const segments = segmentsOf(path, packet, { ...offload, flags }).map(segment => readSegment(segment));
        assert.equal(segments.length, 3);
      }
    });

    test('never makes a UDP checksum of zero', () => {
      const fields = { ...UDP4, payload: new Uint8Array(200) };
      const offload = offloadFor(fields, 100);
      const [first] = segmentsOf(path, superPacket(fields), offload);
      const checksum = new DataView(first!.buffer).getUint16(26);
      new DataView(fields.payload.buffer).setUint16(98, checksum);
      const [zero] = segmentsOf(path, superPacket(fields), offload);
      assert.deepEqual([...zero!.subarray(26, 28)], [0xff, 0xff]);
      readSegment(zero!);
    });

    test('makes a TCP checksum of zero where that is the sum’s complement', () => {
      const fields = { ...TCP4, payload: new Uint8Array(200) };
      const offload = offloadFor(fields, 100);
      const [first] = segmentsOf(path, superPacket(fields), offload);
      const checksum = new DataView(first!.buffer).getUint16(36);
      new DataView(fields.payload.buffer).setUint16(98, checksum);
      const [zero] = segmentsOf(path, superPacket(fields), offload);
      assert.deepEqual([...zero!.subarray(36, 38)], [0, 0]);
      readSegment(zero!);
    });

    test('is written in pieces, as many segments as fit each time, and not a byte behind them', () => {
      const fields = { ...TCP4, payload: noise(10_000) };
      const packet = superPacket(fields);
      const offload = offloadFor(fields, 1000);
      const expected = segmentsOf(path, packet, offload);
      path.segmentBegin(land(path, packet, offload), packet.length, 0);
      const found: Uint8Array[] = [];
      for (const [room, segments] of [
        [0, 0],
        [1047, 0],
        [1048, 1],
        [2095, 1],
        [2096, 2],
        [5000, 4],
        [9000, 2],
        [9000, 0],
      ] as const) {
        path.memory.fill(0xa5, path.transmitAt, path.transmitAt + 10_000);
        const written = path.segmentInto(path.transmitAt, room);
        assert.equal(written, segments * 1048);
        found.push(...unframe(path.memory.slice(path.transmitAt, path.transmitAt + written)));
        const behind = path.memory.subarray(path.transmitAt + written, path.transmitAt + 10_000);
        assert.ok(behind.every(byte => byte === 0xa5));
      }
      assert.deepEqual(found, expected);
    });

    test('stays as it was in its slot, and can be begun again', () => {
      const fields = { ...TCP6, payload: noise(5000), flags: TcpFlag.Ack | TcpFlag.Psh };
      const packet = superPacket(fields);
      const offload = offloadFor(fields, 1000);
      const at = land(path, packet, offload);
      const slot = path.memory.slice(path.tunAt, path.tunAt + path.tunStride);
      path.segmentBegin(at, packet.length, 1200);
      path.segmentInto(path.transmitAt, 2000);
      assert.deepEqual(path.memory.slice(path.tunAt, path.tunAt + path.tunStride), slot);
      path.segmentBegin(at, packet.length, 1200);
      const written = path.segmentInto(path.transmitAt, 10_000);
      assert.deepEqual(
        unframe(path.memory.slice(path.transmitAt, path.transmitAt + written)),
        segmentsOf(path, packet, offload),
      );
    });

    test('that is refused leaves nothing of the one before to be written', () => {
      const fields = { ...TCP4, payload: noise(5000) };
      const packet = superPacket(fields);
      const at = land(path, packet, offloadFor(fields, 1000));
      assert.equal(path.segmentBegin(at, packet.length, 0), 5);
      assert.equal(path.segmentBegin(at, 19, 0), PathError.TooShort);
      assert.deepEqual([path.segmentBytes(), path.segmentInto(path.transmitAt, 9000)], [0, 0]);
    });
  });

  describe(`a super-packet is refused, ${name}`, () => {
    const path = create();

    for (const [title, code, change] of [
      ['to be made IP fragments (UFO)', PathError.GsoType, { gsoType: 3 }],
      ['of an unknown kind', PathError.GsoType, { gsoType: 2 }],
      ['of an unknown kind with the ECN bit', PathError.GsoType, { gsoType: 0x7f | GsoType.Ecn }],
      ['of TCP over IPv6 that is IPv4', PathError.Malformed, { gsoType: GsoType.Tcp6 }],
      ['of UDP that is TCP', PathError.Malformed, { gsoType: GsoType.UdpL4 }],
      ['without a segment size', PathError.Malformed, { gsoSize: 0 }],
      ['with segments of 4088 bytes', PathError.TooLong, { gsoSize: MAX_FRAMED_LENGTH - 40 + 1 }],
      ['with segments of 64 KiB', PathError.TooLong, { gsoSize: 65_535 }],
      ['with a checksum that starts in the IP header', PathError.Malformed, { checksumStart: 16 }],
      ['with a checksum that starts behind the TCP header', PathError.Malformed, { checksumStart: 40 }],
      ['with a checksum in another place than TCP’s', PathError.Malformed, { checksumOffset: 6 }],
    ] as const) {
      test(title, () => {
        const fields = { ...TCP4, payload: noise(9000) };
        refuses(superPacket(fields), { ...offloadFor(fields, 1000), ...change }, code);
      });
    }

    for (const [title, at, bytes] of [
      ['IPv4 header length under 20', 0, [0x44]],
      ['IPv4 header length that moves TCP', 0, [0x46]],
      ['total length one too small', 2, [0x23, 0x4f]],
      ['total length one too large', 2, [0x23, 0x51]],
      ['more fragments to come', 6, [0x20, 0]],
      ['a fragment offset', 6, [0, 1]],
      ['another protocol', 9, [17]],
      ['TCP header length under 20', 32, [0x40]],
    ] as const) {
      test(`with ${title}`, () => {
        const fields = { ...TCP4, payload: noise(9000) };
        const packet = superPacket(fields);
        assert.equal(packet.length, 0x2350);
        packet.set(bytes, at);
        refuses(packet, offloadFor(fields, 1000), PathError.Malformed);
      });
    }

    test('with a TCP header that is longer than the packet', () => {
      const fields = { ...TCP4, payload: noise(39) };
      const packet = superPacket(fields);
      packet[32] = 0xf0;
      refuses(packet, offloadFor(fields, 1000), PathError.Malformed);
    });

    for (const [title, fields, checksumStart] of [
      ['IPv4 header and half of TCP’s', TCP4, 20],
      ['IPv6 header and half of TCP’s', TCP6, 40],
      ['IPv4 header and half of UDP’s', UDP4, 20],
    ] as const) {
      test(`of nothing but ${title}`, () => {
        const whole = superPacket({ ...fields, payload: noise(0) });
        const packet = whole.slice(0, checksumStart + (whole.length - checksumStart) / 2);
        const view = new DataView(packet.buffer);
        if (fields.version === 4) view.setUint16(2, packet.length);
        else view.setUint16(4, packet.length - 40);
        refuses(packet, offloadFor({ ...fields, payload: noise(0) }, 1000), PathError.Malformed);
      });
    }

    for (const [title, at, bytes] of [
      ['payload length one too small', 4, [0x23, 0x3b]],
      ['payload length one too large', 4, [0x23, 0x3d]],
      ['another protocol', 6, [17]],
    ] as const) {
      test(`over IPv6 with ${title}`, () => {
        const fields = { ...TCP6, payload: noise(9000) };
        const packet = superPacket(fields);
        assert.equal(packet.length - 40, 0x233c);
        packet.set(bytes, at);
        refuses(packet, offloadFor(fields, 1000), PathError.Malformed);
      });
    }

    test('over IPv6 with an extension header when nothing tells where it ends', () => {
      const fields = { ...TCP6, ipOptions: destinationOptions(8), payload: noise(9000) };
      refuses(superPacket(fields), { ...offloadFor(fields, 1000), flags: 0 }, PathError.Malformed);
    });

    test('over IPv6 with a checksum that starts in the fixed header', () => {
      const fields = { ...TCP6, payload: noise(9000) };
      refuses(superPacket(fields), { ...offloadFor(fields, 1000), checksumStart: 39 }, PathError.Malformed);
    });

    test('over IPv6 with headers that leave no room for a byte', () => {
      const fields = { ...TCP6, payload: noise(9000) };
      const packet = superPacket(fields);
      packet[MAX_FRAMED_LENGTH - 20 + 12] = 0x50;
      const offload = { ...offloadFor(fields, 1), checksumStart: MAX_FRAMED_LENGTH - 20 };
      refuses(packet, offload, PathError.TooLong);
    });

    function refuses(packet: Uint8Array, offload: Parameters<typeof land>[2], code: number): void {
      const at = land(path, packet, offload);
      const results: number[] = [];
      const ranges = changedRanges(path, () => {
        results.push(path.segmentBegin(at, packet.length, 1300), path.segmentBytes());
        results.push(path.segmentInto(path.transmitAt, path.transmitBlockLength));
      });
      assert.deepEqual([results, ranges], [[code, 0, 0], []]);
    }
  });
}

/** IP options and TCP options of a packet whose lengths are right. */
function readOptions(
  packet: Uint8Array,
  { version, ipOptions, tcpOptions }: Omit<SuperPacketFields, 'payload'>,
): Uint8Array {
  const from = version === 4 ? 20 : 40;
  const ipLength = ipOptions?.length ?? 0;
  return concat(packet.subarray(from, from + ipLength), tcpOptions ?? new Uint8Array(0));
}
