import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { pino } from 'pino';
import { AdminServer } from '../../src/admin/server.ts';
import type { SessionView } from '../../src/admin/gateway-view.ts';
import { FakeGateway } from './fake-gateway.ts';
import type { KeptConnection } from './kept-connection.ts';
import { openWebSocket } from './web-socket.ts';

const TOKEN = 'correct-horse-battery';
const HISTORY_POINT = {
  sessions: 1,
  starts: 0,
  ends: 0,
  refusals: 0,
  rxBps: 8_000,
  txBps: 0,
  rxPps: 1,
  txPps: 0,
  drops: 0,
  workers: [{ lag: 0.001, sessions: 1, cpu: null }],
};

describe('the admin plane', () => {
  let gateway: FakeGateway;
  let logged: string[];
  let server: AdminServer;
  let port: number;

  const start = async (token?: string): Promise<void> => {
    const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
    server = new AdminServer({ listen: { host: '127.0.0.1', port: 0 }, token, view: gateway, log });
    port = await server.listen();
  };
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, init);

  const post = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
    (await ask(path, { method: 'POST', headers })).status;

  beforeEach(async () => {
    gateway = new FakeGateway();
    logged = [];
    await start();
  });
  afterEach(() => server.close());

  test('says that it lives, and whether it is ready', async () => {
    assert.deepEqual(await (await ask('/healthz')).json(), { status: 'ok' });
    const ready = await ask('/readyz');
    assert.equal(ready.status, 200);
    gateway.readiness = { ready: false, reasons: ['worker 1 is restarting'] };
    const unready = await ask('/readyz');
    assert.equal(unready.status, 503);
    assert.deepEqual(await unready.json(), { ready: false, reasons: ['worker 1 is restarting'] });
  });

  test('exposes metrics as Prometheus text and the status as JSON', async () => {
    const metrics = await ask('/metrics');
    assert.equal(metrics.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(await metrics.text(), 'sstp_sessions{state="up"} 1\n');
    const status = await ask('/api/v1/status?verbose=1');
    assert.equal(status.headers.get('content-type'), 'application/json; charset=utf-8');
    assert.equal(status.headers.get('cache-control'), 'no-store');
    assert.deepEqual(await status.json(), gateway.status());
  });

  test('lists no sessions, one session, and exactly a part of the answer', async () => {
    for (const count of [0, 1, 199, 200, 201, 400]) {
      gateway.rows.clear();
      for (let index = 0; index < count; index++) gateway.add(`s${index}`);
      const { sessions } = (await (await ask('/api/v1/sessions')).json()) as { sessions: SessionView[] };
      assert.deepEqual(sessions, [...gateway.rows.values()], `${count} sessions`);
    }
  });

  test('lists 10,000 sessions and answers others meanwhile', async () => {
    for (let index = 0; index < 10_000; index++) gateway.add(`s${index}`);
    const order: string[] = [];
    const long = ask('/api/v1/sessions').then(async response => {
      const { sessions } = (await response.json()) as { sessions: SessionView[] };
      order.push('sessions');
      return sessions.length;
    });
    await (await ask('/healthz')).json();
    order.push('health');
    assert.equal(await long, 10_000);
    assert.deepEqual(order, ['health', 'sessions']);
  });

  test('survives a client that asks for 10,000 sessions and leaves, or does not read', async () => {
    for (let index = 0; index < 10_000; index++) gateway.add(`s${index}`);
    const request = 'GET /api/v1/sessions HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const leaving = connect(port, '127.0.0.1', () => leaving.write(request));
    await new Promise(resolve => void leaving.once('data', resolve));
    leaving.destroy();
    const slow = connect(port, '127.0.0.1', () =>
      slow.write(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')),
    );
    slow.pause();
    assert.equal((await ask('/healthz')).status, 200);
    let received = '';
    slow.setEncoding('utf8').on('data', (part: string) => {
      received += part;
      if (received.endsWith('0\r\n\r\n')) slow.destroy();
    });
    slow.resume();
    await new Promise(resolve => void slow.once('close', resolve));
    assert.match(received, /"id":"s9999"/);
  });

  test('gives long answers whole to several who ask on and on, and whose connections are full at times', async () => {
    for (let index = 0; index < 5000; index++) gateway.add(`s${index}`);
    const path = '/api/v1/sessions';
    const asked: KeptConnection = { port, path, times: 30, expected: await (await ask(path)).text() };
    const readers = Array.from({ length: 4 }, async () => {
      const thread = new Worker(new URL('./kept-connection.js', import.meta.url), { workerData: asked });
      const [wrong] = (await once(thread, 'message')) as [string[]];
      return wrong;
    });
    assert.deepEqual(await Promise.all(readers), [[], [], [], []]);
  });

  test('shows and disconnects one session by its id', async () => {
    gateway.add('a/b c');
    const path = `/api/v1/sessions/${encodeURIComponent('a/b c')}`;
    assert.deepEqual(await (await ask(path)).json(), await gateway.session('a/b c'));
    const gone = await ask(path, { method: 'DELETE' });
    assert.equal(gone.status, 202);
    assert.deepEqual(await gone.json(), { id: 'a/b c', state: 'closing' });
    assert.deepEqual(gateway.disconnected, ['a/b c']);
    for (const method of ['GET', 'DELETE']) {
      const missing = await ask(path, { method });
      assert.equal(missing.status, 404);
      assert.deepEqual(await missing.json(), {
        error: { code: 'no-such-session', message: 'there is no session a/b c' },
      });
    }
  });

  test('tells the history, and only what is newer than a moment', async () => {
    const points = ['2026-06-01T00:00:02.000Z', '2026-06-01T00:00:04.000Z'].map(at => ({ ...HISTORY_POINT, at }));
    gateway.points = points;
    assert.deepEqual(await (await ask('/api/v1/history')).json(), { intervalSeconds: 2, points });
    const newer = await ask('/api/v1/history?since=2026-06-01T00:00:02Z');
    assert.deepEqual(await newer.json(), { intervalSeconds: 2, points: points.slice(1) });
    assert.deepEqual(await (await ask('/api/v1/history?since=2030-01-01')).json(), { intervalSeconds: 2, points: [] });
    for (const query of ['since=', 'since=soon', 'until=2026-06-01', 'since=2026-06-01&x=1']) {
      assert.equal((await ask(`/api/v1/history?${query}`)).status, 400, query);
    }
  });

  test('answers HEAD with the head alone', async () => {
    const [get, head] = [await ask('/api/v1/status'), await ask('/api/v1/status', { method: 'HEAD' })];
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('content-length'), get.headers.get('content-length'));
    assert.equal(await head.text(), '');
    assert.equal((await ask('/api/v1/sessions', { method: 'HEAD' })).status, 200);
  });

  const refused: readonly [method: string, path: string, status: number, code: string, allow: string | null][] = [
    ['GET', '/nothing', 404, 'not-found', null],
    ['GET', '/api/v1/sessions/', 404, 'not-found', null],
    ['GET', '/api/v1/sessions/a/b', 404, 'not-found', null],
    ['GET', '/healthz/', 404, 'not-found', null],
    ['GET', '/api/v1/sessions/%zz', 404, 'not-found', null],
    ['POST', '/healthz', 405, 'method-not-allowed', 'GET, HEAD'],
    ['DELETE', '/api/v1/sessions', 405, 'method-not-allowed', 'GET, HEAD'],
    ['PUT', '/api/v1/sessions/x', 405, 'method-not-allowed', 'GET, HEAD, DELETE'],
    ['OPTIONS', '/api/v1/sessions/x', 405, 'method-not-allowed', 'GET, HEAD, DELETE'],
  ];
  for (const [method, path, status, code, allow] of refused) {
    test(`answers ${method} ${path} with ${status}`, async () => {
      const response = await ask(path, {
        method,
        ...(method === 'PUT' || method === 'POST' ? { body: 'x'.repeat(100_000) } : {}),
      });
      assert.equal(response.status, status);
      assert.equal(response.headers.get('allow'), allow);
      assert.equal(((await response.json()) as { error: { code: string } }).error.code, code);
    });
  }

  test('does not answer web pages that come by a name of their own', async () => {
    assert.match(
      await raw(port, 'GET /api/v1/status HTTP/1.1\r\nHost: evil.example.org\r\nConnection: close\r\n\r\n'),
      /^HTTP\/1\.1 403 [\s\S]*foreign-host/,
    );
    assert.match(
      await raw(port, 'GET /healthz HTTP/1.1\r\nHost: evil.example.org\r\nConnection: close\r\n\r\n'),
      /^HTTP\/1\.1 200 /,
    );
    assert.match(
      await raw(port, 'GET /api/v1/status HTTP/1.1\r\nHost: LOCALHOST:99\r\nConnection: close\r\n\r\n'),
      /^HTTP\/1\.1 200 /,
    );
    assert.match(
      await raw(port, 'GET /api/v1/status HTTP/1.1\r\nHost: [::1]:99\r\nConnection: close\r\n\r\n'),
      /^HTTP\/1\.1 200 /,
    );
  });

  test('turns an exception into a 500 without its text, a log line, and goes on', async () => {
    gateway.broken = true;
    for (const path of ['/readyz', '/metrics', '/api/v1/status', '/api/v1/sessions', '/api/v1/sessions/x']) {
      const response = await ask(path);
      assert.equal(response.status, 500, path);
      const body = await response.text();
      assert.match(body, /"code":"internal"/);
      assert.doesNotMatch(body, /secret details/);
    }
    assert.equal(logged.length, 5);
    assert.match(logged[0] ?? '', /"path":"\/readyz".*admin request failed/);
    gateway.broken = false;
    assert.equal((await ask('/readyz')).status, 200);
  });

  test('with a token lets in who has it, and everyone to the probes', async () => {
    server.close();
    await start(TOKEN);
    const withHeader = async (authorization?: string): Promise<number> =>
      (await ask('/api/v1/status', authorization === undefined ? {} : { headers: { authorization } })).status;
    assert.equal(await withHeader(`Bearer ${TOKEN}`), 200);
    assert.equal(await withHeader(`bearer  ${TOKEN}`), 200);
    assert.equal(await withHeader(), 401);
    assert.equal(await withHeader(TOKEN), 401);
    assert.equal(await withHeader(`Bearer ${TOKEN}x`), 401);
    assert.equal(await withHeader('Bearer '), 401);
    assert.equal(await withHeader(`Basic ${TOKEN}`), 401);
    const refusal = await ask('/no/such/path');
    assert.equal(refusal.status, 401);
    assert.equal(refusal.headers.get('www-authenticate'), 'Bearer realm="sstp-gateway"');
    assert.equal((await ask('/healthz')).status, 200);
    assert.equal((await ask('/readyz')).status, 200);
    assert.match(
      await raw(
        port,
        `GET /metrics HTTP/1.1\r\nHost: evil.example.org\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`,
      ),
      /^HTTP\/1\.1 200 /,
    );
  });

  test('says so when its address cannot be had, and gives it back when it closes', async () => {
    const log = pino({ level: 'silent' });
    const second = new AdminServer({ listen: { host: '127.0.0.1', port }, token: undefined, view: gateway, log });
    await assert.rejects(second.listen(), {
      name: 'AdminListenError',
      message: `the admin plane cannot listen on 127.0.0.1:${port}: the port is in use, or the address is not of this machine; admin.listen names another one`,
    });
    server.close();
    assert.equal(await second.listen(), port);
    assert.equal((await ask('/healthz')).status, 200);
    second.close();
    await assert.rejects(ask('/healthz'));
  });

  test('drains, keeping the tunnels or ending them', async () => {
    assert.equal(await post('/api/v1/drain'), 202);
    assert.equal(await post('/api/v1/drain?end=true'), 202);
    assert.equal(await post('/api/v1/drain?end=no'), 400);
    assert.deepEqual(gateway.drains, [false, true]);
  });

  test('says of the events that they are for a WebSocket', async () => {
    const answer = await ask('/api/v1/events');
    assert.deepEqual([answer.status, answer.headers.get('upgrade')], [426, 'websocket']);
    const { error } = (await answer.json()) as { error: { code: string } };
    assert.equal(error.code, 'upgrade-required');
  });

  test('pages of other sites may not ask, nor open a WebSocket', async () => {
    assert.equal(await post('/api/v1/drain', { origin: 'https://evil.example.org' }), 403);
    assert.equal(await post('/api/v1/drain', { origin: 'null' }), 403);
    assert.equal(await post('/api/v1/drain', { origin: `http://127.0.0.1:${port}` }), 202);
    assert.deepEqual(gateway.drains, [false]);
    // An image has no Origin, and its address may be that of a capture.
    const asked = async (site: string): Promise<string> =>
      (await raw(port, `GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: ${site}\r\n\r\n`)).slice(
        0,
        12,
      );
    for (const site of ['cross-site', 'same-site']) assert.equal(await asked(site), 'HTTP/1.1 403');
    for (const site of ['same-origin', 'none']) assert.equal(await asked(site), 'HTTP/1.1 200');
    const { head, socket } = await openWebSocket(port, ['Origin: https://evil.example.org']);
    assert.match(head, /^HTTP\/1\.1 403 /);
    socket.destroy();
    assert.equal(gateway.listeners.size, 0);
  });

  test('tells events to a WebSocket until it is closed', async () => {
    const { head, socket, messages } = await openWebSocket(port);
    assert.match(head, /^HTTP\/1\.1 101 /);
    await until(() => gateway.listeners.size === 1);
    const event = { at: '2026-06-01T00:00:00.000Z', type: 'worker-ready', worker: 1 } as const;
    for (const listener of gateway.listeners) listener(event);
    await until(() => messages.length === 1);
    assert.deepEqual(JSON.parse(messages[0]!), event);
    socket.destroy();
    await until(() => gateway.listeners.size === 0);
  });

  test('a WebSocket that is never read costs no memory, and the others nothing', async () => {
    const deaf = await openWebSocket(port);
    deaf.socket.pause();
    const { messages, socket } = await openWebSocket(port);
    const event = {
      at: '2026-06-01T00:00:00.000Z',
      type: 'refused',
      reason: 'x'.repeat(1000),
      remoteAddress: '',
    } as const;
    for (let sent = 0; sent < 20_000; sent++) {
      for (const listener of gateway.listeners) listener(event);
      if (sent % 50 === 49) await until(() => messages.length === sent + 1);
    }
    assert.ok(messages.every(message => (JSON.parse(message) as { type: string }).type === 'refused'));
    deaf.socket.resume();
    await until(() => deaf.messages.some(message => message.includes('"missed"')));
    const got = deaf.messages.filter(message => message.includes('"refused"')).length;
    const missed = deaf.messages.find(message => message.includes('"missed"'))!;
    assert.equal(got + (JSON.parse(missed) as { count: number }).count, 20_000);
    socket.destroy();
    deaf.socket.destroy();
  });

  test('a page proves itself to a WebSocket by its protocols', async () => {
    server.close();
    await start(TOKEN);
    assert.match((await openWebSocket(port)).head, /^HTTP\/1\.1 401 /);
    const wrong = await openWebSocket(port, ['Sec-WebSocket-Protocol: sstp.events, bearer.wrong']);
    assert.match(wrong.head, /^HTTP\/1\.1 401 /);
    const right = await openWebSocket(port, [`Sec-WebSocket-Protocol: sstp.events, bearer.${TOKEN}`]);
    assert.match(right.head, /^HTTP\/1\.1 101 [\s\S]*Sec-WebSocket-Protocol: sstp\.events\r/);
    assert.doesNotMatch(right.head, new RegExp(TOKEN));
    right.socket.destroy();
  });

  test('closes connections that send what is not HTTP', async () => {
    for (const garbage of [
      '\u0016\u0003\u0001\u0002\u0000',
      'GET / HTTP/1.1\r\n: \r\n\r\n',
      'BREW\r\n\r\n',
      `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      const socket = connect(port, '127.0.0.1', () => socket.end(garbage));
      socket.on('error', () => undefined).resume();
      await new Promise(resolve => void socket.once('close', resolve));
    }
    assert.equal((await ask('/healthz')).status, 200);
  });
});

/** Waits for something that comes from another turn of the event loop. The limit only keeps a broken test from hanging. */
async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 5_000; turn++) {
    if (condition()) return;
    await new Promise(resolve => void setTimeout(resolve, 2));
  }
  throw new Error(`never: ${condition.toString()}`);
}

/** Sends exactly these bytes; resolves to everything that comes back. */
async function raw(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(request);
  return text(socket);
}
