import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Decoy, type DecoyFile } from '../../src/https/decoy.ts';
import { connectClient, eventually, openTunnel, REQUEST, startListener } from './fixture.ts';

const SSTP_PATH = '/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/';
const MIB = 1024 * 1024;
/** For eight handshakes on a machine that has other things to do. */
const BUDGET_MS = 5_000;

const BIG = randomBytes(3 * MIB);
const FILES = [
  file('/index.html', 'text/html; charset=utf-8', '<h1>Welcome'),
  file('/404.html', 'text/html; charset=utf-8', '<h1>Not here'),
  file('/a b/ü.css', 'text/css; charset=utf-8', 'p{}'),
  file('/docs/index.html', 'text/html; charset=utf-8', 'docs'),
  file('/big.bin', 'application/octet-stream', BIG),
];

describe('a decoy of files', () => {
  test('shows them to a client of HTTPS, with their type, length and tag', async () => {
    await using server = await startListener({ decoy: { files: FILES } });
    for (const [path, index] of [
      ['/', 0],
      ['/index.html', 0],
      ['/?utm=1', 0],
      ['/a%20b/%C3%BC.css', 2],
      ['/docs/', 3],
      ['/big.bin', 4],
    ] as const) {
      const { response, body } = await fetchOf(server.port, path);
      const expected = FILES[index]!;
      assert.equal(response.statusCode, 200, path);
      assert.ok(body.equals(expected.content), path);
      const { date, ...headers } = response.headers;
      assert.ok(Math.abs(Date.parse(date!) - Date.now()) < 60_000);
      assert.deepEqual(headers, {
        'content-type': expected.contentType,
        'content-length': String(expected.content.length),
        etag: expected.etag,
        connection: 'close',
      });
    }
    assert.deepEqual(new Set(server.refusals), new Set(['decoy']));
    assert.equal(server.listener.halfOpenCount, 0);
  });

  test('answers HEAD with the same header and no body, and a known tag with 304', async () => {
    await using server = await startListener({ decoy: { files: FILES } });
    const { response, body } = await fetchOf(server.port, '/big.bin', { method: 'HEAD' });
    assert.deepEqual([response.statusCode, response.headers['content-length']], [200, String(BIG.length)]);
    assert.equal(body.length, 0);
    const { etag } = FILES[0]!;
    for (const tags of [etag, `"x", W/${etag}`, '*']) {
      const answer = await fetchOf(server.port, '/', { headers: { 'If-None-Match': tags } });
      assert.equal(answer.response.statusCode, 304, tags);
      assert.deepEqual([answer.response.headers.etag, answer.body.length], [etag, 0]);
    }
    const other = await fetchOf(server.port, '/', { headers: { 'If-None-Match': '"x"' } });
    assert.equal(other.response.statusCode, 200);
  });

  test('sends a directory to its slash, and the rest to 404.html', async () => {
    await using server = await startListener({ decoy: { files: FILES } });
    const moved = await fetchOf(server.port, '/docs');
    assert.deepEqual([moved.response.statusCode, moved.response.headers.location], [301, '/docs/']);
    const missing = await fetchOf(server.port, '/nothing');
    assert.deepEqual([missing.response.statusCode, missing.body.toString()], [404, '<h1>Not here']);
    await eventually(() => server.refusals.length === 2);
    assert.deepEqual(server.refusals, ['decoy', 'wrong-path']);
  });

  test('has a plain 404 where there is no 404.html', async () => {
    await using server = await startListener({ decoy: { files: FILES.slice(0, 1) } });
    const { response, body } = await fetchOf(server.port, '/nothing');
    assert.deepEqual([response.statusCode, body.toString()], [404, '404 Not Found\n']);
  });

  test("does not tell SSTP's path from another one, nor its method, to whoever gets one of them wrong", async () => {
    await using server = await startListener({ decoy: { files: FILES } });
    const answer = async (head: string): Promise<string> => {
      const client = await connectClient(server.port);
      client.socket.write(`${head}\r\nHost: vpn.example\r\n\r\n`);
      await client.closed;
      return client.text().replace(/Date: [^\r]+/, '');
    };
    for (const [sstp, other] of [
      [`GET ${SSTP_PATH} HTTP/1.1`, 'GET /nothing HTTP/1.1'],
      [`HEAD ${SSTP_PATH} HTTP/1.1`, 'HEAD /nothing HTTP/1.1'],
      [`POST ${SSTP_PATH} HTTP/1.1`, 'POST / HTTP/1.1'],
      ['SSTP_DUPLEX_POST / HTTP/1.1', 'ANY_OTHER_POST / HTTP/1.1'],
      [`SSTP_DUPLEX_POST ${SSTP_PATH} HTTP/1.0`, 'ANY_OTHER_POST / HTTP/1.0'],
    ] as const) {
      const text = await answer(sstp);
      assert.equal(text, await answer(other));
      assert.doesNotMatch(text, /SSTP|sra_/i);
    }
    assert.match(await answer(`DELETE / HTTP/1.1`), /^HTTP\/1\.1 405 .*\r\nAllow: GET, HEAD\r\n/s);
    assert.match(await answer(`GET / HTTP/1.0`), /^HTTP\/1\.1 200 /);
    assert.match(await answer('nonsense'), /^HTTP\/1\.1 400 Bad Request\r\n\r\n?/);
  });

  test('lets SSTP through', async () => {
    await using server = await startListener({ decoy: { files: FILES } });
    const { client } = await openTunnel(server);
    assert.match(client.text(), /^HTTP\/1\.1 200 OK\r\nContent-Length: 18446744073709551615\r\n/);
  });

  test('is another one after a reload', async () => {
    await using server = await startListener({ decoy: { files: FILES } });
    server.listener.configure({ ...server.settings, decoy: { redirect: 'https://www.example.org/' } });
    assert.equal((await fetchOf(server.port, '/')).response.statusCode, 301);
    server.listener.configure({ ...server.settings, decoy: '404' });
    assert.equal((await fetchOf(server.port, '/')).response.statusCode, 404);
  });
});

