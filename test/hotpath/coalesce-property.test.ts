/** Coalescing against what it must keep: every packet, every byte, the order within each flow. And the builds against the twin. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { PacketPath } from '../../src/hotpath/packet-path.ts';
import { data, type Fields, Tcp, tcpPacket, timestamps, udpPacket } from './flow-packets.ts';
import { coalesce, split, type SuperPacket } from './gathering.ts';
import { changedRanges, implementations, writeEntry } from './implementations.ts';
import { concat } from './packets.ts';

const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;

/** What may happen to one packet of a flow; most are as the one before. */
const Mishap = fc.oneof(
  { weight: 16, arbitrary: fc.constant<Mishap>({ kind: 'none' }) },
  { weight: 4, arbitrary: fc.constant<Mishap>({ kind: 'push' }) },
  {
    weight: 8,
    arbitrary: fc.constantFrom<Mishap>(
      ...(
        ['short', 'empty', 'cwr', 'ece', 'fin', 'syn', 'rst', 'urgent', 'acknowledge', 'window', 'tick'] as const
      ).map(kind => ({ kind })),
      ...(['lost', 'repeated', 'corrupt', 'congested', 'fragment', 'hidden', 'truncated', 'sumless'] as const).map(
        kind => ({ kind }),
      ),
    ),
  },
);

interface Mishap {
  readonly kind: string;
}

const Flow = fc.record({
  version: fc.constantFrom<4 | 6>(4, 6),
  isTcp: fc.boolean(),
  hasTimestamps: fc.boolean(),
  size: fc.constantFrom(1, 7, 100, 536, 1400),
  mayFragment: fc.boolean(),
  sequence: fc.constantFrom(0, 0x7fff_ffff, 0xffff_ff00),
  mishaps: fc.array(Mishap, { minLength: 1, maxLength: 40, size: 'max' }),
});
type Flow = typeof Flow extends fc.Arbitrary<infer Value> ? Value : never;

/** Flows and the order in which their packets arrive, a run of one flow's at a time. */
const Traffic = fc.record({
  flows: fc.array(Flow, { minLength: 1, maxLength: 4 }),
  turns: fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 9 })), { maxLength: 60 }),
});

for (const { name, create } of implementations) {
  test(`${name}: super-packets taken apart are the packets that went in, in order within each flow`, () => {
    const path = create();
    fc.assert(
      fc.property(Traffic, ({ flows, turns }) => {
        const { packets, flowOf } = interleave(flows.map(packetsOf), turns);
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
        const { packets } = interleave(flows.map(packetsOf), turns);
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

  test(`${name}: writes nothing but the headers of first packets and regions of its own`, () => {
    const path = create();
    fc.assert(
      fc.property(Traffic, ({ flows, turns }) => {
        const { packets } = interleave(flows.map(packetsOf), turns);
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
      const { packets } = interleave(flows.map(packetsOf), turns);
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
      const packets = interleave(flows.map(packetsOf), turns).packets.map(packet => packet.slice());
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

/** The packets of flow number `flow`: each goes on where the one before ended, as far as its mishap lets it. */
function packetsOf({ version, isTcp, hasTimestamps, size, mayFragment, sequence, mishaps }: Flow, flow: number) {
  let next = sequence;
  let clock = 1;
  let acknowledgment = 100;
  let window = 500;
  return mishaps.map(({ kind }, index) => {
    if (kind === 'acknowledge') acknowledgment += 1000;
    if (kind === 'window') window += 1;
    if (kind === 'tick') clock += 1;
    if (kind === 'lost') next = (next + size) >>> 0;
    const length = kind === 'empty' ? 0 : kind === 'short' ? Math.ceil(size / 2) : size;
    const fields: Fields = {
      version,
      source: 10 + flow,
      sourcePort: 50_000 + flow,
      options: hasTimestamps ? timestamps(clock) : new Uint8Array(0),
      sequence: kind === 'repeated' ? (next - size) >>> 0 : next,
      acknowledgment,
      window,
      flags: Tcp.Ack | (FLAGS.get(kind) ?? 0),
      tos: kind === 'congested' ? 3 : 2,
      identification: 65_530 + index,
      fragment: (mayFragment ? 0 : 0x4000) | (kind === 'fragment' ? 0x2000 : 0),
      ipOptions: kind === 'hidden' && version === 4 ? Uint8Array.of(1, 1, 1, 1) : new Uint8Array(0),
      payload: data(length, flow * 50 + index),
    };
    if (kind !== 'repeated') next = (next + length) >>> 0;
    const packet = isTcp ? tcpPacket(fields) : udpPacket(fields);
    const transport = packet.length - length - (isTcp ? 20 + (hasTimestamps ? 12 : 0) : 8);
    if (kind === 'corrupt') packet[packet.length - 1]! ^= 0x10;
    if (kind === 'sumless' && !isTcp) packet.fill(0, transport + 6, transport + 8);
    return kind === 'truncated' ? packet.slice(0, -1) : packet;
  });
}

const FLAGS = new Map<string, number>([
  ['push', Tcp.Psh],
  ['cwr', Tcp.Cwr],
  ['ece', Tcp.Ece],
  ['fin', Tcp.Fin],
  ['syn', Tcp.Syn],
  ['rst', Tcp.Rst],
  ['urgent', Tcp.Urg],
]);

/** Lets the flows take turns; what is left over comes one by one. `flowOf` knows every packet by its bytes. */
function interleave(flows: readonly (readonly Uint8Array[])[], turns: readonly (readonly [number, number])[]) {
  const packets: Uint8Array[] = [];
  const flowOf = new Map<string, number>();
  const taken = flows.map(() => 0);
  const take = (flow: number, count: number): void => {
    for (const packet of flows[flow]!.slice(taken[flow], taken[flow]! + count)) {
      packets.push(packet);
      flowOf.set(hex(packet), flow);
      taken[flow]! += 1;
    }
  };
  for (const [flow, count] of turns) take(flow % flows.length, count);
  for (let round = 0; round < 40; round += 1) for (const flow of flows.keys()) take(flow, 1);
  return { packets, flowOf };
}

/** The way into a tunnel: the super-packet as if the device had read it. */
function segment(path: PacketPath, { virtio, bytes, packets }: SuperPacket): Uint8Array[] {
  const at = path.tunAt + path.headroom;
  path.memory.set(virtio, at - virtio.length);
  path.memory.set(bytes, at);
  assert.equal(path.segmentBegin(at, bytes.length, 0), packets);
  const segments: Uint8Array[] = [];
  for (;;) {
    const end = path.transmitAt + path.segmentInto(path.transmitAt, path.transmitBlockLength);
    if (end === path.transmitAt) return segments;
    for (let frame = path.transmitAt; frame < end;) {
      const length = path.view.getUint16(frame + 2);
      segments.push(path.memory.slice(frame + 8, frame + length));
      frame += length;
    }
  }
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

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
