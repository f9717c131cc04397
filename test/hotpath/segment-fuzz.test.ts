import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type PacketPath } from '../../src/hotpath/packet-path.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import { implementations } from './implementations.ts';
import { concat } from './packets.ts';
import {
  destinationOptions,
  land,
  offloadFor,
  readSegment,
  segmentsOf,
  superPacket,
  unframe,
  type SuperPacketFields,
} from './segment-packets.ts';

/** Written around the output: nothing but packets may change. */
const GUARD = 0xa5;
const GUARD_LENGTH = 64;
/** Enough for most of a 64 KiB super-packet, with one call left for the rest. */
const ROOM = 80 * 1024;

/** Of the first call, which does not hold all segments then. */
const CORPUS_ROOM = 200;

/** Virtio header and packet, one behind the other. */
const CORPUS = new URL('../../../test/fuzz/corpus/segment/', import.meta.url);
const BUDGET_MS = process.env['CI'] === 'true' ? 5000 : 1000;

const corpus = readdirSync(CORPUS).map(file => {
  const bytes = new Uint8Array(readFileSync(new URL(file, CORPUS)));
  return { file, header: bytes.subarray(0, VIRTIO_HEADER_LENGTH), packet: bytes.subarray(VIRTIO_HEADER_LENGTH) };
});
const corpusPaths = implementations.map(({ create }) => create());

const fieldsOf = fc
  .record({
    version: fc.constantFrom(4 as const, 6 as const),
    protocol: fc.constantFrom('tcp' as const, 'udp' as const),
    payload: payloadUpTo(20_000),
    words: fc.nat(10),
    tcpOptions: fc.nat(10).map(words => new Uint8Array(words * 4).fill(1)),
    flags: fc.nat(255),
    sequence: fc.nat(0xffff_ffff),
    id: fc.nat(0xffff),
  })
  .map(({ words, ...fields }) => {
    const ipOptions = fields.version === 4 ? new Uint8Array(words * 4).fill(1) : destinationOptions(words * 8 + 8);
    return { ...fields, ipOptions: words === 0 ? new Uint8Array(0) : ipOptions } satisfies SuperPacketFields;
  });

test('the builds and the twin cut generated super-packets alike, and what they cut is whole', () => {
  const paths = implementations.map(({ create }) => create());
  fc.assert(
    fc.property(fieldsOf, fc.integer({ min: 40, max: 3900 }), (fields, gsoSize) => {
      const packet = superPacket(fields);
      const offload = offloadFor(fields, gsoSize);
      const [first, ...others] = paths.map(path => segmentsOf(path, packet, offload, 1200));
      for (const other of others) assert.deepEqual(other, first);
      const segments = first!.map(segment => readSegment(segment, fields.ipOptions.length));
      assert.deepEqual(concat(...segments.map(({ payload }) => payload)), fields.payload);
      for (const [index, { sequence, id }] of segments.entries()) {
        if (fields.protocol === 'tcp') assert.equal(sequence, (fields.sequence + index * gsoSize) >>> 0);
        if (fields.version === 4) assert.equal(id, (fields.id + index) & 0xffff);
      }
    }),
    { numRuns: 300 },
  );
});

test('5,000 mutated super-packets trap nowhere, and the builds and the twin agree on each', () => {
  const paths = implementations.map(({ create }) => create());
  const mutation = fc.record({
    // Virtio header, IP header, TCP or UDP header: that is where decisions are made.
    at: fc.oneof(fc.nat(VIRTIO_HEADER_LENGTH - 1), fc.nat(VIRTIO_HEADER_LENGTH + 70)),
    byte: fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5, 0x7f, 0x80, 0xff), fc.nat(255)),
  });
  const cut = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(2100) });
  const inputs = fc.record({
    fields: fieldsOf.map(fields => ({ ...fields, payload: fields.payload.subarray(0, 6000) })),
    gsoSize: fc.oneof(fc.nat(65_535), fc.integer({ min: 100, max: 1500 })),
    mutations: fc.array(mutation, { maxLength: 3 }),
    cut,
    room: fc.oneof(fc.nat(300), fc.nat(ROOM)),
  });
  const outcomes = new Map<number, number>();
  fc.assert(
    fc.property(inputs, ({ fields, gsoSize, mutations, cut, room }) => {
      const packet = superPacket(fields);
      const length = Math.max(0, packet.length - cut);
      const [first, ...others] = paths.map(path => {
        const at = land(path, packet, offloadFor(fields, gsoSize));
        for (const { at: offset, byte } of mutations) path.memory[at - VIRTIO_HEADER_LENGTH + offset] = byte;
        return segmentInPieces(path, at, length, room);
      });
      for (const { stream, ...other } of others) {
        assert.ok(stream.equals(first!.stream));
        assert.deepEqual({ ...other, stream: first!.stream }, first);
      }
      if (first!.bytes <= 2 * ROOM) assert.equal(unframe(first!.stream).length, Math.max(0, first!.packets));
      const outcome = Math.min(first!.packets, 1);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }),
    { numRuns: 5000 },
  );
  // Else the mutations would miss what they are for.
  for (const outcome of [1, -4, -5, -6, -7, -8]) assert.ok((outcomes.get(outcome) ?? 0) > 10, `outcome ${outcome}`);
});

