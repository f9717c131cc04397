import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { describe, test } from 'node:test';
import type { AddressInfo } from 'node:net';
import type { HttpsConnection } from '../../src/https/connection.ts';
import { openHttps, type OpenOptions } from '../../src/https/open.ts';
import {
  eventually,
  makeCertificate,
  Recorder,
  sharedCertificate,
  startListener,
  startTcp,
  type MadeCertificate,
  type TestServer,
} from './fixture.ts';

describe('open', () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`over ${maxVersion} gives a connection with the server's certificate, and bytes flow both ways`, async () => {
      await using server = await startListener();
      const certificate = await sharedCertificate();
      let upper: Recorder | undefined;
      const connection = await openHttps(
        { host: '127.0.0.1', port: server.port, ca: certificate.cert, maxVersion },
        opened => {
          opened.send(Buffer.from('from within'));
          return (upper = new Recorder(opened));
        },
      );
      assert.equal(upper?.connection, connection);
      assert.deepEqual(Buffer.from(connection.certificate), certificate.der);
      assert.equal(connection.tls.version, maxVersion);
      assert.equal(connection.remotePort, server.port);
      const far = await eventually(() => server.accepted[0]);
      assert.equal(far.connection.request.client, 'other');
      assert.equal(far.connection.request.host, '127.0.0.1');
      assert.match(far.connection.request.correlationId ?? '', /^\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}$/);
      assert.equal(far.connection.request.correlationId, `{${connection.request.correlationId}}`);
      await eventually(() => far.text === 'from within');
      far.connection.send(Buffer.from('back'));
      await eventually(() => upper?.text === 'back');
      far.connection.close();
      await eventually(() => upper?.causes.length === 1);
      assert.deepEqual(upper?.causes, ['fin']);
    });
  }

  test('by name sends the name, by address none', async () => {
    const certificate = await makeCertificate({ names: ['localhost'], addresses: ['::1'] });
    await using server = await startListener({
      certificates: [certificate],
      addresses: [
        { host: '::1', port: 0 },
        { host: '127.0.0.1', port: 0 },
      ],
    });
    const [v6, v4] = server.listener.addresses;
    await opened({ host: '::1', port: v6?.port ?? 0, ca: certificate.cert });
    await opened({ host: 'localhost', port: v4?.port ?? 0, ca: certificate.cert });
    const names = server.accepted.map(({ connection }) => connection.tls.serverName);
    assert.deepEqual(names, [undefined, 'localhost']);
    const hosts = server.accepted.map(({ connection }) => connection.request.host);
    assert.deepEqual(hosts, ['[::1]', 'localhost']);
  });

  test('may show another server name than the one it checks', async () => {
    await using server = await startListener();
    const { cert } = await sharedCertificate();
    await opened({ host: '127.0.0.1', port: server.port, ca: cert, serverName: 'front.example' });
    assert.equal(server.accepted[0]?.connection.tls.serverName, 'front.example');
  });

  test('bytes in one piece with the answer are the first chunk of the stream, however the answer is cut', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nSSTP';
    for (let cut = 1; cut <= answer.length; cut++) {
      await using server = await startTls(socket => {
        socket.once('data', () => {
          socket.write(answer.slice(0, cut), () => socket.write(answer.slice(cut)));
        });
      });
      const upper = await opened({ host: '127.0.0.1', port: server.port, insecure: true });
      await eventually(() => upper.text === 'SSTP');
    }
  });

  test('answers of other servers are taken: without Content-Length, without a reason, with LF alone', async () => {
    for (const answer of ['HTTP/1.1 200 OK\r\n\r\n', 'HTTP/1.1 200\r\n\r\n', 'HTTP/1.1 200 OK\nDate: now\n\n']) {
      await using server = await startTls(socket => void socket.once('data', () => socket.write(answer)));
      await opened({ host: '127.0.0.1', port: server.port, insecure: true });
    }
  });

  test('the request is the one of Windows', async () => {
    let request = '';
    await using server = await startTls(socket => {
      socket.once('data', data => {
        request = data.toString('latin1');
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
      });
    });
    const correlationId = '6F9619FF-8B86-D011-B42D-00C04FC964FF';
    await opened({ host: '127.0.0.1', port: server.port, insecure: true, correlationId });
    assert.equal(
      request,
      'SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n' +
        `SSTPCORRELATIONID: {${correlationId}}\r\nContent-Length: 18446744073709551615\r\nHost: 127.0.0.1\r\n\r\n`,
    );
  });
});

