// A transmit queue with a rate, in virtual time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BlockPool } from '../../src/hotpath/block-pool.ts';
import { HotpathTwin } from '../../src/hotpath/hotpath-twin.ts';
import { FRAME_HEADER_LENGTH, MAX_FRAMED_LENGTH, PathError } from '../../src/hotpath/packet-path.ts';
import { Refused, TransmitQueue } from '../../src/hotpath/transmit-queue.ts';
import { PppProtocol } from '../../src/wire/ppp.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';

const path = new HotpathTwin();
const PACKET_AT = path.tunAt + path.headroom;
const BULK_FLOW = 1;
const PING_FLOW = 2;
const MEGABIT = 1e6;

for (const megabits of [1, 10, 100]) {
  test(`a sender that always has packets gets ${megabits} Mbit/s, less what a packet of debt is`, () => {
    const link = new ShapedLink();
    link.queue.setRate(megabits * MEGABIT, undefined);
    link.run(2000, () => link.fill(60_000));
    const before = link.sentBytes;
    link.run(10_000, () => link.fill(60_000));
    const asked = megabits * MEGABIT * 10 * 0.125;
    assert.ok(
      Math.abs(link.sentBytes - before - asked) <= 3000 + asked * 0.002,
      `${link.sentBytes - before} of ${asked}`,
    );
  });
}

test('after a silence no more than the burst passes at once', () => {
  const link = new ShapedLink();
  link.queue.setRate(10 * MEGABIT, 50_000);
  link.fill(90_000);
  link.queue.flush();
  assert.ok(link.sentBytes >= 50_000 && link.sentBytes < 50_000 + 1400, `${link.sentBytes} at once`);
});

test('a packet of a sparse flow goes on account, past the packets that wait for tokens', () => {
  const link = new ShapedLink();
  link.queue.setRate(MEGABIT, undefined);
  link.run(500, () => link.fill(30_000));
  for (let ping = 0; ping < 10; ping++) {
    link.run(100, () => link.fill(30_000));
    const before = link.flows.length;
    link.append(84, PING_FLOW);
    link.queue.flush();
    assert.equal(link.flows[before], PING_FLOW, 'in the same turn');
  }
});

test('sparse flows are subject to the rate too: many of them together do not exceed it', () => {
  const link = new ShapedLink();
  link.queue.setRate(MEGABIT, undefined);
  let flow = 10;
  link.run(10_000, () => {
    for (let count = 0; count < 8; count++) link.append(600, flow++);
  });
  assert.ok(link.sentBytes < 1_250_000 + 12_000 + 3000, `${link.sentBytes} of 1250000`);
  assert.ok(link.sentBytes > 1_200_000, `${link.sentBytes} of 1250000`);
});

test('a standing queue is kept short by drops', () => {
  const link = new ShapedLink();
  link.queue.setRate(10 * MEGABIT, undefined);
  // A sender that does not listen to drops: the worst case. It sends 11 Mbit/s.
  link.run(20_000, now => {
    while (link.offered < (now * 11 * MEGABIT) / 8000) link.append(1400, BULK_FLOW);
  });
  assert.ok(link.dropped > 0);
  assert.ok(link.longestWait < 400, `${link.longestWait} ms`);
});

test('the rate changes while packets wait: faster, slower, and none', () => {
  const link = new ShapedLink();
  const measured = [1, 20, 5].map(megabits => {
    link.queue.setRate(megabits * MEGABIT, undefined);
    link.run(1000, () => link.fill(60_000));
    const before = link.sentBytes;
    link.run(4000, () => link.fill(60_000));
    return (link.sentBytes - before) / (4 * 0.125 * MEGABIT);
  });
  for (const [index, megabits] of [1, 20, 5].entries()) {
    assert.ok(Math.abs(measured[index]! / megabits - 1) < 0.02, `${measured[index]} of ${megabits}`);
  }
  link.fill(60_000);
  link.queue.setRate(undefined, undefined);
  link.drain();
  assert.equal(link.queue.bytes, 0);
  assert.equal(link.queue.deadline, Number.POSITIVE_INFINITY);
  assert.equal(link.pool.available, path.transmitBlocks);
});

test('without a rate nothing waits for a deadline', () => {
  const link = new ShapedLink();
  link.fill(60_000);
  link.queue.flush();
  assert.equal(link.queue.deadline, Number.POSITIVE_INFINITY);
  assert.equal(link.waits, 0);
});

