import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { DisconnectCause } from '../../src/https/connection.ts';
import { disconnectCause } from '../../src/https/disconnect-cause.ts';
import {
  connectClient,
  eventually,
  openTunnel,
  Recorder,
  REQUEST,
  startListener,
  startTcp,
  type TestClient,
} from './fixture.ts';

describe('disconnected', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`close_notify over ${version} is fin, and is answered`, async () => {
      await using server = await startListener();
      const { client, upper } = await openTunnel(server, { maxVersion: version });
      client.socket.end();
      await client.closed;
      await eventually(() => upper.causes.length > 0);
      assert.deepEqual(upper.causes, ['fin']);
    });

    test(`a TCP FIN without close_notify over ${version} is fin`, async () => {
      await using server = await startListener();
      const tcp = await rawConnection(server.port);
      const { upper } = await openTunnel(server, { socket: tcp, maxVersion: version });
      tcp.end();
      await eventually(() => upper.causes.length > 0);
      assert.deepEqual(upper.causes, ['fin']);
    });

    test(`a RST over ${version} is reset`, async () => {
      await using server = await startListener();
      const tcp = await rawConnection(server.port);
      const { upper } = await openTunnel(server, { socket: tcp, maxVersion: version });
      tcp.resetAndDestroy();
      await eventually(() => upper.causes.length > 0);
      assert.deepEqual(upper.causes, ['reset']);
    });

    test(`a forged record over ${version} is a TLS error`, async () => {
      await using server = await startListener();
      let inject: ((bytes: string) => void) | undefined;
      await using relay = await startTcp(near => {
        const far = connect(server.port, '127.0.0.1');
        far.on('error', () => {});
        near.pipe(far).pipe(near);
        inject = bytes => far.write(bytes, 'latin1');
      });
      const { upper } = await openTunnel({ ...server, port: relay.port }, { maxVersion: version });
      inject?.(`\x17\x03\x03\x00\x40${'x'.repeat(64)}`);
      await eventually(() => upper.causes.length > 0);
      assert.deepEqual(upper.causes, ['tls-error']);
    });
  }

  test('the death of the client process is fin or reset', async () => {
    await using server = await startListener();
    const script = `
      const socket = require('node:tls').connect({ port: ${server.port}, host: '127.0.0.1', rejectUnauthorized: false });
      socket.write(${JSON.stringify(REQUEST)});
      socket.resume();`;
    const child = spawn(process.execPath, ['-e', script]);
    const upper = await eventually(() => server.accepted[0]);
    child.kill('SIGKILL');
    await eventually(() => upper.causes.length > 0);
    assert.match(upper.causes.join(), /^(fin|reset)$/);
  });

  test('renegotiation ends the connection', async () => {
    await using server = await startListener();
    const { client, upper } = await openTunnel(server, { maxVersion: 'TLSv1.2' });
    client.socket.renegotiate({}, () => {});
    await eventually(() => upper.causes.length > 0);
    assert.deepEqual(upper.causes, ['tls-error']);
  });

  test('comes in the same turn of the event loop as the socket event, with its time', async () => {
    const times: { now: number; heardAt: number }[] = [];
    class Timed extends Recorder {
      override disconnected(cause: DisconnectCause, now = 0): void {
        super.disconnected(cause);
        times.push({ now, heardAt: performance.now() });
      }
    }
    await using server = await startListener({ makeUpper: connection => new Timed(connection) });
    const tcp = await rawConnection(server.port);
    await openTunnel(server, { socket: tcp });
    tcp.resetAndDestroy();
    const [time] = await eventually(() => times.length > 0 && times);
    assert.ok(time !== undefined && time.now <= time.heardAt);
  });

  test('reports every send as written, once and in order, and nothing can be sent afterwards', async () => {
    await using server = await startListener();
    const tcp = await rawConnection(server.port);
    const { client, upper } = await openTunnel(server, { socket: tcp });
    client.socket.pause();
    const written: number[] = [];
    for (let i = 0; i < 16; i++) upper.connection.send(Buffer.alloc(1 << 20), () => written.push(i));
    await eventually(() => upper.connection.bytesQueued > 0);
    tcp.resetAndDestroy();
    await eventually(() => upper.causes.length > 0);
    upper.connection.close();
    upper.connection.abort();
    await eventually(() => written.length >= 16);
    upper.connection.send(Buffer.from('late'), () => written.push(16));
    assert.deepEqual(
      written,
      Array.from({ length: 17 }, (_, i) => i),
    );
    assert.equal(upper.causes.length, 1);
  });

  test('system errors and TLS errors have their causes', () => {
    const causes: readonly [string, string, DisconnectCause][] = [
      ['ECONNRESET', 'read ECONNRESET', 'reset'],
      ['EPIPE', 'write EPIPE', 'reset'],
      ['ETIMEDOUT', 'read ETIMEDOUT', 'timeout'],
      ['EHOSTUNREACH', 'read EHOSTUNREACH', 'network'],
      ['ENETDOWN', 'read ENETDOWN', 'network'],
      ['ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC', 'ssl/tls alert bad record mac', 'tls-alert'],
      ['EPROTO', 'write EPROTO ... sslv3 alert handshake failure ...', 'tls-alert'],
      ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'decryption failed', 'tls-error'],
      ['ERR_TLS_RENEGOTIATION_DISABLED', 'TLS session renegotiation disabled', 'tls-error'],
    ];
    for (const [code, message, cause] of causes) {
      assert.equal(disconnectCause(Object.assign(new Error(message), { code })), cause, code);
    }
    assert.equal(disconnectCause(new Error('without a code')), 'tls-error');
  });
});