test('the corpus has seeds', () => {
  assert.ok(corpus.length >= 20);
});

for (const { file, header, packet } of corpus) {
  test(`the builds and the twin agree on ${file}, cut off at every byte`, () => {
    for (let length = packet.length; length >= 0; length -= 1) checkAgreement(header, packet, length);
  });
}

test(`the builds and the twin agree on mutations of the corpus for ${BUDGET_MS} ms`, t => {
  const seed = randomInt(2 ** 31);
  const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255));
  const change = fc.tuple(fc.nat(VIRTIO_HEADER_LENGTH + 80), byte);
  const find = fc.tuple(fc.constantFrom(...corpus), fc.array(change, { minLength: 1, maxLength: 6 }), fc.nat(400));
  let runs = 0;
  fc.assert(
    fc.property(find, ([{ header, packet }, changes, cut]) => {
      const bytes = concat(header, packet);
      for (const [at, value] of changes) bytes.fill(value, at, at + 1);
      const damaged = bytes.subarray(VIRTIO_HEADER_LENGTH);
      const length = cut < damaged.length ? cut : damaged.length;
      checkAgreement(bytes.subarray(0, VIRTIO_HEADER_LENGTH), damaged, length);
      runs += 1;
    }),
    // The counterexample that it prints goes into the corpus under a name.
    { seed, numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: BUDGET_MS },
  );
  t.diagnostic(`${runs} super-packets, seed ${seed}`);
  assert.ok(runs > 0);
});

/** Neither build traps, and both do what the twin does. */
function checkAgreement(header: Uint8Array, packet: Uint8Array, length: number): void {
  const [first, ...others] = corpusPaths.map(path => {
    const at = land(path, packet);
    path.memory.set(header, at - VIRTIO_HEADER_LENGTH);
    return segmentInPieces(path, at, length, CORPUS_ROOM);
  });
  for (const other of others) assert.deepEqual(other, first);
  if (first!.bytes <= 2 * ROOM) assert.equal(unframe(first!.stream).length, Math.max(0, first!.packets));
}

interface Outcome {
  readonly packets: number;
  readonly bytes: number;
  readonly written: readonly number[];
  readonly stream: Buffer;
}

/** One call with `room`, then one with all the room there is. Fails when a byte outside of what was written has changed. */
function segmentInPieces(path: PacketPath, at: number, length: number, room: number): Outcome {
  const packets = path.segmentBegin(at, length, 1200);
  const bytes = path.segmentBytes();
  const written: number[] = [];
  const parts: Uint8Array[] = [];
  const to = path.transmitAt + GUARD_LENGTH;
  for (const size of [room, 2 * ROOM]) {
    path.memory.fill(GUARD, to - GUARD_LENGTH, to);
    path.memory.fill(GUARD, to, to + Math.min(size, bytes) + GUARD_LENGTH);
    const end = to + path.segmentInto(to, size);
    assert.ok(end <= to + size);
    assert.ok(isGuard(path, to - GUARD_LENGTH, to));
    assert.ok(isGuard(path, end, to + Math.min(size, bytes) + GUARD_LENGTH));
    written.push(end - to);
    parts.push(path.memory.slice(to, end));
  }
  const stream = Buffer.concat(parts);
  if (bytes <= 2 * ROOM) assert.equal(stream.length, bytes);
  return { packets, bytes, written, stream };
}

function isGuard(path: PacketPath, from: number, to: number): boolean {
  return Buffer.alloc(to - from, GUARD).equals(path.memory.subarray(from, to));
}

/** Random bytes are dear by the thousand: a short random piece over and over. */
function payloadUpTo(maxLength: number): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 61 }), fc.nat(maxLength)).map(([piece, length]) => {
    return Uint8Array.from({ length }, (_, index) => piece[index % piece.length]!);
  });
}
