// A gateway process and clients of the project's own library, over loopback, with the in-process echo network.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import type { ClientRuntime } from '../../src/client/client-runtime.ts';
import { TunnelRefusedError } from '../../src/client/tunnel-refused-error.ts';
import type { AuthMethod } from '../../src/protocol/ppp/credentials.ts';
import { formatIpv4 } from '../../src/wire/ip.ts';
import { TestClient } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { PASSWORD, createSite } from './site.ts';
import type { Site } from './site.ts';

describe('sessions', () => {
  let site: Site;
  let gateway: GatewayProcess;
  let runtime: ClientRuntime;

  before(async () => {
    site = await createSite({}, 'rsa', [{ name: 'narrow', password: PASSWORD, mtu: 1200 }]);
    gateway = await GatewayProcess.start(site);
    runtime = await createClientRuntime();
  });

  after(async () => {
    assert.equal(await gateway.stop(), 0);
    site.remove();
  });

  // A test that fails does not leave its tunnels to the next one.
  afterEach(() => {
    for (const { client } of open.splice(0)) client.abort();
  });

  const https = (maxVersion?: 'TLSv1.2' | 'TLSv1.3') => ({
    host: 'localhost',
    port: gateway.port,
    ca: site.ca,
    maxVersion,
  });
  const open: TestClient[] = [];
  // A client is up a moment before the table of sessions says so.
  const connect = async (options: Parameters<typeof TestClient.connect>[1]) => {
    const tester = await TestClient.connect(runtime, options);
    open.push(tester);
    await gateway.until(({ sessions }) => sessions['up'] === total(sessions));
    return tester;
  };
  const empty = () => gateway.until(({ sessions, pool }) => total(sessions) === 0 && pool.leased === 0);

  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`a tunnel over ${maxVersion} comes up, pings, shows in the API and leaves nothing behind`, async () => {
      const tester = await connect({ https: https(maxVersion) });
      const rows = await gateway.sessions();
      assert.equal(rows.length, 1);
      const [row] = rows;
      assert.equal(row!.state, 'up');
      assert.equal(row!.user, 'alice');
      assert.equal(row!.ipv4, formatIpv4(tester.client.network.address));
      assert.equal(row!.tls.version, maxVersion);
      assert.equal(row!.auth, 'mschapv2');
      await tester.ping();
      let [after] = await gateway.sessions();
      // A worker tells of its packets a moment later.
      for (let look = 0; look < 100 && after!.txPackets === 0; look++) {
        await sleep(20);
        [after] = await gateway.sessions();
      }
      assert.deepEqual([after!.rxPackets, after!.txPackets, after!.rxBytes], [1, 1, 84]);
      assert.equal(await tester.client.end(), 'terminated');
      await empty();
    });
  }

  for (const method of ['pap', 'chap', 'mschapv2', 'eap'] satisfies AuthMethod[]) {
    test(`${method}: the right password comes up, a wrong one is refused and named in the log`, async () => {
      const tester = await connect({ https: https(), auth: [method] });
      await tester.ping();
      const [row] = await gateway.sessions();
      assert.equal(row!.auth, method);
      await tester.client.end();
      await assert.rejects(
        connect({ https: https(), auth: [method], password: 'wrong' }),
        (error: unknown) => error instanceof TunnelRefusedError && error.reason === 'auth-failed',
      );
      // With EAP it is MS-CHAPv2 inside that is judged.
      const judged = method === 'eap' ? 'mschapv2' : method;
      const line = gateway.log.findLast(entry => entry.msg === 'authentication refused');
      assert.deepEqual([line?.['user'], line?.['method']], ['alice', judged]);
      assert.equal(line?.['reason'], 'wrong-password');
      await empty();
    });
  }

  test('unknown and disabled users look the same to the client and different in the log', async () => {
    for (const [user, reason] of [
      ['nobody', 'unknown-user'],
      ['disabled', 'disabled'],
    ] as const) {
      await assert.rejects(connect({ https: https(), user }), { reason: 'auth-failed' });
      const line = gateway.log.find(entry => entry.msg === 'authentication refused' && entry['user'] === user);
      assert.equal(line?.['reason'], reason);
    }
    assert.ok(!JSON.stringify(gateway.log).includes(PASSWORD), 'a password in the log');
    await empty();
  });

  test('a user with a fixed address gets it, one session at a time', async () => {
    const first = await connect({ https: https(), user: 'fixed' });
    assert.equal(formatIpv4(first.client.network.address), '10.66.200.1');
    await assert.rejects(connect({ https: https(), user: 'fixed' }), { reason: 'auth-failed' });
    first.client.abort();
    await empty();
    const again = await connect({ https: https(), user: 'fixed' });
    assert.equal(formatIpv4(again.client.network.address), '10.66.200.1', 'at once after the connection was lost');
    await again.client.end();
  });

  test('a user whose packets must be shorter than those of others has a tunnel of that MTU', async () => {
    await connect({ https: https(), user: 'narrow' });
    const [row] = await gateway.sessions();
    assert.equal(row!.mtu, 1200);
  });

  test('a limit on sessions of a user holds', async () => {
    const first = await connect({ https: https(), user: 'single' });
    await assert.rejects(connect({ https: https(), user: 'single' }), { reason: 'auth-failed' });
    await first.client.end();
    const second = await connect({ https: https(), user: 'single' });
    await second.client.end();
    await empty();
  });

  test('a reset connection frees row and lease at once, with Lost-Carrier', async () => {
    const before = (await gateway.status()).counters.ends['Lost-Carrier'] ?? 0;
    const { client } = await connect({ https: https() });
    client.abort();
    const status = await empty();
    assert.equal(status.counters.ends['Lost-Carrier'], before + 1);
  });

  test('DELETE ends a session in good order and the client is told', async () => {
    const tester = await connect({ https: https() });
    const [row] = await gateway.sessions();
    assert.equal(await gateway.disconnect(row!.id), 202);
    await empty();
    assert.equal(await gateway.disconnect(row!.id), 404);
    assert.ok(tester.ended === 'peer-terminate' || tester.ended === 'peer-disconnect', String(tester.ended));
  });

  test('the largest packet of the tunnel passes, in both directions', async () => {
    const tester = await connect({ https: https() });
    await tester.ping(1400 - 28);
    await tester.client.end();
    await empty();
  });
});

function total(sessions: Readonly<Record<string, number>>): number {
  return Object.values(sessions).reduce((sum, count) => sum + count, 0);
}
