// What comes after the TLS handshake is hostile until proved otherwise: each case is counted by its reason, ends in the prescribed way,
// and a tunnel beside it sees nothing of it.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import { TestClient, inParallel } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { RawClient, SSTP_REQUEST } from './raw-client.ts';
import { createSite } from './site.ts';
import type { Site } from './site.ts';

const CALL_CONNECT_REQUEST = '1001000e 0001 0001 00010006 0001';
const CALL_ABORT = '1001001400050001000200';

describe('hostile peers', () => {
  let site: Site;
  let gateway: GatewayProcess;
  let bystanders: TestClient[];

  before(async () => {
    site = await createSite();
    gateway = await GatewayProcess.start(site);
    const runtime = await createClientRuntime();
    const https = { host: 'localhost', port: gateway.port, ca: site.ca };
    // Enough that each worker has some.
    bystanders = await inParallel(8, 4, () => TestClient.connect(runtime, { https }));
  });

  after(async () => {
    await inParallel(bystanders.length, bystanders.length, index => bystanders[index]!.client.end());
    assert.equal(await gateway.stop(), 0);
    site.remove();
  });

  const aborted = (reason: string) => gateway.until(({ counters }) => (counters.aborts[reason] ?? 0) > 0);
  const unharmed = async () => {
    await inParallel(bystanders.length, bystanders.length, index => bystanders[index]!.ping());
    assert.ok(bystanders.every(tester => tester.ended === undefined));
  };

  for (const [name, bytes] of [
    ['another version', '2000 0008 ff03 c021'],
    ['a length under four', '1000 0000 0000'],
    ['a control packet under eight', '1001 0006 0001'],
  ] as const) {
    test(`${name}: the connection is dropped at once and nothing is sent`, async () => {
      const before = (await gateway.status()).counters.aborts['delineation'] ?? 0;
      const client = await RawClient.open(gateway.port);
      client.write(bytes);
      assert.equal((await client.untilClosed()).length, 0);
      await gateway.until(({ counters }) => counters.aborts['delineation'] === before + 1);
      await unharmed();
    });
  }

  test('a peer that has every message answered and reads nothing is dropped before it costs much memory', async () => {
    const client = await RawClient.open(gateway.port);
    client.socket.on('error', () => undefined);
    client.socket.pause();
    const echoRequests = Buffer.from('1001000800080000'.repeat(1000), 'hex');
    const isDropped = aborted('unread-answers').then(() => true);
    for (let sent = 0; sent < 1000 && !client.socket.destroyed; sent++) {
      client.socket.write(echoRequests);
      if (await Promise.race([isDropped, new Promise<false>(resolve => void setTimeout(resolve, 5, false))])) break;
    }
    await isDropped;
    client.socket.destroy();
    await unharmed();
  });

  test('a broken control message gets a Call Abort', async () => {
    const client = await RawClient.open(gateway.port);
    client.write('1001000c 0001 0001 00010020');
    assert.ok((await client.until(received => received.length >= 20)).toString('hex').startsWith('10010'));
    client.socket.destroy();
    await unharmed();
  });

  test('a message out of turn gets a Call Abort with status 5', async () => {
    const client = await RawClient.open(gateway.port);
    client.write(CALL_CONNECT_REQUEST);
    await client.until(received => received.length >= 48);
    client.forget();
    client.write(CALL_CONNECT_REQUEST);
    const answer = await client.until(received => received.toString('hex').includes(CALL_ABORT));
    assert.ok(answer.toString('hex').includes('0002000c0000000200000005'));
    // The peer's own Abort ends the call, and the connection with it.
    client.write('10010014 0005 0001 0002000c 000000 02 00000005');
    await client.untilClosed();
    await aborted('unexpected-message');
    await unharmed();
  });

  test('an unacceptable Call Connect Request gets Naks, and after the third one more an Abort', async () => {
    const client = await RawClient.open(gateway.port);
    for (let round = 1; round <= 3; round++) {
      client.forget();
      client.write('1001000e 0001 0001 00010006 0002');
      const nak = await client.until(received => received.length >= 22);
      assert.equal(nak.toString('hex'), '10010016000300010002000e00000001000000040002');
    }
    client.forget();
    client.write('1001000e 0001 0001 00010006 0002');
    const abort = await client.until(received => received.length >= 20);
    assert.ok(abort.toString('hex').startsWith(CALL_ABORT));
    client.socket.destroy();
    await aborted('nak-limit');
    await unharmed();
  });

  test('a Call Connected before authentication is parked, not believed', async () => {
    const client = await RawClient.open(gateway.port);
    client.write(CALL_CONNECT_REQUEST);
    const ack = await client.until(received => received.length >= 48);
    const nonce = ack.subarray(16, 48).toString('hex');
    client.write(`10010070 0004 0001 00030068 000000 02 ${nonce} ${'00'.repeat(64)}`);
    client.write('1000001e ff03 0021 4500001a 00000000 40010000 0a420002 0a420001 0000');
    await gateway.until(({ counters }) => (counters.drops['not-up'] ?? 0) > 0);
    client.socket.destroy();
    await unharmed();
  });

  test('the request, the call and the first frame in one write are all understood', async () => {
    const client = await RawClient.connect(gateway.port);
    const sstp = Buffer.from(`${CALL_CONNECT_REQUEST}1000000cff03c0210101 0004`.replaceAll(' ', ''), 'hex');
    client.socket.write(Buffer.concat([Buffer.from(SSTP_REQUEST), sstp]));
    const answer = await client.until(received => received.includes(Buffer.from('ff03c02102010004', 'hex')));
    assert.ok(answer.toString('latin1').startsWith('HTTP/1.1 200 OK\r\n'));
    client.socket.destroy();
    await unharmed();
  });

  test('random bytes in place of SSTP, two hundred times, from eight clients at a time', async () => {
    await inParallel(200, 8, async index => {
      const client = await RawClient.open(gateway.port);
      client.socket.write(randomBytes(1 + (index % 97) * 41));
      const end = setTimeout(() => client.socket.destroy(), 200);
      await client.untilClosed();
      clearTimeout(end);
    });
    await gateway.until(({ sessions }) => sessions.negotiating + sessions.authenticating + sessions.closing === 0);
    await unharmed();
  });

  test('everything that a worker was told is in order: no worker was restarted', async () => {
    const { workers } = await gateway.status();
    assert.ok(workers.every(worker => worker.restarts === 0));
  });
});