test('each time that tokens run out its owner is told, and the deadline is when they are there again', () => {
  const link = new ShapedLink();
  link.queue.setRate(8 * MEGABIT, undefined);
  link.fill(90_000);
  link.queue.flush();
  assert.equal(link.waits, 1);
  const { deadline } = link.queue;
  assert.ok(deadline > 0 && deadline < 3);
  link.clock.now = deadline;
  const before = link.sentBytes;
  link.queue.handleTimeout();
  assert.equal(link.sentBytes - before, 1400);
});

test('a queue that is released waits for nothing', () => {
  const link = new ShapedLink();
  link.queue.setRate(MEGABIT, undefined);
  link.fill(30_000);
  link.queue.flush();
  link.queue.release();
  assert.equal(link.queue.deadline, Number.POSITIVE_INFINITY);
  assert.equal(link.pool.available, path.transmitBlocks);
});

test('a packet that is offered passes within the rate, and is held and framed beyond it', () => {
  const link = new ShapedLink();
  link.queue.setRate(MEGABIT, undefined);
  const answers = Array.from({ length: 8 }, (_, index) => link.offer(1400, BULK_FLOW, index));
  assert.deepEqual(
    answers,
    [0, 0, 0, 0, 0, 1408, 1408, 1408],
    'the burst of 6000 bytes, the last packet of it on account',
  );
  assert.equal(link.sentBytes, 0);
  link.run(100, () => {});
  assert.deepEqual(link.marks, [5, 6, 7]);
  assert.deepEqual([link.queue.bytes, link.pool.available], [0, path.transmitBlocks]);
});

test('a sparse packet that is offered passes others that are held, but not those of its own flow', () => {
  const link = new ShapedLink();
  link.queue.setRate(MEGABIT, undefined);
  for (let index = 0; index < 8; index++) link.offer(1400, BULK_FLOW, index);
  assert.equal(link.offer(100, PING_FLOW, 8), 108, 'any flow may be among those held before flows were told apart');
  link.run(40, () => {});
  for (let index = 9; index < 20; index++) link.offer(1400, BULK_FLOW, index);
  link.run(80, () => link.offer(1400, BULK_FLOW, 20));
  assert.equal(link.offer(100, PING_FLOW, 99), 0);
  assert.ok(link.offer(100, BULK_FLOW, 99) > 0);
});

test('a sparse packet that is offered does not pass one of its flow that waits for the account to be paid', () => {
  const link = new ShapedLink();
  link.queue.setRate(MEGABIT, undefined);
  for (let index = 0; index < 8; index++) link.offer(1400, BULK_FLOW, index);
  link.run(30, () => {});
  for (let index = 8; index < 20; index++) link.offer(1400, BULK_FLOW, index);
  link.run(30, () => {});
  let flow = 77;
  while (link.offer(1000, flow, 0) === 0) flow++;
  assert.ok(flow > 20 + 6, 'some passed on account');
  link.clock.now += 20;
  assert.ok(link.offer(100, flow, 1) > 0);
});

test('what is offered beyond the bound, or is too long for a frame, is refused', () => {
  const link = new ShapedLink();
  link.queue.setRate(MEGABIT, undefined);
  let refused = 0;
  for (let index = 0; index < 100; index++) if (link.offer(1400, BULK_FLOW, index) === Refused.QueueFull) refused++;
  assert.ok(refused > 0 && link.queue.bytes <= 96 * 1024);
  assert.equal(link.offer(MAX_FRAMED_LENGTH + 1, BULK_FLOW, 0), PathError.TooLong);
});

