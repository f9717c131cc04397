/** Coalescing against what it must keep: every packet, every byte, the order within each flow. And the builds against the twin. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { PacketPath } from '../../src/hotpath/packet-path.ts';
import { GsoType, VirtioFlag } from '../../src/wire/virtio.ts';
import { encodeVirtioHeader } from '../tun/virtio.ts';
import { data, ipHeaderLength, pseudoPacket, Tcp, tcpPacket, timestamps, udpPacket } from './flow-packets.ts';
import { coalesce, segment, split, type SuperPacket } from './gathering.ts';
import { changedRanges, implementations, writeEntry } from './implementations.ts';
import { concat, onesComplementSum } from './packets.ts';
import { type Flow, hex, interleave, packetsOf, Traffic } from './traffic.ts';

const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;

for (const { name, create } of implementations) {
  test(`${name}: super-packets taken apart are the packets that went in, in order within each flow`, () => {
    const path = create();
    fc.assert(
      fc.property(Traffic, ({ flows, turns }) => {
        const { packets, flowOf } = interleave(
          flows.map((flow, index) => packetsOf(flow, index)),
          turns,
        );
        const supers = coalesce(path, packets);
        const result = supers.flatMap(split);
        for (const [index] of flows.entries()) {
          const mine = (all: readonly Uint8Array[]): string[] =>
            all.map(hex).filter(text => flowOf.get(text) === index);
          assert.deepEqual(mine(result), mine(packets));
        }
        assert.equal(result.length, packets.length);
      }),
      { numRuns: 150 },
    );
  });

  test(`${name}: segmentation and coalescing are inverse to each other`, () => {
    const path = create();
    fc.assert(
      fc.property(Traffic, ({ flows, turns }) => {
        const { packets } = interleave(
          flows.map((flow, index) => packetsOf(flow, index)),
          turns,
        );
        const supers = coalesce(path, packets).filter(superPacket => superPacket.packets > 1);
        for (const superPacket of supers) {
          const segments = segment(path, superPacket);
          assert.deepEqual(segments.map(hex), split(superPacket).map(hex));
          const [again, ...more] = coalesce(path, segments);
          assert.deepEqual(more, []);
          assert.deepEqual([again?.virtio, hex(again!.bytes)], [superPacket.virtio, hex(superPacket.bytes)]);
        }
      }),
      { numRuns: 100 },
    );
  });

  test(`${name}: segments of a super-packet that a kernel could have made become that super-packet again`, () => {
    const path = create();
    fc.assert(
      fc.property(Whole, whole => {
        const superPacket = kernelSuperPacket(whole);
        const segments = segment(path, superPacket);
        assert.deepEqual(segments.map(hex), split(superPacket).map(hex));
        const [again, ...more] = coalesce(path, segments);
        assert.deepEqual(more, []);
        assert.deepEqual([again?.virtio, hex(again!.bytes)], [superPacket.virtio, hex(superPacket.bytes)]);
      }),
      { numRuns: 100 },
    );
  });

  test(`${name}: writes nothing but the headers of first packets and regions of its own`, () => {
    const path = create();
    fc.assert(
      fc.property(Traffic, ({ flows, turns }) => {
        const { packets } = interleave(
          flows.map((flow, index) => packetsOf(flow, index)),
          turns,
        );
        coalesce(path, packets);
        const end = path.inputAt + path.inputLength;
        const tunEnd = path.tunAt + path.tunSlots * path.tunStride;
        const starts = place(path, packets);
        const ranges = changedRanges(path, () => {
          path.gather(packets.length, 0, 0);
          path.gatherEnd();
          path.gatherReset();
        });
        for (const [from, to] of ranges) {
          if (from < end)
            assert.ok(
              starts.some(at => from >= at && to <= at + 60),
              `${from - path.inputAt}`,
            );
          else assert.ok(!overlaps(from, to, path.tableAt, tunEnd));
          assert.ok(!overlaps(from, to, path.scratchAt, path.scratchAt + path.scratchLength));
          assert.ok(from < path.transmitAt);
        }
      }),
      { numRuns: 5 },
    );
  });
}

test('the builds and the twin make the same super-packets', () => {
  const paths = implementations.map(({ create }) => create());
  fc.assert(
    fc.property(Traffic, fc.nat(3), ({ flows, turns }, kinds) => {
      const { packets } = interleave(
        flows.map((flow, index) => packetsOf(flow, index)),
        turns,
      );
      const [first, ...others] = paths.map(path => coalesce(path, packets, kinds));
      for (const other of others) assert.deepEqual(other, first);
    }),
    { numRuns: 150 },
  );
});

test('the builds and the twin agree on 5000 packets with random damage, and none traps', () => {
  const paths = implementations.map(({ create }) => create());
  const Damage = fc.array(fc.tuple(fc.nat(), fc.nat(79), fc.nat(255)), { maxLength: 30 });
  const Cut = fc.array(fc.tuple(fc.nat(), fc.nat(90)), { maxLength: 4 });
  const Noise = fc.array(fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 80 })), { maxLength: 6 });
  let total = 0;
  fc.assert(
    fc.property(Traffic, Damage, Cut, Noise, ({ flows, turns }, damage, cuts, noises) => {
      const packets = interleave(
        flows.map((flow, index) => packetsOf(flow, index)),
        turns,
      ).packets.map(packet => packet.slice());
      const pick = (index: number): number => index % packets.length;
      for (const [index, at, value] of damage) {
        // The source decides which flows a packet with hidden ports holds back. The builds know it by 10 bits, the twin by 32.
        const isSource = at >= 8 && at < 24;
        if (!isSource) packets[pick(index)]!.fill(value, at, at + 1);
      }
      for (const [index, length] of cuts) packets[pick(index)] = packets[pick(index)]!.slice(0, length);
      for (const [index, noise] of noises) packets.splice(pick(index), 0, noise);
      total += packets.length;
      const results = paths.map(path => coalesce(path, packets));
      for (const result of results) {
        assert.deepEqual(result, results[0]);
        const sizes = result.map(superPacket => superPacket.packets);
        assert.equal(
          sizes.reduce((sum, size) => sum + size, 0),
          packets.length,
        );
      }
    }),
    { numRuns: 150 },
  );
  assert.ok(total >= 5000, `${total} packets`);
});

test('entries that overlap or speak of other protocols trap no build', () => {
  const paths = implementations.map(({ create }) => create());
  const Entry = fc.tuple(fc.nat(4000), fc.nat(2000), fc.constantFrom(PPP_IPV4, PPP_IPV6, 0, 2, 4, 6));
  const whole = concat(...packetsOf({ ...PLAIN, size: 100 }, 0), ...packetsOf({ ...PLAIN, version: 6, size: 100 }, 1));
  fc.assert(
    fc.property(fc.array(Entry, { maxLength: 60 }), entries => {
      const taken = paths.map(path => {
        path.memory.set(whole, path.inputAt);
        for (const [index, [at, length, protocol]] of entries.entries()) {
          writeEntry(path, index, path.inputAt + at, length, protocol);
        }
        path.coalesceKinds(3);
        const count = path.gather(entries.length, 0, 0);
        path.gatherEnd();
        path.gatherReset();
        return count;
      });
      assert.deepEqual(new Set(taken).size, 1);
    }),
    { numRuns: 500 },
  );
});

const PLAIN: Flow = {
  version: 4,
  isTcp: true,
  hasTimestamps: false,
  size: 1400,
  mayFragment: false,
  sequence: 0,
  mishaps: Array.from({ length: 10 }, () => ({ kind: 'none' })),
};

/** A super-packet: of 2 to 64 segments, the last of them shorter or not. */
const Whole = fc.record({
  isTcp: fc.boolean(),
  isLastShort: fc.boolean(),
  size: fc.integer({ min: 2, max: 1400 }),
  segments: fc.integer({ min: 2, max: 44 }),
  flags: fc.constantFrom(0, Tcp.Psh, Tcp.Cwr, Tcp.Psh | Tcp.Cwr | Tcp.Ece).map(flags => flags | Tcp.Ack),
  fields: fc.record({
    version: fc.constantFrom<4 | 6>(4, 6),
    options: fc.constantFrom(new Uint8Array(0), timestamps(5)),
    sequence: fc.nat(0xffff_ffff),
    identification: fc.nat(0xffff),
    fragment: fc.constantFrom(0, 0x4000),
    tos: fc.nat(255),
    flowLabel: fc.nat(0xf_ffff),
  }),
});