describe('trust', () => {
  test('needs a chain to an authority: self-signed, foreign and expired certificates are refused', async () => {
    const authority = await makeCertificate({ names: ['Authority'] });
    const good = await makeCertificate({ ca: authority, addresses: ['127.0.0.1'] });
    const expired = await makeCertificate({ ca: authority, addresses: ['127.0.0.1'], expired: true });
    const foreign = await makeCertificate({ addresses: ['127.0.0.1'] });
    assert.equal(await outcome([good], { ca: authority.cert }), 'open');
    assert.equal(await outcome([expired], { ca: authority.cert }), 'untrusted-certificate');
    assert.equal(await outcome([foreign], { ca: authority.cert }), 'untrusted-certificate');
    assert.equal(await outcome([foreign], {}), 'untrusted-certificate');
    assert.equal(await outcome([foreign], { ca: foreign.cert }), 'open');
  });

  test('needs the host name or address that was asked for', async () => {
    const named = await makeCertificate({ names: ['vpn.example'] });
    assert.equal(await outcome([named], { ca: named.cert }), 'wrong-host-name');
    assert.equal(await outcome([named], { ca: named.cert, host: 'localhost' }), 'wrong-host-name');
    assert.equal(await outcome([named], { ca: named.cert, serverName: 'vpn.example' }), 'wrong-host-name');
    const local = await makeCertificate({ names: ['localhost'], addresses: ['127.0.0.2'] });
    assert.equal(await outcome([local], { ca: local.cert }), 'wrong-host-name');
    assert.equal(await outcome([local], { ca: local.cert, host: 'localhost' }), 'open');
  });

  test('by pin takes the place of authorities and names, in any spelling', async () => {
    const made = await makeCertificate();
    const pin = createHash('sha256').update(made.der).digest('hex');
    assert.equal(await outcome([made], { certificateSha256: pin }), 'open');
    assert.equal(await outcome([made], { certificateSha256: pin.toUpperCase().replaceAll(/..(?=.)/g, '$&:') }), 'open');
    assert.equal(
      await outcome([made], { certificateSha256: pin.replace(/^./, c => (c === '0' ? '1' : '0')) }),
      'pin-mismatch',
    );
    assert.equal(await outcome([made], { certificateSha256: '' }), 'pin-mismatch');
  });

  test('by pin and authority needs both', async () => {
    const made = await makeCertificate({ addresses: ['127.0.0.1'] });
    const other = await makeCertificate();
    const pin = createHash('sha256').update(made.der).digest('hex');
    assert.equal(await outcome([made], { certificateSha256: pin, ca: made.cert }), 'open');
    assert.equal(await outcome([made], { certificateSha256: pin, ca: other.cert }), 'untrusted-certificate');
    assert.equal(await outcome([made], { certificateSha256: 'aa', ca: made.cert }), 'pin-mismatch');
  });

  test('is given up only by insecure, which still honours a pin', async () => {
    const made = await makeCertificate();
    assert.equal(await outcome([made], { insecure: true }), 'open');
    assert.equal(await outcome([made], { insecure: false }), 'untrusted-certificate');
    assert.equal(await outcome([made], { insecure: true, certificateSha256: 'aa' }), 'pin-mismatch');
  });

  test('of one connection does not leak into the next', async () => {
    const made = await makeCertificate({ addresses: ['127.0.0.1'] });
    assert.equal(await outcome([made], { ca: made.cert }), 'open');
    assert.equal(await outcome([made], {}), 'untrusted-certificate');
    assert.equal(await outcome([made], { insecure: true }), 'open');
    assert.equal(await outcome([made], {}), 'untrusted-certificate');
  });
});