test('whatever comes and however the rate changes: packets keep their order in a flow, none is lost or sent twice', () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant('offer' as const), length: fc.integer({ min: 40, max: 1400 }), flow: fc.nat(3) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 60 }) }),
    fc.record({
      kind: fc.constant('rate' as const),
      rate: fc.option(fc.integer({ min: 1e4, max: 1e8 }), { nil: undefined }),
    }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 150 }), actions => {
      const link = new ShapedLink();
      link.queue.setRate(MEGABIT, undefined);
      const arrived: number[][] = [[], [], [], []];
      let expected = 0;
      let mark = 0;
      for (const each of actions) {
        if (each.kind === 'wait') link.run(each.ms, () => {});
        else if (each.kind === 'rate') link.queue.setRate(each.rate, undefined);
        else {
          mark = (mark + 1) % 256;
          const taken = link.offer(each.length, each.flow, mark);
          if (taken >= 0) expected++;
          if (taken === 0) link.onPacket(each.flow, mark);
        }
      }
      link.queue.setRate(undefined, undefined);
      for (const [index, flow] of link.flows.entries()) arrived[flow]!.push(link.marks[index]!);
      assert.equal(link.marks.length + link.dropped, expected);
      for (const marks of arrived) {
        for (let index = 1; index < marks.length; index++) {
          const step = (marks[index]! - marks[index - 1]! + 256) % 256;
          assert.ok(step > 0 && step < 200, `${marks[index]} after ${marks[index - 1]}`);
        }
      }
      assert.deepEqual([link.queue.bytes, link.pool.available], [0, path.transmitBlocks]);
    }),
    { numRuns: 200 },
  );
});

/** A queue whose connection takes everything at once: the rate alone is what packets wait for. */
class ShapedLink {
  readonly clock = { now: 0 };
  readonly pool = new BlockPool(path);
  readonly queue: TransmitQueue;
  readonly marks: number[] = [];
  readonly flows: number[] = [];
  sentBytes = 0;
  /** Bytes that were appended, taken up or not. */
  offered = 0;
  dropped = 0;
  waits = 0;
  longestWait = 0;
  readonly #arrivals: number[] = [];

  constructor() {
    this.queue = new TransmitQueue(
      path,
      this.pool,
      { limit: 512 * 1024, onePacketPerSend: false },
      () => this.clock.now,
      {
        sendPackets: (bytes, written) => {
          this.#receive(bytes);
          written();
        },
        dropped: () => {
          this.dropped++;
          this.#arrivals.shift();
        },
        waits: () => this.waits++,
      },
    );
  }

  append(length: number, flow: number): void {
    this.offered += length;
    if (this.queue.append(PACKET_AT, this.#write(length, flow, 0), 0) > 0 && flow === BULK_FLOW) {
      this.#arrivals.push(this.clock.now);
    }
  }

  offer(length: number, flow: number, mark: number): number {
    return this.queue.offer(PACKET_AT, this.#write(length, flow, mark), PppProtocol.Ipv4);
  }

  fill(bytes: number): void {
    while (this.queue.bytes < bytes) this.append(1400, BULK_FLOW);
  }

  /** A turn each millisecond, at whose end what came is flushed; deadlines are kept 5 ms too late, as `Deadlines` may. */
  run(ms: number, turn: (now: number) => void): void {
    const end = this.clock.now + ms;
    while (this.clock.now < end) {
      this.clock.now++;
      const before = this.offered;
      turn(this.clock.now);
      if (this.offered > before) this.queue.flush();
      if (this.queue.deadline + 5 <= this.clock.now) this.queue.handleTimeout();
    }
  }

  drain(): void {
    while (this.queue.bytes > 0) this.queue.flush();
  }

  onPacket(flow: number, mark: number): void {
    this.flows.push(flow);
    this.marks.push(mark);
  }

  #receive(frames: Uint8Array): void {
    const view = new DataView(frames.buffer, frames.byteOffset, frames.byteLength);
    for (let at = 0; at < frames.length;) {
      const length = view.getUint16(at + 2) & 0x0fff;
      assert.equal(view.getUint16(at), 0x1000);
      assert.equal(view.getUint32(at + 4), 0xff030021);
      const flow = view.getUint32(at + FRAME_HEADER_LENGTH + 12);
      this.onPacket(flow, frames[at + length - 1]!);
      this.sentBytes += length - FRAME_HEADER_LENGTH;
      if (flow === BULK_FLOW)
        this.longestWait = Math.max(this.longestWait, this.clock.now - (this.#arrivals.shift() ?? this.clock.now));
      at += length;
    }
  }

  #write(length: number, flow: number, mark: number): number {
    path.memory.fill(0, PACKET_AT - VIRTIO_HEADER_LENGTH, PACKET_AT + length);
    path.view.setUint8(PACKET_AT, 0x45);
    path.view.setUint16(PACKET_AT + 2, length);
    path.view.setUint32(PACKET_AT + 12, flow);
    path.view.setUint8(PACKET_AT + length - 1, mark);
    return length;
  }
}
