// A gateway that takes its leave: not ready first, then no new tunnels, then none at all.
import assert from 'node:assert/strict';
import { afterEach, before, describe, test } from 'node:test';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import type { ClientRuntime } from '../../src/client/client-runtime.ts';
import { TestClient } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { RawClient } from './raw-client.ts';
import { createSite } from './site.ts';
import type { Site } from './site.ts';

/** Nothing waits so long: a second signal has to come. */
const FOREVER = { drainDelay: '10m', drainTimeout: '1h' };

describe('a gateway that drains', () => {
  let runtime: ClientRuntime;
  let site: Site;
  let gateway: GatewayProcess;

  before(async () => {
    runtime = await createClientRuntime();
  });

  async function start(settings: Readonly<Record<string, unknown>>): Promise<void> {
    site = await createSite(settings, 'ec');
    gateway = await GatewayProcess.start(site);
  }

  afterEach(() => {
    gateway.signal('SIGKILL');
    site.remove();
  });

  const connect = (): Promise<TestClient> =>
    TestClient.connect(runtime, { https: { host: 'localhost', port: gateway.port, ca: site.ca } });

  for (const [how, drain] of [
    ['SIGTERM', () => gateway.signal('SIGTERM')],
    ['POST /drain', () => gateway.drain()],
  ] as const) {
    test(`after ${how} is not ready, takes tunnels until the delay is over, then refuses them`, async () => {
      await start({ ...FOREVER, drainDelay: '12s' });
      assert.equal(await gateway.readiness(), 200);
      const old = await connect();
      await drain();
      const line = await gateway.untilLogged('not ready any more: draining');
      assert.equal(line['drainDelay'], 12_000);
      assert.equal(await gateway.readiness(), 503);
      const late = await connect();
      await Promise.all([old.ping(), late.ping()]);
      if (how === 'SIGTERM') {
        gateway.signal('SIGTERM');
        assert.equal(await gateway.ended(), 0);
        for (const { ended } of [old, late]) assert.match(String(ended), /^peer-(terminate|disconnect)$/);
      } else {
        await gateway.until(({ workers }) => workers.every(({ state }) => state === 'draining'), 30_000);
        await assert.rejects(connect(), { code: 'refused' });
        await Promise.all([old.ping(), late.ping()]);
        for (const { client } of [old, late]) client.abort();
      }
    });
  }

  test('without a delay refuses at once, and says 503 while it waits for its tunnels', async () => {
    await start({ drainTimeout: '1h' });
    // It never answers a farewell.
    const client = await RawClient.open(gateway.port);
    gateway.signal('SIGTERM');
    await gateway.until(({ workers }) => workers.every(({ state }) => state === 'draining'));
    assert.equal(await gateway.readiness(), 503);
    await assert.rejects(connect(), { code: 'refused' });
    client.socket.destroy();
    assert.equal(await gateway.ended(), 0);
  });

  test('goes at once to the farewell on a second signal, and does without it on a third', async () => {
    await start(FOREVER);
    const [polite, mute] = [await connect(), await RawClient.open(gateway.port)];
    gateway.signal('SIGTERM');
    await gateway.untilLogged('not ready any more: draining');
    await polite.ping();
    gateway.signal('SIGINT');
    await gateway.until(() => polite.ended !== undefined);
    assert.match(String(polite.ended), /^peer-(terminate|disconnect)$/);
    gateway.signal('SIGTERM');
    assert.equal(await gateway.ended(), 0);
    await mute.untilClosed();
  });
});
