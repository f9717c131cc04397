import assert from 'node:assert/strict';
import { openSync, closeSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { readSending } from '../../src/ffi/tcp-info.ts';
import { setSocketOption, type SocketOption } from '../../src/ffi/libc.ts';
import { descriptor } from '../../src/https/unsent-limit.ts';
import { eventually } from '../https/fixture.ts';

/** socket(7): SO_MAX_PACING_RATE, bytes per second. */
const MAX_PACING_RATE: SocketOption = { level: 1, option: 47 };

describe('what the kernel knows of how a connection sends', () => {
  test('nothing, of what is no TCP socket', () => {
    const file = openSync('/dev/null', 'r');
    assert.equal(readSending(file), undefined);
    closeSync(file);
    assert.equal(readSending(-1), undefined);
  });

  test('its rate is what pacing allows, where the window allows more', async () => {
    await using pair = await connectPair();
    const fd = descriptor(pair.client);
    setSocketOption(fd, MAX_PACING_RATE, 250_000);
    pair.client.write('x');
    await eventually(() => (readSending(fd)?.rate === 250 ? true : undefined));
    assert.equal(readSending(fd)?.unsent, 0);
  });

  test('what the peer does not read waits unsent, and goes when it reads', async () => {
    await using pair = await connectPair();
    const fd = descriptor(pair.client);
    pair.server.pause();
    const written = 1 << 24;
    pair.client.write(Buffer.alloc(written));
    const unsent = await eventually(() => readSending(fd)?.unsent || undefined);
    assert.ok(unsent < written, `${unsent} of ${written}`);
    pair.server.resume();
    await eventually(() => (readSending(fd)?.unsent === 0 && pair.client.writableLength === 0 ? true : undefined));
  });
});

async function connectPair(): Promise<{ client: Socket; server: Socket } & AsyncDisposable> {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  assert.ok(address !== null && typeof address === 'object');
  const client = connect(address.port, '127.0.0.1');
  const [server] = (await once(listener, 'connection')) as [Socket];
  server.on('data', () => {});
  return {
    client,
    server,
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      server.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}