/** As the kernel hands it over: the checksum field holds the sum over the pseudo header. */
function kernelSuperPacket(whole: typeof Whole extends fc.Arbitrary<infer Value> ? Value : never): SuperPacket {
  const { isTcp, isLastShort, size, segments, flags, fields } = whole;
  const payload = data(size * segments - (isLastShort ? size >> 1 : 0));
  const bytes = isTcp ? tcpPacket({ ...fields, flags, payload }) : udpPacket({ ...fields, payload });
  const ipLength = ipHeaderLength(bytes);
  const pseudo = pseudoPacket(bytes).subarray(0, fields.version === 4 ? 16 : 40);
  new DataView(bytes.buffer).setUint16(ipLength + (isTcp ? 16 : 6), onesComplementSum(pseudo));
  const virtio = encodeVirtioHeader({
    flags: VirtioFlag.NeedsChecksum,
    gsoType: isTcp
      ? (fields.version === 4 ? GsoType.Tcp4 : GsoType.Tcp6) | ((flags & Tcp.Cwr) === 0 ? 0 : GsoType.Ecn)
      : GsoType.UdpL4,
    headerLength: bytes.length - payload.length,
    gsoSize: size,
    checksumStart: ipLength,
    checksumOffset: isTcp ? 16 : 6,
  });
  return { virtio: [...virtio], bytes, packets: segments };
}

function place(path: PacketPath, packets: readonly Uint8Array[]): number[] {
  let at = path.inputAt;
  return packets.map((packet, index) => {
    const start = at;
    path.memory.set(packet, start);
    writeEntry(path, index, start, packet.length, packet[0]! >> 4 === 6 ? PPP_IPV6 : PPP_IPV4);
    at += packet.length;
    return start;
  });
}

function overlaps(from: number, to: number, start: number, end: number): boolean {
  return from < end && to > start;
}
