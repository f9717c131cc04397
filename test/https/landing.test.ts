import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { RECEIVE_BUDGET } from '../../src/https/tls-connection.ts';
import {
  connectClient,
  eventually,
  openTunnel,
  Recorder,
  REQUEST,
  startListener,
  type TestListener,
} from './fixture.ts';

const RECORD_LENGTH = 16 * 1024;

describe('what a connection receives', () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`over ${maxVersion} appears in the one place that its owner gave, for all connections, whole and in order`, async () => {
      const landing = new Uint8Array(RECORD_LENGTH);
      await using server = await startListener({ makeUpper: connection => new Landed(connection, landing) });
      const tunnels = [];
      for (let count = 0; count < 3; count++) tunnels.push(await open(server, maxVersion));
      const sent = tunnels.map(({ client }, index) => {
        const bytes = pattern(300_000 + index, index);
        for (let offset = 0; offset < bytes.length; offset += 70_001) {
          client.socket.write(bytes.subarray(offset, offset + 70_001));
        }
        return bytes;
      });
      for (const [index, { upper }] of tunnels.entries()) {
        await eventually(() => upper.received >= sent[index]!.length);
        assert.deepEqual(Buffer.concat(upper.chunks), sent[index]);
        assert.ok(upper.places.every(buffer => buffer === landing.buffer));
      }
    });
  }

  test('together with the request comes first, from where it was', async () => {
    const landing = new Uint8Array(RECORD_LENGTH);
    await using server = await startListener({ makeUpper: connection => new Landed(connection, landing) });
    const client = await connectClient(server.port);
    client.socket.write(`${REQUEST}first`);
    await eventually(() => server.accepted[0]?.text === 'first');
    client.socket.write('second');
    await eventually(() => server.accepted[0]?.text === 'firstsecond');
  });

  test('ends with the end of the stream, and nothing comes after an abort', async () => {
    const landing = new Uint8Array(RECORD_LENGTH);
    await using server = await startListener({ makeUpper: connection => new Landed(connection, landing) });
    const [one, other] = [await open(server), await open(server)];
    one.client.socket.end(Buffer.alloc(600_000));
    await eventually(() => one.upper.causes.length > 0);
    assert.deepEqual([one.upper.received, one.upper.causes], [600_000, ['fin']]);

    other.client.socket.on('error', () => {});
    other.client.socket.write(Buffer.alloc(600_000));
    await eventually(() => other.upper.received > 0);
    other.upper.connection.abort();
    const { received } = other.upper;
    await eventually(() => other.client.socket.destroyed);
    assert.equal(other.upper.received, received);
  });

  for (const landing of [undefined, new Uint8Array(RECORD_LENGTH)]) {
    test(`is bounded in each turn of the event loop, ${landing === undefined ? 'in buffers of its own' : 'in one place'}`, async () => {
      await using server = await startListener({ makeUpper: connection => new Landed(connection, landing) });
      const quiet = await open(server);
      const bulk = new Worker(BULK_CLIENT, { eval: true, workerData: { port: server.port, request: REQUEST } });
      const upper = await eventually(() => server.accepted[1]);
      assert.ok(upper instanceof Landed);
      const perTurn: number[] = [];
      for (let turn = 0; turn < 200; turn++) {
        const before = upper.received;
        await new Promise(resolve => setImmediate(resolve));
        perTurn.push(upper.received - before);
        // A message of another tunnel passes while the bulk is under way.
        if (turn === 100) quiet.client.socket.write('hello');
        // Time for the bulk to fill what the kernel has room for.
        Atomics.wait(pause, 0, 0, 5);
      }
      await bulk.terminate();
      assert.equal(quiet.upper.text, 'hello');
      const most = Math.max(...perTurn);
      assert.ok(most >= RECEIVE_BUDGET && most <= RECEIVE_BUDGET + 2 * RECORD_LENGTH, `${most} bytes in a turn`);
    });
  }
});

/** Sends as fast as it can, on a thread of its own. */
const BULK_CLIENT = `
  const { workerData } = require('node:worker_threads');
  const socket = require('node:tls').connect({ port: workerData.port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.on('error', () => {});
  socket.write(workerData.request);
  const bytes = Buffer.alloc(1 << 20);
  const more = () => socket.write(bytes, more);
  socket.once('data', more);
`;
const pause = new Int32Array(new SharedArrayBuffer(4));

class Landed extends Recorder {
  readonly places: ArrayBufferLike[] = [];
  received = 0;

  constructor(connection: Recorder['connection'], landing: Uint8Array | undefined) {
    super(connection);
    if (landing !== undefined) connection.landIn(landing);
  }

  override receive(chunk: Uint8Array): void {
    this.received += chunk.length;
    this.places.push(chunk.buffer);
    super.receive(chunk);
  }
}

async function open(server: TestListener, maxVersion?: 'TLSv1.2' | 'TLSv1.3') {
  const { client, upper } = await openTunnel(server, maxVersion === undefined ? {} : { maxVersion });
  assert.ok(upper instanceof Landed);
  return { client, upper };
}

function pattern(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >> 8) + seed) & 0xff;
  return bytes;
}
