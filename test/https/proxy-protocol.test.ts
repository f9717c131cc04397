import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { connectClient, eventually, REQUEST, startListener, type TestListener } from './fixture.ts';

const V1 = 'PROXY TCP4 192.0.2.7 203.0.113.5 5555 443\r\n';

describe('a listener behind a load balancer', () => {
  for (const [version, header] of [
    ['1', Buffer.from(V1)],
    ['2', Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000207cb00710515b301bb', 'hex')],
  ] as const) {
    test(`version ${version}: the client is who the header says`, async () => {
      await using server = await behind(['127.0.0.0/8']);
      const upper = await accepted(server, await said(server, header));
      const { remoteAddress, remotePort, localAddress } = upper.connection;
      assert.deepEqual([remoteAddress, remotePort, localAddress], ['192.0.2.7', 5555, '203.0.113.5']);
    });

    test(`version ${version}: a header that comes byte by byte is the same`, async () => {
      await using server = await behind(['127.0.0.1']);
      const socket = await said(server, Buffer.alloc(0));
      for (const byte of header) {
        socket.write(Buffer.of(byte));
        await new Promise(resolve => setImmediate(resolve));
      }
      assert.equal((await accepted(server, socket)).connection.remoteAddress, '192.0.2.7');
    });
  }

  test('a proxy that is not trusted is closed at once', async () => {
    await using server = await behind(['10.0.0.0/8', '2001:db8::/32']);
    await closed(await said(server, Buffer.from(V1)));
    await eventually(() => server.refusals[0] === 'proxy-untrusted');
  });

  test('a trusted proxy without a header is closed with a reason', async () => {
    await using server = await behind(['127.0.0.1']);
    await assert.rejects(connectClient(server.port));
    await eventually(() => server.refusals[0] === 'proxy-header');
  });

  test('a header where none is due never reaches TLS as one', async () => {
    await using server = await startListener();
    const socket = await said(server, Buffer.from(V1));
    await closed(socket);
    await eventually(() => server.refusals[0] === 'plain-http');
  });

  for (const [what, bytes] of [
    ['nothing', ''],
    ['a LOCAL header', Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')],
    ['an UNKNOWN header', 'PROXY UNKNOWN\r\n'],
    ['a header that names the proxy', 'PROXY TCP4 127.0.0.1 127.0.0.1 5555 443\r\n'],
  ] as const) {
    test(`a check that sends ${what} and leaves is a health check`, async () => {
      await using server = await behind(['127.0.0.1']);
      const socket = await said(server, Buffer.from(bytes));
      await new Promise(resolve => setTimeout(resolve, 20));
      socket.end();
      await eventually(() => server.refusals[0] === 'health-check');
    });
  }

  test('a client that leaves behind its proxy is a client that left', async () => {
    await using server = await behind(['127.0.0.1']);
    const socket = await said(server, Buffer.from(V1));
    socket.end();
    await eventually(() => server.refusals[0] === 'client-gone');
  });

  test('limits per address count the clients, not the proxy', async () => {
    await using server = await behind(['127.0.0.1'], { perAddress: { rate: 0.001, burst: 1, halfOpen: 10 } });
    await accepted(server, await said(server, Buffer.from(V1)));
    await accepted(server, await said(server, Buffer.from(V1.replace('192.0.2.7', '192.0.2.8'))));
    await closed(await said(server, Buffer.from(V1)));
    await eventually(() => server.refusals[0] === 'address-rate');
  });
});

describe('limits per address', () => {
  test('more connections than the burst are reset before TLS', async () => {
    await using server = await startListener({ perAddress: { rate: 0.001, burst: 2, halfOpen: 10 } });
    for (let index = 0; index < 2; index++) {
      const { socket, closed: gone } = await connectClient(server.port);
      socket.end();
      await gone;
    }
    await assert.rejects(connectClient(server.port));
    await eventually(() => server.refusals.includes('address-rate'));
  });

  test('half-open connections are limited, and make room when they are settled', async () => {
    await using server = await startListener({ perAddress: { rate: 1000, burst: 1000, halfOpen: 1 } });
    const first = await said(server, Buffer.of(0x16));
    await eventually(() => server.listener.halfOpenCount === 1);
    await assert.rejects(connectClient(server.port));
    await eventually(() => server.refusals[0] === 'address-half-open');
    first.destroy();
    await eventually(() => server.listener.halfOpenCount === 0);
    await connectClient(server.port);
  });
});

function behind(trustedProxies: string[], more = {}): Promise<TestListener> {
  return startListener({ addresses: [{ host: '127.0.0.1', port: 0, trustedProxies }], ...more });
}

async function said(server: TestListener, bytes: Buffer): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  // A socket that is reset at once may close without having been connected.
  await new Promise<void>(resolve => void socket.once('connect', () => resolve()).once('close', () => resolve()));
  if (bytes.length > 0) socket.write(bytes);
  return socket;
}

async function accepted(server: TestListener, socket: Socket) {
  const before = server.accepted.length;
  const client = await connectClient(server.port, { socket });
  client.socket.write(REQUEST);
  return eventually(() => server.accepted[before]);
}

async function closed(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.destroyed) await new Promise<void>(resolve => void socket.once('close', () => resolve()));
}
