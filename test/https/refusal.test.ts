import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { RefusalReason } from '../../src/https/connection.ts';
import { connectClient, eventually, openTunnel, REQUEST, startListener } from './fixture.ts';

interface Case {
  readonly what: string;
  readonly request: string;
  readonly status: number;
  readonly reason: RefusalReason;
}

const SSTP_URI = '/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/';

const CASES: readonly Case[] = [
  { what: 'GET of another path', request: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', status: 404, reason: 'wrong-path' },
  { what: 'HEAD of another path', request: 'HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n', status: 404, reason: 'wrong-path' },
  { what: 'GET of the SSTP URI', request: `GET ${SSTP_URI} HTTP/1.1\r\n\r\n`, status: 405, reason: 'wrong-method' },
  { what: 'HEAD of the SSTP URI', request: `HEAD ${SSTP_URI} HTTP/1.1\r\n\r\n`, status: 405, reason: 'wrong-method' },
  { what: 'another method', request: `POST ${SSTP_URI} HTTP/1.1\r\n\r\n`, status: 405, reason: 'wrong-method' },
  { what: 'another path', request: REQUEST.replace('458b', '458c'), status: 404, reason: 'wrong-path' },
  { what: 'HTTP/1.0', request: REQUEST.replace('HTTP/1.1', 'HTTP/1.0'), status: 505, reason: 'http-version' },
  { what: 'HTTP/2.0', request: REQUEST.replace('HTTP/1.1', 'HTTP/2.0'), status: 505, reason: 'http-version' },
  { what: 'a line that is no request', request: 'hello\r\n\r\n', status: 400, reason: 'bad-request' },
  { what: 'a header without a colon', request: 'GET / HTTP/1.1\r\nHost\r\n\r\n', status: 400, reason: 'bad-request' },
  { what: 'SSTP without HTTP', request: '\x10\x01\x00\x0e\x00\x01\x00\x01', status: 400, reason: 'bad-request' },
  {
    what: 'an endless header',
    request: `${REQUEST.slice(0, -2)}X: ${'x'.repeat(20_000)}`,
    status: 431,
    reason: 'header-too-large',
  },
];

describe('what is not SSTP gets a whole HTTP answer before the close, and a counted reason', () => {
  for (const { what, request, status, reason } of CASES) {
    test(`${what}: ${status}, ${reason}`, async () => {
      await using server = await startListener();
      const client = await connectClient(server.port);
      client.socket.write(request);
      await client.closed;
      assert.match(client.text(), new RegExp(`^HTTP/1\\.1 ${status} [A-Z]`));
      assert.match(client.text(), /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n$/);
      assert.deepEqual(server.refusals, [reason]);
      assert.deepEqual(server.accepted, []);
      assert.equal(server.listener.halfOpenCount, 0);
    });

    test(`${what}: no answer with decoy close`, async () => {
      await using server = await startListener({ decoy: 'close' });
      const client = await connectClient(server.port);
      client.socket.write(request);
      await client.closed;
      assert.equal(client.text(), '');
      assert.deepEqual(server.refusals, [reason]);
    });
  }

  test('a header of exactly the limit is read, one more byte is not', async () => {
    await using server = await startListener({ headerLimit: 1024 });
    await openTunnel(server, {}, requestOf(1024));
    const client = await connectClient(server.port);
    client.socket.write(requestOf(1025));
    await client.closed;
    assert.match(client.text(), /^HTTP\/1\.1 431 /);
  });

  test('an upper without capacity: 503, even with decoy close', async () => {
    await using server = await startListener({ full: true, decoy: 'close' });
    const client = await connectClient(server.port);
    client.socket.write(REQUEST);
    await client.closed;
    assert.match(client.text(), /^HTTP\/1\.1 503 /);
    assert.deepEqual(server.refusals, ['no-capacity']);
  });

  test('an answer arrives whole although the client goes on sending', async () => {
    await using server = await startListener({ closeGraceMs: 200 });
    const client = await connectClient(server.port, { socket: await silent(server.port, '', true) });
    client.socket.write(`GET / HTTP/1.1\r\nHost: a\r\n\r\n${'x'.repeat(100_000)}`);
    await eventually(() => client.text().endsWith('\r\n\r\n'));
    const writes = setInterval(() => client.socket.write('x'.repeat(1000)), 10);
    await client.closed;
    clearInterval(writes);
    assert.match(client.text(), /^HTTP\/1\.1 404 /);
    assert.deepEqual(server.refusals, ['wrong-path']);
  });
});

describe('what is not TLS', () => {
  test('HTTP in clear gets a 400 that says so', async () => {
    await using server = await startListener();
    const answer = await exchange(server.port, REQUEST);
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    assert.match(head, new RegExp(`Content-Length: ${body.length}\r\nConnection: close$`));
    assert.deepEqual(server.refusals, ['plain-http']);
  });

  test('HTTP in clear gets nothing with decoy close', async () => {
    await using server = await startListener({ decoy: 'close' });
    assert.equal(await exchange(server.port, REQUEST), '');
    assert.deepEqual(server.refusals, ['plain-http']);
  });

  test('another first byte is closed without an answer', async () => {
    await using server = await startListener();
    assert.equal(await exchange(server.port, '\x00\x01\x02'), '');
    assert.equal(await exchange(server.port, '\x80\x2e\x01\x00\x02'), '');
    assert.deepEqual(server.refusals, ['not-tls', 'not-tls']);
  });

  test("a broken TLS record is a failed handshake with OpenSSL's code as detail", async () => {
    await using server = await startListener();
    await exchange(server.port, '\x16\x47\x45\x54\x20\x2f');
    assert.deepEqual(server.refusals, ['tls-handshake']);
    assert.match(server.details[0] ?? '', /^ERR_SSL_/);
  });

  test('a client without a common version gets an alert', async () => {
    await using server = await startListener();
    await assert.rejects(connectClient(server.port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }), {
      code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    });
    assert.deepEqual(server.refusals, ['tls-handshake']);
    assert.deepEqual(server.details, ['ERR_SSL_UNSUPPORTED_PROTOCOL']);
  });

  test('a client without a common cipher gets an alert', async () => {
    await using server = await startListener({ ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' });
    await assert.rejects(
      connectClient(server.port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-CHACHA20-POLY1305' }),
      { code: /ALERT_HANDSHAKE_FAILURE/ },
    );
    assert.deepEqual(server.details, ['ERR_SSL_NO_SHARED_CIPHER']);
  });
});

describe('limits', () => {
  test('a peer that sends nothing is reset when the budget ends', async () => {
    await using server = await startListener({ budgetMs: 60 });
    assert.equal(await exchange(server.port, ''), 'ECONNRESET');
    assert.deepEqual(server.refusals, ['handshake-timeout']);
    assert.equal(server.listener.halfOpenCount, 0);
  });

  test('a handshake that stops halfway ends with the budget', async () => {
    await using server = await startListener({ budgetMs: 60 });
    assert.equal(await exchange(server.port, '\x16\x03\x01\x02\x00'), 'ECONNRESET');
    assert.deepEqual(server.refusals, ['handshake-timeout']);
  });

  test('a header that trickles ends with the budget, which the bytes do not extend', async () => {
    await using server = await startListener({ budgetMs: 150 });
    const client = await connectClient(server.port);
    const trickle = setInterval(() => client.socket.write('x'), 10);
    await client.closed;
    clearInterval(trickle);
    assert.deepEqual(server.refusals, ['header-timeout']);
  });

  test('an accepted connection has no budget', async () => {
    await using server = await startListener({ budgetMs: 60 });
    const { client, upper } = await openTunnel(server);
    await new Promise(resolve => void setTimeout(resolve, 150));
    client.socket.write('still here');
    await eventually(() => upper.text === 'still here');
  });

  test('half-open connections beyond the limit are reset and counted, and places become free again', async () => {
    await using server = await startListener({ maxHalfOpen: 2 });
    const waiting = [await silent(server.port), await silent(server.port)];
    await eventually(() => server.listener.halfOpenCount === 2);
    assert.equal(await exchange(server.port, ''), 'ECONNRESET');
    assert.deepEqual(server.refusals, ['half-open-limit']);
    for (const socket of waiting) socket.destroy();
    await eventually(() => server.listener.halfOpenCount === 0);
    await openTunnel(server);
    assert.deepEqual(server.refusals, ['half-open-limit', 'client-gone', 'client-gone']);
  });

  test('accepted connections do not count as half-open', async () => {
    await using server = await startListener({ maxHalfOpen: 1 });
    await openTunnel(server);
    await openTunnel(server);
    assert.deepEqual(server.refusals, []);
  });

  test('a client that leaves before its request is complete is counted once, at every stage', async () => {
    await using server = await startListener();
    (await silent(server.port)).end();
    await eventually(() => server.refusals.length === 1);
    (await silent(server.port, '\x16\x03\x01\x02\x00')).resetAndDestroy();
    await eventually(() => server.refusals.length === 2);
    (await silent(server.port, '\x16\x03\x01\x02\x00')).end();
    await eventually(() => server.refusals.length === 3);
    const client = await connectClient(server.port);
    client.socket.end(REQUEST.slice(0, 40));
    await eventually(() => server.refusals.length === 4);
    assert.deepEqual(server.refusals, ['client-gone', 'client-gone', 'client-gone', 'client-gone']);
    assert.equal(server.listener.halfOpenCount, 0);
  });
});

/** An SSTP request of this length. */
function requestOf(length: number): string {
  const head = REQUEST.slice(0, -2);
  return `${head}X: ${'x'.repeat(length - head.length - 7)}\r\n\r\n`;
}

/** A TCP connection that stays as it is after its first bytes. */
async function silent(port: number, bytes = '', allowHalfOpen = false): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen });
  socket.on('error', () => {});
  await new Promise<void>(resolve => void socket.once('connect', () => resolve()));
  if (bytes !== '') await new Promise(resolve => void socket.write(bytes, 'latin1', resolve));
  return socket;
}

/** Sends bytes in clear and returns all that comes back, or the error's code. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise(resolve => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => void (bytes !== '' && socket.write(bytes, 'latin1')));
    socket.on('data', chunk => (text += chunk.toString('latin1')));
    socket.on('error', (error: NodeJS.ErrnoException) => (text = error.code ?? error.message));
    socket.on('close', () => resolve(text));
  });
}
