// What the log of a gateway says about its sessions, and how much of it strangers can write.
import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import type { ClientRuntime } from '../../src/client/client-runtime.ts';
import { inParallel, TestClient } from './clients.ts';
import { GatewayProcess, type LogLine } from './gateway-process.ts';
import { createSite, PASSWORD } from './site.ts';
import type { Site } from './site.ts';

describe('the log', () => {
  let site: Site;
  let gateway: GatewayProcess;
  let runtime: ClientRuntime;

  before(async () => {
    site = await createSite({ log: { level: 'debug' } }, 'ec', [
      { name: 'shaped', password: PASSWORD, rate: '2M/10M' },
    ]);
    gateway = await GatewayProcess.start(site);
    runtime = await createClientRuntime();
  });

  after(async () => {
    await gateway.stop();
    site.remove();
  });

  const https = () => ({ host: 'localhost', port: gateway.port, ca: site.ca });
  const lines = (message: string): LogLine[] => gateway.log.filter(({ msg }) => msg === message);

  test('has one line for a session that comes up and one for its end, each with all that is known', async () => {
    const tester = await TestClient.connect(runtime, { https: https(), user: 'shaped' });
    await tester.ping(100);
    await tester.client.end();
    const down = await gateway.untilLogged('session down');
    const [up] = lines('session up');
    assert.deepEqual([lines('session up').length, lines('session down').length], [1, 1]);
    const facts = {
      user: 'shaped',
      remoteAddress: '127.0.0.1',
      localAddress: '127.0.0.1',
      serverName: 'localhost',
      auth: 'mschapv2',
      tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
      mtu: 1400,
      authentic: 'local',
      pool: 'default',
      rate: '2M/10M',
    };
    for (const line of [up!, down]) {
      for (const [key, value] of Object.entries(facts)) assert.deepEqual(line[key], value, key);
      assert.equal(typeof line['remotePort'], 'number');
      assert.match(String(line['ipv4']), /^10\.66\./);
      assert.equal(line['level'], 30);
    }
    const { reason, cause, seconds, rxBytes, txBytes, rxPackets, txPackets, drops } = down;
    assert.deepEqual([reason, cause], ['peer-terminate', 'User-Request']);
    assert.ok(Number(seconds) >= 0);
    assert.deepEqual(
      { rxBytes, txBytes, rxPackets, txPackets, drops },
      {
        rxBytes: 128,
        txBytes: 128,
        rxPackets: 1,
        txPackets: 1,
        drops: 0,
      },
    );
  });

  test("has the session's id and the client's own in every line about a session", async () => {
    await assert.rejects(TestClient.connect(runtime, { https: https(), password: 'wrong' }));
    await gateway.untilLogged('session ended before it was up');
    const about = gateway.log.filter(line => 'session' in line);
    assert.ok(about.length >= 5);
    for (const line of about)
      assert.match(String(line['correlationId']), /^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$/i);
    const sessions = new Map(about.map(line => [line['session'], line['correlationId']]));
    assert.equal(sessions.size, 2);
    for (const line of about) assert.equal(line['correlationId'], sessions.get(line['session']));
  });

  test('takes a few lines of a flood and a sum, while the counters are exact', async () => {
    const FLOOD = 1_500;
    const began = performance.now();
    await inParallel(FLOOD, 50, () => refusedConnection(gateway.port));
    await gateway.until(({ counters }) => counters.refusals['not-tls'] === FLOOD);
    const metrics = await (await fetch(`${gateway.admin}/metrics`)).text();
    assert.ok(metrics.includes(`sstp_refusals_total{reason="not-tls"} ${FLOOD}\n`));
    const suppressed = Number(
      /^sstp_log_suppressed_total\{line="connection refused",reason="not-tls"\} (\d+)$/m.exec(metrics)?.[1],
    );
    // What is not yet summed up is at the end.
    assert.equal(await gateway.stop(), 0);
    const seconds = (performance.now() - began) / 1000;
    const single = lines('connection refused').length;
    assert.ok(single >= 20 && single <= 21 + seconds, `${single} lines in ${seconds} s`);
    const sums = lines('lines suppressed');
    for (const { line, reason } of sums) assert.deepEqual([line, reason], ['connection refused', 'not-tls']);
    assert.equal(
      sums.reduce((sum, line) => sum + Number(line['suppressed']), 0),
      suppressed,
    );
    assert.equal(single + suppressed, FLOOD);
  });
});

/** Resolves when the gateway has closed it. */
function refusedConnection(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp(port, '127.0.0.1', () => socket.write('\u0000'));
    socket.on('error', reject);
    socket.on('close', () => resolve());
  });
}