describe('close', () => {
  test('sends what is queued, then close_notify and FIN; the upper hears nothing more', async () => {
    await using server = await startListener();
    const { client, upper } = await openTunnel(server);
    const bytes = Buffer.alloc(3_000_000, 'x');
    upper.connection.send(bytes);
    upper.connection.close();
    client.socket.write('into the void');
    await client.closed;
    assert.equal(client.text().length - client.text().indexOf('x'), bytes.length);
    assert.deepEqual(upper.causes, []);
    assert.equal(upper.text, '');
  });

  test('a peer that does not answer the FIN is cut off after the grace time', async () => {
    await using server = await startListener({ closeGraceMs: 50 });
    const tcp = await rawConnection(server.port, true);
    const { client, upper } = await openTunnel(server, { socket: tcp });
    upper.connection.close();
    await eventually(() => client.socket.readableEnded);
    await closedWhileWriting(client);
    assert.deepEqual(upper.causes, []);
  });

  test('a peer that does not read is cut off after the grace time', async () => {
    await using server = await startListener({ closeGraceMs: 50 });
    const { client, upper } = await openTunnel(server);
    client.socket.pause();
    for (let i = 0; i < 16; i++) upper.connection.send(Buffer.alloc(1 << 20));
    upper.connection.close();
    // The listener's end waits for every socket: it would hang if this one stayed.
    server.listener.stopAccepting();
    await eventually(() => upper.connection.bytesQueued === 0);
    client.socket.resume();
    await client.closed;
  });

  test('from within accept leaves an answered and ended connection', async () => {
    await using server = await startListener({
      makeUpper: connection => {
        connection.close();
        return new Recorder(connection);
      },
    });
    const client = await requestTunnel(server.port);
    await client.closed;
    assert.equal(server.accepted[0]?.text, '');
    assert.deepEqual(server.accepted[0]?.causes, []);
  });

  test('from within receive of the bytes behind the header ends the connection', async () => {
    class Closer extends Recorder {
      override receive(chunk: Uint8Array): void {
        super.receive(chunk);
        this.connection.abort();
      }
    }
    await using server = await startListener({ makeUpper: connection => new Closer(connection) });
    const client = await requestTunnel(server.port, `${REQUEST}abc`);
    client.socket.write('def');
    await client.closed;
    assert.equal(server.accepted[0]?.text, 'abc');
    assert.deepEqual(server.accepted[0]?.causes, []);
  });
});