describe('hostile requests', () => {
  const decoy = new Decoy({ files: FILES });
  const statusOf = (target: string): number =>
    decoy.answer({ method: 'GET', target, version: '1.1', headers: new Map() }, new Date(0)).status;

  for (const target of [
    '/../index.html',
    '/..%2findex.html',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/docs/..%5c..%5cindex.html',
    '/docs\\index.html',
    '/index.html%00',
    '/index.html%00.png',
    '/%',
    '/%c0%af',
    '/%E0%A4%A',
    '//index.html',
    '/./index.html',
    '/__proto__',
    '/constructor/',
    'index.html',
    '*',
    '..',
    'https:///index.html/..',
    `/${'a'.repeat(15_000)}`,
    `/${'%2e%2e/'.repeat(2_000)}`,
    `/${'%'.repeat(15_000)}`,
  ]) {
    test(`${target.slice(0, 40)} is not there`, () => assert.equal(statusOf(target), 404));
  }

  test('a target in absolute form is looked up by its path', () => {
    assert.equal(statusOf('https://vpn.example/docs/'), 200);
    assert.equal(statusOf('http://vpn.example'), 200);
    assert.equal(statusOf('HTTPS://vpn.example/..'), 404);
  });

  test('whatever is asked, the answer is one of a file that there is, or an error, and whole', () => {
    const contents = new Set<Uint8Array>(FILES.map(({ content }) => content));
    const part = fc.constantFrom(
      '/',
      '..',
      '.',
      '%2e',
      '%2F',
      '%5c',
      '\\',
      '%00',
      'index.html',
      'docs',
      '?',
      '#',
      '%',
      'é',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string()), { minLength: 1 }), parts => {
        const headers = new Map([['if-none-match', parts.join('')]]);
        const request = { method: 'GET', target: parts.join(''), version: '1.1', headers };
        const { status, head, body } = decoy.answer(request, new Date(0));
        assert.ok([200, 301, 304, 404].includes(status));
        if (status === 200) assert.ok(contents.has(body));
        assert.match(Buffer.from(head).toString('latin1'), /^HTTP\/1\.1 \d{3} [^\r\n]+\r\n([!-~]+: [ -~]*\r\n)+\r\n$/);
      }),
      { interruptAfterTimeLimit: 5_000 },
    );
  });

  test('a peer that does not read holds one piece and a half-open place, and is gone when its time is up', async () => {
    await using server = await startListener({
      decoy: { files: [file('/x', 'a/b', Buffer.alloc(64 * MIB))] },
      budgetMs: BUDGET_MS,
    });
    const before = process.memoryUsage();
    const clients = await Promise.all(Array.from({ length: 8 }, () => connectClient(server.port)));
    for (const { socket } of clients) {
      socket.pause();
      socket.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    }
    // As much of it as somebody would hold for them is held by then.
    await new Promise(resolve => void setTimeout(resolve, 300));
    assert.equal(server.listener.halfOpenCount, 8);
    const { external, arrayBuffers } = process.memoryUsage();
    assert.ok(external + arrayBuffers - before.external - before.arrayBuffers < 64 * MIB);
    await eventually(() => server.refusals.length === 8);
    assert.deepEqual(new Set(server.refusals), new Set(['decoy']));
    assert.equal(server.listener.halfOpenCount, 0);
    for (const { socket } of clients) socket.destroy();
  });

  test('a peer that leaves in the middle of a file is counted once', async () => {
    await using server = await startListener({ decoy: { files: FILES } });
    const client = await connectClient(server.port);
    client.socket.write('GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n');
    client.socket.once('data', () => client.socket.destroy());
    await client.closed;
    await eventually(() => server.listener.halfOpenCount === 0);
    assert.deepEqual(server.refusals, ['decoy']);
  });
});

describe('a redirect', () => {
  test('sends everybody to one place, whatever the path', async () => {
    await using server = await startListener({ decoy: { redirect: 'https://www.example.org/start' } });
    for (const [path, method] of [
      ['/', 'GET'],
      ['/a/b?c', 'HEAD'],
      [SSTP_PATH, 'GET'],
    ] as const) {
      const { response, body } = await fetchOf(server.port, path, { method });
      assert.deepEqual([response.statusCode, response.headers.location], [301, 'https://www.example.org/start']);
      assert.equal(body.length, 0);
    }
    assert.deepEqual(server.refusals, ['decoy', 'decoy', 'decoy']);
    const client = await connectClient(server.port);
    client.socket.write(REQUEST.replace('HTTP/1.1', 'HTTP/2.0'));
    await client.closed;
    assert.match(client.text(), /^HTTP\/1\.1 505 .*\r\nDate: /s);
  });
});

function file(path: string, contentType: string, text: string | Buffer): DecoyFile {
  const content = new Uint8Array(new SharedArrayBuffer(Buffer.byteLength(text)));
  content.set(Buffer.from(text));
  return { path, contentType, etag: `"${createHash('md5').update(text).digest('hex')}"`, content };
}

/** As browsers and other clients of HTTPS do it. */
function fetchOf(
  port: number,
  path: string,
  options: RequestOptions = {},
): Promise<{ readonly response: IncomingMessage; readonly body: Buffer }> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      host: '127.0.0.1',
      port,
      path,
      rejectUnauthorized: false,
      agent: false,
      ...options,
    });
    request.on('error', reject);
    request.on('response', response => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ response, body: Buffer.concat(chunks) }));
    });
    request.end();
  });
}
