// A capture in its worker, with a main thread that takes what it gets, late or never.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { encodeInterface, encodeSectionHeader, encodeStatistics } from '../../src/wire/pcapng.ts';
import { encodeDataPacket } from '../../src/wire/ppp.ts';
import { encodeControlPacket, MessageType } from '../../src/wire/sstp.ts';
import type { CapturePlan, FromCapture, ToCapture } from '../../src/worker/messages.ts';
import { SessionCapture } from '../../src/worker/session-capture.ts';
import { type PcapngFile, readPcapng } from '../wire/pcapng-file.ts';

const IPV4 = 0x0021;
const PLAN: CapturePlan = {
  seconds: 60,
  bytes: 1e9,
  frames: Number.POSITIVE_INFINITY,
  snapLength: 0,
  authentication: false,
};

/** The main thread's part. */
class Reader {
  readonly messages: FromCapture[] = [];
  readonly capture: SessionCapture;
  readonly #port: MessagePort;
  readonly #closed: Promise<unknown>;
  overs = 0;

  /** @param takes whether it says of each part that it has been passed on. */
  constructor(plan: Partial<CapturePlan>, takes: boolean) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#closed = once(port1, 'close');
    port1.on('message', (message: FromCapture) => {
      this.messages.push(message);
      if (takes && message.kind === 'part') this.say({ kind: 'taken' });
    });
    this.capture = new SessionCapture(
      port2,
      { ...PLAN, ...plan },
      () => performance.now(),
      () => this.overs++,
    );
  }

  say(message: ToCapture): void {
    this.#port.postMessage(message);
  }

  leave(): void {
    this.#port.close();
  }

  /** Everything that came until the port was closed. */
  async file(): Promise<PcapngFile> {
    await this.#closed;
    const blocks = this.messages.map(message => {
      if (message.kind === 'part') return message.bytes;
      const { start, end, received, dropped, reason } = message;
      return encodeStatistics({ start, end, received, dropped, comment: reason });
    });
    return readPcapng(Buffer.concat([encodeSectionHeader('', ''), encodeInterface('', 0), ...blocks]));
  }
}

describe('a capture in its worker', () => {
  const readers: Reader[] = [];
  const start = (plan: Partial<CapturePlan> = {}, takes = true): Reader => {
    const reader = new Reader(plan, takes);
    readers.push(reader);
    return reader;
  };
  afterEach(() => {
    for (const reader of readers.splice(0)) reader.leave();
  });

  test('takes the frames of data packets, in their directions, and passes control packets over', async () => {
    const reader = start();
    const { capture } = reader;
    const echo = encodeControlPacket({ type: MessageType.EchoRequest, attributes: [] });
    capture.received(Buffer.concat([data(10), echo, data(20)]));
    capture.sent(echo);
    capture.sent(data(30));
    capture.end('session-ended');
    const { frames, statistics } = await reader.file();
    assert.deepEqual(
      frames.map(({ direction, bytes }) => [direction, bytes.length]),
      [
        ['received', 14],
        ['received', 24],
        ['sent', 34],
      ],
    );
    assert.deepEqual([statistics?.received, statistics?.dropped, statistics?.comment], [3, 0, 'session-ended']);
  });

  test('copies: what happens to the packets afterwards does not show', async () => {
    const reader = start();
    const { capture } = reader;
    const packet = data(100, 7);
    capture.received(packet);
    packet.fill(0xff);
    capture.end('stopped');
    assert.deepEqual((await reader.file()).frames[0]?.bytes.subarray(4), Buffer.alloc(100, 7));
  });

  test('sends what it has a moment later, also when nothing follows', async () => {
    const reader = start();
    reader.capture.received(data(10));
    for (let look = 0; look < 500 && reader.messages.length === 0; look++) await sleep(10);
    assert.equal(reader.messages.length, 1);
  });

  test('keeps every frame for a reader that takes what it gets', async () => {
    const reader = start();
    const { capture } = reader;
    for (let batch = 0; batch < 300; batch++) {
      for (let index = 0; index < 30; index++) capture.sent(data(1400));
      await new Promise(resolve => setImmediate(resolve));
    }
    capture.end('stopped');
    const { frames, statistics } = await reader.file();
    assert.deepEqual([frames.length, statistics?.received, statistics?.dropped], [9000, 9000, 0]);
  });

  test('holds no more than a megabyte for one that takes nothing, and counts what is missing', async () => {
    const reader = start({}, false);
    const { capture } = reader;
    for (let batch = 0; batch < 100; batch++) {
      for (let index = 0; index < 100; index++) capture.sent(data(1400));
      await new Promise(resolve => setImmediate(resolve));
    }
    capture.end('stopped');
    const { frames, statistics } = await reader.file();
    const bytes = reader.messages.reduce(
      (sum, message) => sum + (message.kind === 'part' ? message.bytes.buffer.byteLength : 0),
      0,
    );
    assert.ok(bytes <= 1024 * 1024, `${bytes} bytes`);
    assert.ok(frames.length > 500);
    assert.deepEqual([statistics?.received, statistics!.dropped], [10_000, 10_000 - frames.length]);
  });

  test('goes on when a slow reader has taken something', async () => {
    const reader = start({}, false);
    const { capture } = reader;
    for (let index = 0; index < 1000; index++) capture.sent(data(1400));
    for (let look = 0; look < 500 && reader.messages.length < 15; look++) await sleep(10);
    assert.equal(reader.messages.length, 15, 'as many parts as may be under way');
    reader.say({ kind: 'taken' });
    for (let look = 0; look < 500 && reader.messages.length < 16; look++) await sleep(10);
    assert.equal(reader.messages.length, 16, 'the part that was at hand');
    capture.received(data(8));
    capture.end('stopped');
    const { frames, statistics } = await reader.file();
    assert.equal(frames.at(-1)?.direction, 'received');
    assert.ok(statistics!.dropped > 0);
  });

  test('is over once, whoever ends it, and hears nothing more', async () => {
    for (const finish of [
      (reader: Reader) => reader.capture.end('session-ended'),
      (reader: Reader) => reader.say({ kind: 'stop' }),
      (reader: Reader) => reader.leave(),
    ]) {
      const reader = start();
      reader.capture.received(data(10));
      finish(reader);
      for (let look = 0; look < 500 && reader.overs === 0; look++) await sleep(10);
      reader.capture.received(data(10));
      reader.capture.sent(data(10));
      reader.capture.end('stopped');
      assert.equal(reader.overs, 1);
    }
  });

  test('ends in the middle of a batch at its bounds', async () => {
    const batch = Buffer.concat(Array.from({ length: 10 }, () => data(100)));
    const counted = start({ frames: 3 });
    counted.capture.sent(batch);
    assert.equal(counted.overs, 1);
    const file = await counted.file();
    assert.deepEqual([file.frames.length, file.statistics?.received, file.statistics?.comment], [3, 3, 'packets']);

    const measured = start({ bytes: 500 });
    measured.capture.sent(batch);
    const { frames, statistics } = await measured.file();
    const [part] = measured.messages;
    assert.ok(part?.kind === 'part' && part.bytes.length <= 500);
    assert.deepEqual([frames.length, statistics?.received, statistics?.comment], [3, 3, 'bytes']);
  });
});

/** A data packet with an IPv4 frame of so many bytes behind its header. */
function data(length: number, value = 0): Uint8Array {
  return encodeDataPacket(IPV4, new Uint8Array(length).fill(value));
}