describe('abort', () => {
  test('resets the connection at once and the upper hears nothing more', async () => {
    await using server = await startListener();
    const { client, upper } = await openTunnel(server);
    upper.connection.abort();
    await client.closed;
    assert.deepEqual(client.errors, ['ECONNRESET']);
    assert.deepEqual(upper.causes, []);
  });

  test('loses what is queued and reports it as written', async () => {
    await using server = await startListener();
    const { client, upper } = await openTunnel(server);
    const written: number[] = [];
    for (let i = 0; i < 3; i++) upper.connection.send(Buffer.alloc(1 << 24), () => written.push(i));
    upper.connection.abort();
    await client.closed;
    assert.ok(client.text().length < 3 << 24);
    await eventually(() => written.length >= 3);
    assert.deepEqual(written, [0, 1, 2]);
    assert.deepEqual(upper.causes, []);
  });

  test('after close cuts the grace time short', async () => {
    await using server = await startListener({ closeGraceMs: 60_000 });
    const tcp = await rawConnection(server.port, true);
    const { client, upper } = await openTunnel(server, { socket: tcp });
    upper.connection.close();
    upper.connection.abort();
    await closedWhileWriting(client);
  });
});

describe('the end of a listener', () => {
  test('ends half-open and accepted connections and resolves when all sockets are gone', async () => {
    const server = await startListener();
    const { client, upper } = await openTunnel(server);
    const waiting = await rawConnection(server.port);
    await eventually(() => server.listener.halfOpenCount === 1);
    await server.listener.close();
    await client.closed;
    await eventually(() => waiting.destroyed);
    assert.deepEqual(upper.causes, ['listener-closed']);
    assert.deepEqual(server.refusals, ['listener-closed']);
  });

  test('stopAccepting leaves existing connections alone', async () => {
    await using server = await startListener();
    const { client, upper } = await openTunnel(server);
    const started = await rawConnection(server.port);
    await eventually(() => server.listener.halfOpenCount === 1);
    server.listener.stopAccepting();
    await assert.rejects(rawConnection(server.port), { code: 'ECONNREFUSED' });
    client.socket.write('abc');
    await eventually(() => upper.text === 'abc');
    await openTunnel(server, { socket: started });
    assert.equal(server.accepted.length, 2);
  });

  test('after stopAccepting still waits for all sockets', async () => {
    const server = await startListener();
    const { client } = await openTunnel(server);
    let gone = false;
    client.socket.once('close', () => (gone = true));
    server.listener.stopAccepting();
    assert.deepEqual(server.listener.addresses, []);
    await server.listener.close();
    await eventually(() => gone);
    await server.listener.close();
  });

  test('lets the process end by itself', async () => {
    const fixture = new URL('fixture.js', import.meta.url).href;
    const script = `
      const { startListener, openTunnel } = await import(${JSON.stringify(fixture)});
      const server = await startListener();
      const { client, upper } = await openTunnel(server);
      upper.connection.close();
      await client.closed;
      await openTunnel(server);
      await server.listener.close();
      console.log('done');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', chunk => (output += String(chunk)));
    const [code] = await once(child, 'exit');
    assert.equal(code, 0);
    assert.equal(output, 'done\n');
  });
});

/** Sends the request and does not wait for an answer. */
async function requestTunnel(port: number, request = REQUEST): Promise<TestClient> {
  const client = await connectClient(port);
  client.socket.write(request);
  return client;
}

/** A half-open peer learns only from a write that nobody is there any more. */
async function closedWhileWriting(client: TestClient): Promise<void> {
  const writes = setInterval(() => client.socket.write('hello?'), 10);
  await client.closed;
  clearInterval(writes);
}

function rawConnection(port: number, allowHalfOpen = false): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