describe('open fails', () => {
  const local = { host: '127.0.0.1', insecure: true } as const;

  test('with name-resolution for a name without an address', async () => {
    // Longer than a label may be: no resolver is asked.
    await fails({ host: `${'x'.repeat(64)}.invalid`, port: 443 }, 'name-resolution');
  });

  test('with refused where nobody listens', async () => {
    const gone = await startTcp(() => {});
    await gone[Symbol.asyncDispose]();
    await fails({ ...local, port: gone.port }, 'refused');
  });

  test('with handshake when the server does not speak TLS, or no common version', async () => {
    await using clear = await startTcp(socket => socket.end('SSH-2.0-OpenSSH\r\n'));
    await fails({ ...local, port: clear.port }, 'handshake');
    await using server = await startListener({ minVersion: 'TLSv1.3' });
    await fails({ ...local, port: server.port, maxVersion: 'TLSv1.2' }, 'handshake');
  });

  test('with closed when the server leaves during TLS or before its answer', async () => {
    await using silent = await startTcp(socket => void socket.once('data', () => socket.end()));
    await fails({ ...local, port: silent.port }, 'closed');
    await using rude = await startTcp(socket => void socket.once('data', () => socket.resetAndDestroy()));
    await fails({ ...local, port: rude.port }, 'closed');
    await using mute = await startTls(socket => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n')));
    await fails({ ...local, port: mute.port }, 'closed');
  });

  test('with not-sstp and the status when the server answers something else', async () => {
    await using full = await startListener({ full: true });
    assert.equal((await fails({ ...local, port: full.port }, 'not-sstp')).status, 503);
    await using web = await startTls(socket => {
      socket.once('data', () => socket.write('HTTP/1.1 404 Not Found\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'));
    });
    const error = await fails({ ...local, port: web.port }, 'not-sstp');
    assert.equal(error.status, 404);
    assert.equal(error.message, 'the server answered 404 Not Found');
  });

  test('with not-sstp when the answer is not HTTP, or has no end', async () => {
    await using binary = await startTls(socket => void socket.once('data', () => socket.write('\x10\x01\x00\x04')));
    assert.equal((await fails({ ...local, port: binary.port }, 'not-sstp')).status, undefined);
    await using endless = await startTls(socket => {
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`));
    });
    await fails({ ...local, port: endless.port }, 'not-sstp');
  });

  test('with timeout, at every stage', async () => {
    await using silent = await startTcp(() => {});
    await fails({ ...local, port: silent.port, budgetMs: 30 }, 'timeout');
    await using mute = await startTls(() => {});
    await fails({ ...local, port: mute.port, budgetMs: 150 }, 'timeout');
    await fails({ ...local, port: 1, proxy: { host: '127.0.0.1', port: silent.port }, budgetMs: 30 }, 'timeout');
  });

  test('with aborted by the signal, before and during', async () => {
    await using silent = await startTcp(() => {});
    await fails({ ...local, port: silent.port, signal: AbortSignal.abort() }, 'aborted');
    await fails({ ...local, port: silent.port, signal: AbortSignal.timeout(30) }, 'aborted');
  });

  test('and closes its socket', async () => {
    let closed = 0;
    await using server = await startTls(socket => {
      socket.on('close', () => closed++);
      socket.once('data', () => socket.write('HTTP/1.1 403 Forbidden\r\n\r\n'));
    });
    await fails({ ...local, port: server.port }, 'not-sstp');
    await eventually(() => closed === 1);
  });
});

/** Opens and returns the upper. */
async function opened(options: OpenOptions): Promise<Recorder> {
  let upper: Recorder | undefined;
  await openHttps(options, connection => (upper = new Recorder(connection)));
  assert.ok(upper !== undefined);
  return upper;
}

/** How opening a listener on 127.0.0.1 with these certificates ends. */
async function outcome(certificates: readonly MadeCertificate[], options: Partial<OpenOptions>): Promise<string> {
  await using server = await startListener({ certificates });
  return await openHttps({ host: '127.0.0.1', port: server.port, ...options }, opens).then(
    () => 'open',
    (error: { code: string }) => error.code,
  );
}

async function fails(options: OpenOptions, code: string): Promise<{ status: number | undefined; message: string }> {
  const error: unknown = await openHttps(options, opens).then(
    () => assert.fail('opened'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error && 'code' in error && error.name === 'HttpsOpenError', String(error));
  assert.equal(error.code, code, error.message);
  return { status: (error as { status?: number }).status, message: error.message };
}

function opens(connection: HttpsConnection): Recorder {
  return new Recorder(connection);
}

/** A scripted TLS server on loopback. */
async function startTls(serve: (socket: TLSSocket) => void): Promise<TestServer> {
  const { cert, key } = await sharedCertificate();
  const sockets = new Set<TLSSocket>();
  const server = createTlsServer({ cert, key }, socket => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
