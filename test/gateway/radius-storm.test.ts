// Two thousand tunnels at once through a real FreeRADIUS: whoever comes up is accounted for exactly, whatever happens to the server or
// to the gateway meanwhile.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import { freeradiusUnavailable } from '../radius-server/freeradius-process.ts';
import { Freeradius } from '../radius-server/freeradius.ts';
import { TestClient, inParallel } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { createSite } from './site.ts';
import type { Site } from './site.ts';

/** Handshakes at a time. */
const WIDTH = 64;
/** For how long the server is away in the middle of the storm. */
const OUTAGE_MS = Number(process.env['RADIUS_OUTAGE_SECONDS'] ?? 8) * 1000;
const USERS = 'alice Cleartext-Password := "pw"\n';

describe('a storm of tunnels through RADIUS', { skip: freeradiusUnavailable() }, () => {
  test('2,000 tunnels are up or refused with a reason, and Start and Stop balance although the server was away', async t => {
    const { radius, site } = await surroundings(t);
    const gateway = await GatewayProcess.start(site);
    try {
      const outage = sleep(1500)
        .then(() => radius.kill())
        .then(() => sleep(OUTAGE_MS))
        .then(() => radius.restart());
      const testers = await storm(site, gateway, 2000);
      await outage;
      const { counters, sessions } = await gateway.status();
      const decided = Object.values(counters.auth['mschapv2'] ?? {}).reduce((sum, count) => sum + count, 0);
      t.diagnostic(`up ${testers.length}, decided ${JSON.stringify(counters.auth['mschapv2'])}`);
      assert.equal(sessions.up, testers.length);
      assert.equal(counters.starts, testers.length);
      // Every client was answered: with a tunnel, or with a refusal that has a reason.
      assert.equal(decided, 2000);
      for (const { client } of testers) client.abort();
      const after = await gateway.until(status => total(status.sessions) === 0);
      assert.equal(after.pool.leased, 0);
      await balanced(radius, gateway, testers.length);
      assert.equal(await gateway.stop(), 0);
      assert.equal(new Set(statusOf(radius).get('Accounting-Off')).size, 1);
    } finally {
      await gateway.stop();
    }
  });

  test('a gateway that is killed with its tunnels up accounts for them when it is started again', async t => {
    const { radius, site } = await surroundings(t);
    const first = await GatewayProcess.start(site);
    let second: GatewayProcess | undefined;
    try {
      const testers = await storm(site, first, 200);
      assert.equal(testers.length, 200);
      for (const { client } of testers.slice(0, 50)) client.abort();
      await first.until(({ sessions }) => sessions.up === 150);
      const stillUp = (await first.sessions()).map(({ id }) => id);
      process.kill(first.pid, 'SIGKILL');
      await first.stop();
      second = await GatewayProcess.start(site);
      await balanced(radius, second, 200);
      const stops = radius.accounting().filter(record => valueOf(record, 'Acct-Status-Type') === 'Stop');
      const causes = new Map(
        stops.map(record => [valueOf(record, 'Acct-Session-Id'), valueOf(record, 'Acct-Terminate-Cause')]),
      );
      // Of those that had just ended the journal may not have heard yet.
      for (const id of stillUp) assert.equal(causes.get(id), 'NAS-Reboot');
      assert.equal(new Set(statusOf(radius).get('Accounting-On')).size, 2, 'each start says so');
      // A new tunnel after all that has an id that was never there before.
      const [again] = await storm(site, second, 1);
      again!.client.abort();
      const { pool } = await second.until(({ sessions }) => total(sessions) === 0);
      assert.equal(pool.leased, 0);
      await balanced(radius, second, 201);
    } finally {
      await first.stop();
      await second?.stop();
    }
  });
});

/** A server and a gateway's files, which go away with the test. */
async function surroundings(t: TestContext): Promise<{ radius: Freeradius; site: Site }> {
  const radius = await Freeradius.start({ users: USERS });
  t.after(() => radius.close());
  const { host, authPort, acctPort, secret } = radius.options();
  const server = { address: host, authPort, acctPort, secret: Buffer.from(secret).toString(), deadTime: '1s' };
  const site = await createSite({
    aaa: { method: 'radius', radius: { servers: [server], timeout: '500ms', retries: 2, authTimeout: '20s' } },
    limits: { maxHalfOpen: 2000 },
  });
  t.after(() => site.remove());
  return { radius, site };
}

/** Those that came up. A refused client has been told so. */
async function storm(site: Site, gateway: GatewayProcess, count: number): Promise<TestClient[]> {
  const runtime = await createClientRuntime();
  const https = { host: 'localhost', port: gateway.port, ca: site.ca };
  const testers = await inParallel(count, WIDTH, () =>
    TestClient.connect(runtime, { https, user: 'alice', password: 'pw', auth: ['mschapv2'] }).catch(
      (error: unknown) => {
        assert.equal((error as { reason?: unknown }).reason, 'auth-failed', String(error));
      },
    ),
  );
  const up = testers.filter(tester => tester !== undefined);
  await gateway.until(({ sessions }) => sessions.up === up.length && total(sessions) === up.length, 30_000);
  return up;
}

/** Waits until as many sessions have a Stop as were up; then each has one Start before it. Delivery is at least once. */
async function balanced(radius: Freeradius, gateway: GatewayProcess, sessions: number): Promise<void> {
  let seen = statusOf(radius);
  for (let tries = 0; tries < 600 && new Set(seen.get('Stop')).size < sessions; tries++) {
    await sleep(100);
    seen = statusOf(radius);
  }
  const [starts, stops] = [new Set(seen.get('Start')), new Set(seen.get('Stop'))];
  assert.deepEqual([starts.size, stops.size], [sessions, sessions], JSON.stringify(await metrics(gateway)));
  assert.ok([...stops].every(id => starts.has(id)));
  const order = radius
    .accounting()
    .map(record => [valueOf(record, 'Acct-Session-Id'), valueOf(record, 'Acct-Status-Type')]);
  const first = new Map<string | undefined, string | undefined>();
  for (const [id, status] of order) if (!first.has(id)) first.set(id, status);
  for (const id of starts) assert.equal(first.get(id), 'Start', `of ${id} the first record`);
}

/** Session ids of the Accounting-Requests, by their kind. */
function statusOf(radius: Freeradius): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const record of radius.accounting()) {
    const [status = '', id = ''] = [valueOf(record, 'Acct-Status-Type'), valueOf(record, 'Acct-Session-Id')];
    const known = ids.get(status);
    if (known === undefined) ids.set(status, [id]);
    else known.push(id);
  }
  return ids;
}

/** What the gateway itself says about accounting, for the report of a failure. */
async function metrics(gateway: GatewayProcess): Promise<string[]> {
  const text = await (await fetch(`${gateway.admin}/metrics`)).text();
  return text.split('\n').filter(line => /^sstp_(?:accounting|radius)_/.test(line));
}

function valueOf(record: string, attribute: string): string | undefined {
  return new RegExp(`^\\t${attribute} = "?([^"\\n]*)"?$`, 'm').exec(record)?.[1];
}

function total(sessions: Readonly<Record<string, number>>): number {
  return Object.values(sessions).reduce((sum, count) => sum + count, 0);
}
