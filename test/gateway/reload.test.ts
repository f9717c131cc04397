// A gateway whose files change while tunnels are up. Its certificates, and packets meanwhile: change-under-traffic.test.ts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import type { ClientRuntime } from '../../src/client/client-runtime.ts';
import { TestClient } from './clients.ts';
import { GatewayProcess, MAIN } from './gateway-process.ts';
import { createSite, PASSWORD } from './site.ts';
import type { Site } from './site.ts';

describe('a reload', () => {
  let site: Site;
  let gateway: GatewayProcess;
  let runtime: ClientRuntime;
  let original: string;
  const open: TestClient[] = [];

  before(async () => {
    site = await createSite({
      network: { mode: 'echo', ipv4: { pool: ['10.66.0.2-10.66.0.3'], gateway: '10.66.0.1' } },
    });
    original = readFileSync(site.configFile, 'utf8');
    gateway = await GatewayProcess.start(site);
    runtime = await createClientRuntime();
  });

  afterEach(async () => {
    for (const { client } of open.splice(0)) client.abort();
    await gateway.until(({ sessions, pool }) => total(sessions) === 0 && pool.leased === 0);
    writeFileSync(site.configFile, original);
    await gateway.reload();
  });

  after(async () => {
    assert.equal(await gateway.stop(), 0);
    site.remove();
  });

  const file = (name: string): string => join(site.directory, name);

  async function connect(user = 'alice'): Promise<TestClient> {
    const https = { host: 'localhost', port: gateway.port, ca: site.ca };
    const tester = await TestClient.connect(runtime, { https, user, password: PASSWORD, auth: ['mschapv2'] });
    open.push(tester);
    await gateway.until(({ sessions }) => sessions['up'] === total(sessions));
    return tester;
  }

  /** Replaces parts of the configuration file. */
  function change(sections: Readonly<Record<string, unknown>>): void {
    writeFileSync(site.configFile, JSON.stringify({ ...(JSON.parse(original) as object), ...sections }));
  }

  test('lets a new user in, keeps a removed one out, and drops neither', async () => {
    const alice = await connect();
    const users = readFileSync(file('users.yaml'), 'utf8');
    writeFileSync(file('users.yaml'), JSON.stringify([{ name: 'bob', password: PASSWORD }]));
    await gateway.reload();
    await (await connect('bob')).ping();
    await assert.rejects(connect('alice'), { reason: 'auth-failed' });
    await alice.ping();
    writeFileSync(file('users.yaml'), users);
    await gateway.reload();
    // The pool has two addresses: both are out.
    await assert.rejects(connect('alice'), { reason: 'auth-failed' });
  });

  test('a pool grows under the tunnels that have its addresses', async () => {
    const tunnels = [await connect(), await connect()];
    await assert.rejects(connect(), { reason: 'auth-failed' });
    change({ network: { mode: 'echo', ipv4: { pool: ['10.66.0.2-10.66.0.9'], gateway: '10.66.0.1' } } });
    await gateway.reload();
    tunnels.push(await connect());
    await Promise.all(tunnels.map(tunnel => tunnel.ping()));
    assert.deepEqual((await gateway.status()).pool, { size: 8, leased: 3 });
  });

  test('limits that are new hold for new tunnels', async () => {
    await connect();
    change({ limits: { perUser: { sessions: 1 } } });
    await gateway.reload();
    await assert.rejects(connect(), { reason: 'auth-failed' });
  });

  test('a broken file changes nothing, and says on which line and why', async () => {
    const tunnel = await connect();
    writeFileSync(site.configFile, `${original.trimEnd().slice(0, -1)},\n"drainTimeout": "soon"}`);
    const result = await gateway.reload();
    assert.ok(!result.ok);
    assert.match(result.problems[0] ?? '', /gateway\.yaml:2: drainTimeout: "soon" cannot be used; accepted: /);
    await tunnel.ping();
    await (await connect()).ping();
    const line = gateway.log.findLast(entry => entry.msg === 'the new configuration is not used');
    assert.equal(line?.['problem'], result.problems[0]);
  });

  test('what cannot change without a restart is named, and the rest is applied', async () => {
    change({ workers: 1, listen: [{ address: '127.0.0.1:1' }], log: { level: 'debug', format: 'json' } });
    assert.deepEqual(await gateway.reload(), { ok: true, needsRestart: ['listen', 'workers'], warnings: [] });
    await connect();
    await gateway.untilLogged('session opened');
  });

  test('SIGHUP reloads', async () => {
    const reloads = (): number => gateway.log.filter(entry => entry.msg === 'configuration reloaded').length;
    const before = reloads();
    process.kill(gateway.pid, 'SIGHUP');
    await gateway.until(() => reloads() === before + 1);
  });
});

test('a SIGHUP that comes while the gateway starts is heeded when it is up', async t => {
  const site = await createSite();
  t.after(() => site.remove());
  const child = spawn(process.execPath, [MAIN, 'serve', '--config', site.configFile]);
  t.after(() => child.kill('SIGKILL'));
  const messages: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    const { msg } = JSON.parse(line) as { msg: string };
    // The first line of all; the handler is there from before it.
    if (messages.push(msg) === 1) child.kill('SIGHUP');
    if (msg === 'configuration reloaded') child.kill('SIGTERM');
  }
  assert.ok(messages.includes('configuration reloaded'), messages.join(', '));
  assert.equal(messages.at(-1), 'gateway ended');
});

function total(sessions: Readonly<Record<string, number>>): number {
  return Object.values(sessions).reduce((sum, count) => sum + count, 0);
}
