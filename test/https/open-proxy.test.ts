import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { openHttps, type OpenOptions } from '../../src/https/open.ts';
import { eventually, Recorder, sharedCertificate, startListener, startTcp, type TestServer } from './fixture.ts';
import { startTinyproxy, tinyproxyUnavailable } from './tinyproxy.ts';

const credentials = { user: 'anna', password: 'päss:word' };

describe('through an HTTP proxy', () => {
  test('the request is CONNECT with Host and SSTPVERSION, and credentials when there are some', async () => {
    let request = '';
    await using proxy = await startTcp(socket => {
      socket.on('data', chunk => {
        request += chunk.toString('latin1');
        if (request.endsWith('\r\n\r\n')) socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      });
    });
    const at = { host: '127.0.0.1', port: proxy.port };
    await outcome({ host: 'vpn.example', port: 443, proxy: at });
    assert.equal(request, 'CONNECT vpn.example:443 HTTP/1.1\r\nHost: vpn.example:443\r\nSSTPVERSION: 1.0\r\n\r\n');
    request = '';
    await outcome({ host: '::1', port: 8443, proxy: { ...at, credentials } });
    const token = Buffer.from('anna:päss:word').toString('base64');
    assert.equal(
      request,
      `CONNECT [::1]:8443 HTTP/1.1\r\nHost: [::1]:8443\r\nSSTPVERSION: 1.0\r\nProxy-Authorization: Basic ${token}\r\n\r\n`,
    );
  });

  test('every 2xx is success, the answer may be cut anywhere, and TLS begins behind it', async () => {
    await using server = await startListener();
    const answers = ['HTTP/1.1 200 Connection Established\r\nProxy-Connection: Keep-Alive\r\n\r\n', 'HTTP/1.0 299\n\n'];
    for (const answer of answers) {
      for (const cut of [1, 12, answer.length - 1]) {
        await using proxy = await scriptedProxy(server.port, [answer.slice(0, cut), answer.slice(cut)]);
        const far = server.accepted.length;
        await openTo(server.port, proxy.port);
        await eventually(() => server.accepted[far]);
      }
    }
  });

  test('bytes behind the answer belong to TLS', async () => {
    // A proxy has none of its own: what follows in the same piece is already the server's, here a TLS alert.
    const alert = '\x15\x03\x03\x00\x02\x02\x28';
    await using proxy = await startTcp(socket => {
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n\r\n${alert}`, 'latin1'));
    });
    const error = await outcome({ host: 'vpn.example', port: 443, proxy: { host: '127.0.0.1', port: proxy.port } });
    assert.equal(error.code, 'handshake');
    assert.match(error.message, /alert handshake failure/);
  });

  test('a refusal, an answer that is not HTTP or has no end, and a close have their codes', async () => {
    const cases: readonly [string, string, number | undefined][] = [
      ['HTTP/1.1 403 Filtered\r\n\r\n', 'proxy-refused', 403],
      ['HTTP/1.1 502 Bad Gateway\r\n\r\n', 'proxy-refused', 502],
      ['HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', 'proxy-authentication', 407],
      ['HTTP/1.1 401 Unauthorized\r\n\r\n', 'proxy-authentication', 401],
      ['SSH-2.0-OpenSSH\r\n\r\n', 'proxy-refused', undefined],
      ['\x16\x03\x01', 'proxy-refused', undefined],
      [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(20_000)}`, 'proxy-refused', undefined],
      ['HTTP/1.1 200 OK\r\n', 'closed', undefined],
    ];
    for (const [answer, code, status] of cases) {
      await using proxy = await startTcp(socket => void socket.once('data', () => socket.end(answer, 'latin1')));
      const error = await outcome({ host: 'vpn.example', port: 443, proxy: { host: '127.0.0.1', port: proxy.port } });
      assert.deepEqual({ code: error.code, status: error.status }, { code, status }, answer.slice(0, 40));
    }
  });

  test('the server is trusted by its own certificate, not by the proxy', async () => {
    await using server = await startListener();
    await using proxy = await scriptedProxy(server.port, ['HTTP/1.1 200 OK\r\n\r\n']);
    const { code } = await outcome({
      host: 'localhost',
      port: server.port,
      ca: (await sharedCertificate()).cert,
      proxy: { host: '127.0.0.1', port: proxy.port },
    });
    assert.equal(code, 'wrong-host-name');
  });
});

const skip = tinyproxyUnavailable();

describe('through tinyproxy with Basic authentication', { skip }, () => {
  test('the right credentials reach the server, wrong ones and none are told as such', async () => {
    await using server = await startListener();
    await using proxy = await startTinyproxy(server.port, 'anna', 'secret');
    const upper = await openTo(server.port, proxy.port, { user: 'anna', password: 'secret' });
    upper.connection.send(Buffer.alloc(200_000, 'x'));
    const far = await eventually(() => server.accepted[0]);
    await eventually(() => far.text.length === 200_000);
    far.connection.send(Buffer.from('back'));
    await eventually(() => upper.text === 'back');
    far.connection.close();
    await eventually(() => upper.causes.length > 0);

    const target = { host: '127.0.0.1', port: server.port, insecure: true };
    const at = { host: '127.0.0.1', port: proxy.port };
    for (const wrong of [undefined, { user: 'anna', password: 'wrong' }]) {
      const error = await outcome({ ...target, proxy: { ...at, credentials: wrong } });
      assert.equal(error.code, 'proxy-authentication', error.message);
    }
    const filtered = await outcome({
      ...target,
      port: 9,
      proxy: { ...at, credentials: { user: 'anna', password: 'secret' } },
    });
    assert.deepEqual([filtered.code, filtered.status], ['proxy-refused', 403]);
  });
});

async function openTo(port: number, proxyPort: number, login?: { user: string; password: string }): Promise<Recorder> {
  let upper: Recorder | undefined;
  const { cert } = await sharedCertificate();
  const proxy = { host: '127.0.0.1', port: proxyPort, credentials: login };
  await openHttps({ host: '127.0.0.1', port, ca: cert, proxy }, connection => (upper = new Recorder(connection)));
  assert.ok(upper !== undefined);
  return upper;
}

async function outcome(options: OpenOptions): Promise<{ code: string; status: number | undefined; message: string }> {
  return openHttps(options, connection => new Recorder(connection)).then(
    () => ({ code: 'open', status: undefined, message: '' }),
    (error: { code: string; status: number | undefined; message: string }) => error,
  );
}

/** Answers CONNECT in pieces and relays to a port on loopback. */
function scriptedProxy(port: number, pieces: readonly string[]): Promise<TestServer> {
  return startTcp(near => {
    near.once('data', () => {
      const far = connect(port, '127.0.0.1');
      far.on('error', () => {});
      near.pause();
      near.setNoDelay(true);
      const answer = async (): Promise<void> => {
        for (const piece of pieces) {
          near.write(piece, 'latin1');
          await new Promise(resolve => void setTimeout(resolve, 5));
        }
        near.pipe(far).pipe(near);
      };
      void answer();
    });
  });
}
