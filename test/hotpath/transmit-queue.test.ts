import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockPool } from '../../src/hotpath/block-pool.ts';
import { HotpathTwin } from '../../src/hotpath/hotpath-twin.ts';
import { FRAME_HEADER_LENGTH } from '../../src/hotpath/packet-path.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import { Refused, TransmitQueue } from '../../src/hotpath/transmit-queue.ts';
import type { TransmitWindow } from '../../src/hotpath/window-gate.ts';
import { land, offloadFor, superPacket } from './segment-packets.ts';

const path = new HotpathTwin();
const PACKET_AT = path.tunAt + path.headroom;
const SEGMENT_LENGTH = 1240;
const BULK_FLOW = 1;
const PING_FLOW = 2;

test('packets of one turn go out as one send, framed and in order, and the block comes back when they are written', () => {
  const { queue, sent, pool, total } = setUp();
  queue.append(PACKET_AT, packet(100, 1), 0);
  queue.append(PACKET_AT, packet(200, 2), 0);
  assert.equal(sent.length, 0, 'nothing before the flush');
  queue.flush();
  assert.equal(sent.length, 1);
  assert.deepEqual(payloads(sent[0]!.bytes), [
    [100, 1],
    [200, 2],
  ]);
  assert.equal(pool.available, total - 1);
  sent[0]!.written();
  assert.equal(pool.available, total);
  assert.equal(queue.bytes, 0);
});

test('what gathers during a write follows as the next write', () => {
  const { queue, sent } = setUp();
  queue.append(PACKET_AT, packet(100, 1), 0);
  queue.flush();
  queue.append(PACKET_AT, packet(100, 2), 0);
  queue.append(PACKET_AT, packet(100, 3), 0);
  queue.flush();
  assert.equal(sent.length, 1, 'one write at a time');
  sent[0]!.written();
  assert.equal(sent.length, 2);
  assert.deepEqual(payloads(sent[1]!.bytes), [
    [100, 2],
    [100, 3],
  ]);
});

test('past its bound a packet is refused, and accepted again when there is room', () => {
  const { queue, sent } = setUp({ limit: 1000 });
  assert.ok(queue.append(PACKET_AT, packet(600, 1), 0) > 0);
  assert.equal(queue.append(PACKET_AT, packet(600, 2), 0), Refused.QueueFull);
  queue.flush();
  assert.equal(queue.append(PACKET_AT, packet(600, 3), 0), Refused.QueueFull, 'bytes in flight count too');
  sent[0]!.written();
  assert.ok(queue.append(PACKET_AT, packet(600, 4), 0) > 0);
});

test('a burst larger than a block goes out flush by flush, without splitting a packet', () => {
  const { queue, sent, pool, total } = setUp();
  const count = 150;
  for (let index = 0; index < count; index++) queue.append(PACKET_AT, packet(1400, index), 0);
  queue.flush();
  const firstFlush = sent.reduce((sum, send) => sum + send.bytes.length, 0);
  assert.ok(firstFlush <= 68 * 1024, `${firstFlush} bytes at once`);
  for (let next = 0; next < sent.length; next++) sent[next]!.written();
  assert.deepEqual(
    sent.flatMap(send => payloads(send.bytes)),
    Array.from({ length: count }, (_, index) => [1400, index]),
  );
  assert.equal(pool.available, total);
  assert.equal(queue.bytes, 0);
});

test('while bulk waits, a packet of a sparse flow is sent first; packets of one flow keep their order', () => {
  const { queue, sent } = setUp();
  for (let index = 0; index < 100; index++) queue.append(PACKET_AT, packet(1400, index, BULK_FLOW), 0);
  queue.flush();
  const flushed = sent.length;
  queue.append(PACKET_AT, packet(100, 200, PING_FLOW), 0);
  queue.append(PACKET_AT, packet(1400, 100, BULK_FLOW), 0);
  queue.append(PACKET_AT, packet(100, 201, PING_FLOW), 0);
  for (let next = 0; next < sent.length; next++) sent[next]!.written();
  const later = sent.slice(flushed).flatMap(send => payloads(send.bytes));
  assert.deepEqual(later.slice(0, 2), [
    [100, 200],
    [100, 201],
  ]);
  assert.deepEqual(
    sent
      .flatMap(send => payloads(send.bytes))
      .filter(([length]) => length === 1400)
      .map(([, mark]) => mark),
    Array.from({ length: 101 }, (_, index) => index),
  );
});

