// Captures of sessions: what is in them, when they end, and that they take nothing from the tunnel.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import type { ClientRuntime } from '../../src/client/client-runtime.ts';
import type { AuthMethod } from '../../src/protocol/ppp/credentials.ts';
import { readPcapng, type PcapngFile } from '../wire/pcapng-file.ts';
import { TestClient } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { HoldingRelay } from './holding-relay.ts';
import { createSite, PASSWORD, type Site, USER } from './site.ts';

const LCP = 0xc021;
const PAP = 0xc023;
const CHAP = 0xc223;
const EAP = 0xc227;
const IPCP = 0x8021;
const IPV4 = 0x0021;
/** RFC 2759 5. */
const AUTHENTICATOR_RESPONSE = /S=[0-9A-F]{40}/;

describe('a capture', () => {
  let site: Site;
  let gateway: GatewayProcess;
  let relay: HoldingRelay;
  let runtime: ClientRuntime;
  const open: TestClient[] = [];

  before(async () => {
    site = await createSite({
      ppp: { auth: ['pap', 'chap', 'mschapv2', 'eap'], lcpEcho: { interval: '1s', failures: 4 } },
    });
    gateway = await GatewayProcess.start(site);
    relay = await HoldingRelay.listen('127.0.0.1', { host: '127.0.0.1', port: gateway.port });
    runtime = await createClientRuntime();
  });

  after(async () => {
    relay?.close();
    assert.equal(await gateway?.stop(), 0);
    site?.remove();
  });

  afterEach(async () => {
    for (const { client } of open.splice(0)) client.abort();
    await gateway.until(({ sessions }) => Object.values(sessions).every(count => count === 0));
  });

  const connect = async (port: number, auth: AuthMethod): Promise<TestClient> => {
    const https = { host: 'localhost', port, ca: site.ca, maxVersion: 'TLSv1.3' as const };
    const client = await TestClient.connect(runtime, { https, auth: [auth] });
    open.push(client);
    return client;
  };
  const connected = async (): Promise<{ readonly tester: TestClient; readonly id: string }> => {
    const before = new Set((await gateway.sessions()).map(({ id }) => id));
    const tester = await connect(gateway.port, 'mschapv2');
    await gateway.until(({ sessions }) => sessions['up'] === open.length);
    return { tester, id: (await gateway.sessions()).find(({ id }) => !before.has(id))!.id };
  };
  const ask = (id: string, query = '', init: RequestInit = {}): Promise<Response> =>
    fetch(`${gateway.admin}/api/v1/sessions/${id}/capture?${query}`, init);

  /** From the first frame to the last one of a session that authenticates, pings and says goodbye. */
  const wholeSession = async (auth: AuthMethod, query: string): Promise<PcapngFile> => {
    const connecting = connect(relay.port, auth);
    await gateway.until(({ sessions }) => sessions['negotiating'] === 1);
    const [session] = await gateway.sessions();
    const response = await ask(session!.id, query);
    assert.equal(response.headers.get('content-type'), 'application/x-pcapng');
    relay.letGo();
    const tester = await connecting;
    await tester.ping();
    await tester.client.end();
    return read(response);
  };

  for (const [method, protocol, secrets] of [
    ['pap', PAP, [new RegExp(USER), new RegExp(PASSWORD)]],
    ['chap', CHAP, [new RegExp(USER)]],
    ['mschapv2', CHAP, [new RegExp(USER), AUTHENTICATOR_RESPONSE]],
    ['eap', EAP, [new RegExp(USER), AUTHENTICATOR_RESPONSE]],
  ] as const) {
    test(`with ${method} holds the session from its first frame to its last, authentication blanked`, async () => {
      const file = await wholeSession(method, '');
      const protocols = file.frames.map(({ bytes }) => bytes.readUInt16BE(2));
      assert.equal(protocols[0], LCP);
      for (const expected of [LCP, protocol, IPCP, IPV4])
        assert.ok(protocols.includes(expected), expected.toString(16));
      // Terminate-Request or its Ack.
      assert.ok([5, 6].includes(file.frames.at(-1)!.bytes[4]!));
      for (const { bytes, comment } of file.frames) {
        const isAuthentication = bytes.readUInt16BE(2) === protocol;
        assert.equal(comment !== undefined, isAuthentication && bytes.length > (protocol === EAP ? 9 : 8));
        if (isAuthentication) assert.ok(bytes.subarray(protocol === EAP ? 9 : 8).every(byte => byte === 0));
      }
      for (const { direction, flags } of file.frames) assert.equal(flags, direction === 'sent' ? 2 : 1);
      for (const direction of ['sent', 'received']) {
        for (const expected of [LCP, protocol, IPCP, IPV4]) {
          assert.ok(
            file.frames.some(frame => frame.direction === direction && frame.bytes.readUInt16BE(2) === expected),
          );
        }
      }
      const { statistics, frames } = file;
      assert.deepEqual(
        [statistics?.received, statistics?.dropped, statistics?.comment],
        [frames.length, 0, 'ended: session-ended'],
      );
      const shown = await wholeSession(method, 'auth=true');
      for (const secret of secrets) {
        assert.match(text(shown), secret, 'in the one with auth=true');
        assert.doesNotMatch(text(file), secret, 'in no other');
      }
      assert.ok(shown.frames.every(({ comment }) => comment === undefined));
    });
  }

  const started = (id: string) => gateway.log.find(entry => entry.msg === 'capture started' && entry['session'] === id);
  const ended = (id: string) => () =>
    gateway.log.some(entry => entry.msg === 'capture ended' && entry['session'] === id);

  test('ends after so many packets, at so many bytes, after so many seconds, and the tunnel goes on', async () => {
    const { tester, id } = await connected();
    const packets = await pinged(tester, await ask(id, 'packets=5'));
    assert.deepEqual([packets.frames.length, packets.statistics?.comment], [5, 'ended: packets']);

    const answer = await ask(id, 'bytes=10000');
    const [body] = await Promise.all([answer.arrayBuffer(), inTurn(20, () => tester.ping(1272))]);
    assert.ok(body.byteLength > 7_500 && body.byteLength <= 10_000, `${body.byteLength} bytes`);
    const bytes = readPcapng(new Uint8Array(body));
    assert.deepEqual([bytes.statistics?.received, bytes.statistics?.comment], [bytes.frames.length, 'ended: bytes']);

    const seconds = await pinged(tester, await ask(id, 'seconds=1'));
    const { start, end, comment } = seconds.statistics!;
    assert.equal(comment, 'ended: seconds');
    assert.ok(end - start >= 990_000, `${end - start} us`);
    assert.ok(seconds.frames.every(({ time }) => time >= start && time <= end));
    assert.ok(Math.abs(Date.now() - end / 1000) < 60_000, 'wall clock');
    await tester.ping();
  });

  test('keeps as much of each frame as it was asked to, and says how long they were', async () => {
    const { tester, id } = await connected();
    const file = await pinged(tester, await ask(id, 'packets=4&snaplen=40'));
    assert.equal(file.snapLength, 41, 'the byte of the direction in front');
    const pings = file.frames.filter(({ bytes }) => bytes.readUInt16BE(2) === IPV4);
    assert.ok(pings.length > 0);
    for (const { bytes, originalLength } of pings) assert.deepEqual([bytes.length, originalLength], [40, 1304]);
  });

  test('is ended in good order by DELETE, and then another one may begin', async () => {
    const { tester, id } = await connected();
    const first = await ask(id);
    await tester.ping();
    const second = await ask(id);
    assert.equal(second.status, 409);
    assert.equal(((await second.json()) as { error: { code: string } }).error.code, 'already-captured');
    assert.equal((await ask(id, '', { method: 'DELETE' })).status, 202);
    const { frames, statistics } = await read(first);
    assert.ok(frames.length >= 2);
    assert.equal(statistics?.comment, 'ended: stopped');
    assert.equal((await ask(id, '', { method: 'DELETE' })).status, 404);
    assert.equal((await pinged(tester, await ask(id, 'packets=1'))).frames.length, 1);
  });

  test('ends when its reader leaves, and is told of in the log with who wanted it', async () => {
    const { tester, id } = await connected();
    const abandon = new AbortController();
    await ask(id, 'seconds=30&auth=true', { signal: abandon.signal });
    // It comes by another way than the answer.
    await gateway.until(() => started(id) !== undefined);
    const line = started(id);
    assert.deepEqual([line?.['by'], line?.['user'], line?.['seconds'], line?.['auth']], ['127.0.0.1', USER, 30, true]);
    await tester.ping();
    abandon.abort();
    await gateway.until(ended(id));
    assert.equal(gateway.log.findLast(entry => entry.msg === 'capture ended')?.['reason'], 'reader-gone');
    assert.equal((await pinged(tester, await ask(id, 'packets=1'))).frames.length, 1);
  });

  test('of which nobody reads a byte does not stop the tunnel', async () => {
    const { tester, id } = await connected();
    const abandon = new AbortController();
    await ask(id, '', { signal: abandon.signal });
    await inTurn(1500, () => tester.ping(1272));
    abandon.abort();
    await gateway.until(ended(id));
  });

  test('ends with its session, and without a session there is none', async () => {
    const { tester, id } = await connected();
    const response = await ask(id);
    tester.client.abort();
    assert.equal((await read(response)).statistics?.comment, 'ended: session-ended');
    await gateway.until(({ sessions }) => sessions['up'] === 0);
    assert.equal((await ask(id)).status, 404);
  });

  test('is one of eight at most', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 9; count++) ids.push((await connected()).id);
    const responses: Response[] = [];
    for (const id of ids) responses.push(await ask(id));
    assert.deepEqual(
      responses.map(({ status }) => status),
      [...Array<number>(8).fill(200), 429],
    );
    for (const id of ids.slice(0, 8)) await ask(id, '', { method: 'DELETE' });
    for (const response of responses.slice(0, 8)) await read(response);
    await gateway.until(() => ids.slice(0, 8).every(id => ended(id)()));
    const abandon = new AbortController();
    assert.equal((await ask(ids[8]!, '', { signal: abandon.signal })).status, 200);
    abandon.abort();
  });
});

async function inTurn(count: number, act: () => Promise<void>): Promise<void> {
  for (let turn = 0; turn < count; turn++) await act();
}

async function read(response: Response): Promise<PcapngFile> {
  return readPcapng(new Uint8Array(await response.arrayBuffer()));
}

/** All that a file says. */
function text({ frames, comment }: PcapngFile): string {
  return frames.map(({ bytes }) => bytes.toString('latin1')).join('\n') + String(comment);
}

/** Pings of 1300 bytes until the answer is complete. */
async function pinged(tester: TestClient, response: Response): Promise<PcapngFile> {
  const state = { isOver: false };
  const reading = read(response).finally(() => (state.isOver = true));
  for (let count = 0; !state.isOver && count < 10_000; count++) await tester.ping(1272);
  return reading;
}
