// The capture of a session as the admin plane answers it: what may be asked for, and bytes at the pace of their reader.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ByteStream } from '../../src/admin/byte-stream.ts';
import { FakeGateway } from './fake-gateway.ts';
import { SilentAdmin } from './silent-admin.ts';

const DEFAULTS = { seconds: 60, bytes: 64 * 1024 * 1024, packets: undefined, snaplen: undefined, auth: false };
/** In no head and in no length of a chunk. */
const MARK = 0x7e;
const PART = new Uint8Array(4096).fill(MARK);

/** Parts without end, each at once, until it is out of them for the time being. */
class Endless implements ByteStream {
  isOut = false;
  reads = 0;
  cancels = 0;

  read(): Promise<Uint8Array | undefined> {
    if (this.isOut) return new Promise(() => undefined);
    this.reads++;
    // Otherwise nothing else would have its turn.
    return new Promise(resolve => void setImmediate(() => resolve(PART)));
  }

  cancel(): void {
    this.cancels++;
  }
}

describe('a capture on the admin plane', () => {
  let gateway: FakeGateway;
  let server: SilentAdmin;

  beforeEach(async () => {
    gateway = new FakeGateway();
    gateway.add('a b');
    server = await SilentAdmin.start(gateway);
  });
  afterEach(() => server.close());

  const ask = (query = '', init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.url}/api/v1/sessions/a%20b/capture${query}`, init);

  test('is what was asked for, by whom, and streams what comes until its end', async () => {
    const parts = [Uint8Array.of(1, 2), Uint8Array.of(3)];
    gateway.captured = { read: async () => parts.shift(), cancel: () => assert.fail('it was read to its end') };
    const response = await ask('?seconds=5&bytes=5000&packets=7&snaplen=64&auth=true');
    assert.equal(response.headers.get('content-type'), 'application/x-pcapng');
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), Uint8Array.of(1, 2, 3));
    const options = { seconds: 5, bytes: 5000, packets: 7, snaplen: 64, auth: true };
    assert.deepEqual(gateway.captures, [{ id: 'a b', options, by: '127.0.0.1' }]);
  });

  test('has bounds when none are asked for, and takes none beyond', async () => {
    await ask();
    assert.deepEqual(gateway.captures.pop()?.options, DEFAULTS);
    for (const [query, message] of [
      ['seconds=0', 'seconds must be a whole number from 1 to 3600'],
      ['seconds=3601', 'seconds must be a whole number from 1 to 3600'],
      ['seconds=1.5', 'seconds must be a whole number from 1 to 3600'],
      ['bytes=4095', 'bytes must be a whole number from 4096 to 1073741824'],
      ['packets=-1', 'packets must be a whole number from 1 to 1000000000'],
      ['snaplen=15', 'snaplen must be a whole number from 16 to 65535'],
      ['snaplen=', 'snaplen must be a whole number from 16 to 65535'],
      ['auth=yes', 'auth must be true or false'],
      ['constructor=1', 'there is no parameter constructor; accepted: seconds, bytes, packets, snaplen, auth'],
    ] as const) {
      const response = await ask(`?${query}`);
      assert.equal(response.status, 400, query);
      assert.deepEqual(await response.json(), { error: { code: 'bad-query', message } });
    }
    assert.deepEqual(gateway.captures, []);
  });

  test('is refused with what stands against it', async () => {
    for (const [refusal, status] of [
      ['no-such-session', 404],
      ['already-captured', 409],
      ['too-many-captures', 429],
    ] as const) {
      gateway.captured = refusal;
      const response = await ask();
      assert.equal(response.status, status);
      assert.equal(((await response.json()) as { error: { code: string } }).error.code, refusal);
    }
  });

  test('is not begun by HEAD', async () => {
    assert.equal((await ask('', { method: 'HEAD' })).status, 200);
    gateway.rows.clear();
    assert.equal((await ask('', { method: 'HEAD' })).status, 404);
    assert.deepEqual(gateway.captures, []);
  });

  test('is ended by DELETE', async () => {
    const stopped = await ask('', { method: 'DELETE' });
    assert.equal(stopped.status, 202);
    assert.deepEqual(await stopped.json(), { id: 'a b', state: 'stopping' });
    gateway.rows.clear();
    assert.equal((await ask('', { method: 'DELETE' })).status, 404);
    assert.deepEqual(gateway.stopped, ['a b', 'a b']);
  });

  test('stops being made while nobody reads, goes on, and is cancelled when the reader leaves', async () => {
    const source = new Endless();
    gateway.captured = source;
    const reader = connect(server.port, '127.0.0.1', () =>
      reader.write('GET /api/v1/sessions/a%20b/capture HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    );
    reader.pause();
    while (source.reads === 0) await sleep(5);
    const paused = await settled(() => source.reads);
    // What the kernel takes for a connection is a few megabytes.
    assert.ok(paused > 0 && paused * PART.length < 64 * 1024 * 1024, `${paused} parts`);
    assert.equal(source.cancels, 0);
    reader.resume();
    reader.on('data', () => undefined);
    while (source.reads < paused + 100) await sleep(5);
    reader.destroy();
    while (source.cancels === 0) await sleep(5);
    const after = await settled(() => source.reads);
    assert.ok(after > paused);
    assert.equal(source.cancels, 1);
  });

  test('arrives as far as it was made, when its last part found no room', async () => {
    const source = new Endless();
    gateway.captured = source;
    const reader = connect(server.port, '127.0.0.1', () =>
      reader.write('GET /api/v1/sessions/a%20b/capture HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    );
    reader.pause();
    const made = await settled(() => source.reads);
    source.isOut = true;
    let received = 0;
    reader.on('data', (bytes: Buffer) => (received += bytes.reduce((sum, byte) => sum + Number(byte === MARK), 0)));
    reader.resume();
    while (received < made * PART.length) await sleep(5);
    reader.destroy();
  });

  test('whose source fails is broken off', async () => {
    const parts = [PART];
    gateway.captured = {
      read: async () => parts.shift() ?? Promise.reject(new Error('a bug')),
      cancel: () => undefined,
    };
    await assert.rejects((await ask()).arrayBuffer());
  });

  test('ends for its source when the admin plane does', async () => {
    const source: ByteStream & { cancels: number } = {
      cancels: 0,
      read: () => new Promise(() => undefined),
      cancel: () => void source.cancels++,
    };
    gateway.captured = source;
    const reader = connect(server.port, '127.0.0.1', () =>
      reader.write('GET /api/v1/sessions/a%20b/capture HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    );
    while (gateway.captures.length === 0) await sleep(5);
    const closed = once(reader, 'close');
    server.close();
    await closed;
    assert.equal(source.cancels, 1);
  });
});

/** The value once it has not changed for a while. */
async function settled(value: () => number): Promise<number> {
  for (let last = -1; ;) {
    const now = value();
    if (now === last) return now;
    last = now;
    await sleep(300);
  }
}