test('with a full window bulk stays in the queue, where a sparse packet passes it, until the deadline', () => {
  const clock = { now: 1000 };
  const window = { room: 10_000, waitMs: 2, measure: () => window.room };
  const { queue, sent, waits } = setUp({ clock, window });
  const marks = (from: number): number[] =>
    sent.slice(from).flatMap(send => payloads(send.bytes).map(([, mark]) => mark));
  for (let index = 0; index < 60; index++) queue.append(PACKET_AT, packet(1400, index, BULK_FLOW), 0);
  queue.flush();
  queue.append(PACKET_AT, packet(100, 200, PING_FLOW), 0);
  window.room = 0;
  let from = sent.length;
  for (let next = 0; next < sent.length; next++) sent[next]!.written();
  assert.deepEqual(marks(from), [200], 'the sparse packet, and nothing behind it');
  assert.deepEqual([queue.deadline, waits.ofWindow], [1002, 1]);

  from = sent.length;
  queue.append(PACKET_AT, packet(100, 201, PING_FLOW), 0);
  queue.flush();
  assert.deepEqual(marks(from), [201], 'it need not wait for the window');
  assert.equal(queue.deadline, Number.POSITIVE_INFINITY, 'what is under way comes first');
  sent[from]!.written();
  assert.deepEqual([queue.deadline, waits.ofWindow], [1002, 2]);

  from = sent.length;
  window.room = 5000;
  clock.now = 1002;
  queue.handleTimeout();
  assert.equal(sent.length, from + 1);
  assert.ok(sent[from]!.bytes.length <= 5000 && marks(from).every(mark => mark < 60));
  assert.equal(waits.ofRate, 0);
});

test('a standing queue loses packets from its head, each of them reported', () => {
  const clock = { now: 1000 };
  const { queue, sent, dropped } = setUp({ clock });
  let taken = 0;
  let packets = 0;
  // A link of one flush in 50 ms under a sender that keeps 300 KB waiting.
  for (let step = 0; step < 100; step++) {
    while (queue.bytes < 200_000) {
      assert.ok(queue.append(PACKET_AT, packet(1400, 0), 0) > 0);
      packets++;
    }
    queue.flush();
    clock.now += 50;
    for (const send of sent.splice(0)) {
      taken += payloads(send.bytes).length;
      send.written();
    }
  }
  for (let flush = sent.splice(0); flush.length > 0; flush = sent.splice(0)) {
    for (const send of flush) {
      taken += payloads(send.bytes).length;
      send.written();
    }
  }
  assert.ok(dropped.length > 10, `${dropped.length} drops`);
  assert.ok(dropped.every(length => length === 1400));
  assert.equal(taken + dropped.length, packets);
});

test('with one packet a send, each SSTP packet is a send of its own', () => {
  const { queue, sent, pool, total } = setUp({ onePacketPerSend: true });
  for (let index = 0; index < 5; index++) queue.append(PACKET_AT, packet(50 + index, index), 0);
  queue.flush();
  assert.deepEqual(
    sent.map(send => payloads(send.bytes)),
    Array.from({ length: 5 }, (_, index) => [[50 + index, index]]),
  );
  for (const send of sent) send.written();
  assert.equal(pool.available, total);
});

test('a connection that writes at once does not end a flush early', () => {
  const sent: Uint8Array[] = [];
  const pool = new BlockPool(path);
  const total = pool.available;
  const queue = new TransmitQueue(path, pool, { limit: 1e6, onePacketPerSend: true }, () => 0, {
    sendPackets: (bytes, written) => {
      sent.push(bytes.slice());
      written();
    },
    dropped: () => assert.fail('a packet was dropped'),
  });
  for (let index = 0; index < 40; index++) queue.append(PACKET_AT, packet(1400, index), 0);
  queue.flush();
  assert.equal(sent.length, 40);
  assert.equal(pool.available, total);
});

test('release gives back what waits at once, and what is in flight when it was written', () => {
  const { queue, sent, pool, total } = setUp();
  queue.append(PACKET_AT, packet(100, 1), 0);
  queue.flush();
  queue.append(PACKET_AT, packet(100, 2), 0);
  queue.release();
  assert.equal(pool.available, total - 1);
  sent[0]!.written();
  assert.equal(pool.available, total);
  assert.equal(sent.length, 1, 'nothing is sent after release');
});

test('a packet that cannot be framed is refused with the code of the hot path and leaves the queue as it was', () => {
  const { queue, sent } = setUp();
  path.view.setUint8(PACKET_AT, 0);
  assert.ok(queue.append(PACKET_AT, 40, 0) < 0);
  assert.equal(queue.bytes, 0);
  queue.append(PACKET_AT, packet(100, 7), 0);
  queue.flush();
  assert.deepEqual(payloads(sent[0]!.bytes), [[100, 7]]);
});

test('an empty block pool is a refusal, not a failure', () => {
  const { queue, pool } = setUp();
  while (pool.available > 0) pool.take();
  assert.equal(queue.append(PACKET_AT, packet(100, 1), 0), Refused.NoBlock);
});

test('a super-packet goes on in the next block when one is full, in order, among other packets', () => {
  const { queue, sent, pool, total } = setUp();
  queue.append(PACKET_AT, packet(4000, 1), 0);
  assert.equal(queue.appended, 1);
  const { length, framed, marks } = superPacketOf(54);
  assert.equal(queue.append(PACKET_AT, length, 0), framed);
  assert.equal(queue.appended, 54);
  assert.equal(queue.bytes, FRAME_HEADER_LENGTH + 4000 + framed);
  queue.append(PACKET_AT, packet(200, 2), 0);
  assert.equal(pool.available, total - 2);
  queue.flush();
  for (let next = 0; next < sent.length; next++) sent[next]!.written();
  assert.deepEqual(
    sent.flatMap(send => payloads(send.bytes)),
    [[4000, 1], ...marks.map(mark => [SEGMENT_LENGTH, mark]), [200, 2]],
  );
  assert.deepEqual([pool.available, queue.bytes], [total, 0]);
});

test('the bound holds for a super-packet as a whole, to the byte, and leaves room for a small packet', () => {
  const { length, framed } = superPacketOf(20);
  assert.equal(setUp({ limit: framed }).queue.append(PACKET_AT, length, 0), framed);
  const { queue, sent } = setUp({ limit: framed - 1 });
  assert.equal(queue.append(PACKET_AT, length, 0), Refused.QueueFull);
  assert.deepEqual([queue.appended, queue.bytes], [20, 0], 'all of its packets are dropped');
  assert.ok(queue.append(PACKET_AT, packet(100, 1), 0) > 0);
  queue.flush();
  assert.deepEqual(payloads(sent[0]!.bytes), [[100, 1]]);
});

test('a super-packet for which blocks run out halfway is refused as a whole and gives them back', () => {
  const { queue, sent, pool } = setUp();
  queue.append(PACKET_AT, packet(4000, 1), 0);
  while (pool.available > 0) pool.take();
  const { length } = superPacketOf(54);
  assert.equal(queue.append(PACKET_AT, length, 0), Refused.NoBlock);
  assert.deepEqual([queue.appended, queue.bytes, pool.available], [54, FRAME_HEADER_LENGTH + 4000, 0]);
  queue.append(PACKET_AT, packet(200, 2), 0);
  queue.flush();
  assert.deepEqual(payloads(sent[0]!.bytes), [
    [4000, 1],
    [200, 2],
  ]);
});

interface SetUp {
  readonly limit?: number;
  readonly onePacketPerSend?: boolean;
  readonly clock?: { now: number };
  readonly window?: TransmitWindow;
}

function setUp({ limit = 256 * 1024, onePacketPerSend = false, clock = { now: 0 }, window }: SetUp = {}) {
  const sent: { bytes: Uint8Array; written: () => void }[] = [];
  const dropped: number[] = [];
  const waits = { ofRate: 0, ofWindow: 0 };
  const pool = new BlockPool(path);
  const options = { limit, onePacketPerSend, ...(window && { window }) };
  const queue = new TransmitQueue(path, pool, options, () => clock.now, {
    sendPackets: (bytes, written) => sent.push({ bytes, written }),
    dropped: length => dropped.push(length),
    waits: () => waits.ofRate++,
    waitsForWindow: () => waits.ofWindow++,
  });
  return { queue, sent, dropped, waits, pool, total: pool.available };
}

/** Puts a TCP super-packet of full segments in place; the last byte of each is its mark. */
function superPacketOf(segments: number): { length: number; framed: number; marks: number[] } {
  const gsoSize = SEGMENT_LENGTH - 40;
  const marks = Array.from({ length: segments }, (_, index) => index + 1);
  const payload = new Uint8Array(segments * gsoSize);
  for (const mark of marks) payload[mark * gsoSize - 1] = mark;
  const fields = { version: 4, protocol: 'tcp', payload } as const;
  const packet = superPacket(fields);
  land(path, packet, offloadFor(fields, gsoSize));
  return { length: packet.length, framed: segments * (FRAME_HEADER_LENGTH + SEGMENT_LENGTH), marks };
}

/** Writes an IPv4 packet from host `flow` whose last byte is `mark`, with an empty virtio header. @returns its length */
function packet(length: number, mark: number, flow = 0): number {
  path.memory.fill(0, PACKET_AT - VIRTIO_HEADER_LENGTH, PACKET_AT + length);
  path.view.setUint8(PACKET_AT, 0x45);
  path.view.setUint16(PACKET_AT + 2, length);
  path.view.setUint32(PACKET_AT + 12, flow);
  path.view.setUint8(PACKET_AT + length - 1, mark);
  return length;
}

/** The IP length and the mark of each SSTP packet in `bytes`. */
function payloads(bytes: Uint8Array): [length: number, mark: number][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: [number, number][] = [];
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint16(at + 2);
    assert.ok(length > FRAME_HEADER_LENGTH);
    found.push([length - FRAME_HEADER_LENGTH, bytes[at + length - 1]!]);
    at += length;
  }
  return found;
}
