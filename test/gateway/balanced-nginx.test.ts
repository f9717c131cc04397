// Two gateways behind nginx with the configuration of deploy/.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import type { ClientRuntime } from '../../src/client/client-runtime.ts';
import { BalancedGateways } from './balanced-gateways.ts';
import { TestClient } from './clients.ts';
import { Nginx, nginxUnavailable } from './nginx.ts';
import { RawClient } from './raw-client.ts';

const CLIENTS = 6;

describe('two gateways behind nginx', { skip: nginxUnavailable() }, () => {
  let runtime: ClientRuntime;
  let gateways: BalancedGateways;
  let nginx: Nginx;
  const open: TestClient[] = [];

  before(async () => {
    runtime = await createClientRuntime();
    gateways = await BalancedGateways.start({});
    nginx = await Nginx.start(port =>
      gateways.example('nginx/stream.conf', {
        'listen 443': `listen 127.0.0.1:${port}`,
        'listen [::]:443': `listen [::1]:${port}`,
      }),
    );
  });

  after(async () => {
    for (const { client } of open) client.abort();
    await nginx.stop();
    gateways.remove();
  });

  async function connect(): Promise<number> {
    const https = { host: 'localhost', port: nginx.port, ca: gateways.ca };
    const tester = await TestClient.connect(runtime, { https });
    open.push(tester);
    await tester.ping();
    return gateways.indexOf(tester);
  }

  test('see the clients themselves', async () => {
    const clients = await Promise.all(['127.0.0.77', '::1'].map(from => RawClient.open(nginx.port, from)));
    const rows = [...(await gateways.gateway(0).sessions()), ...(await gateways.gateway(1).sessions())];
    const wanted = clients.map(({ socket }, index) => `${['127.0.0.77', '[::1]'][index]}:${socket.localPort}`);
    assert.deepEqual(new Set(rows.map(({ remoteAddress }) => remoteAddress)), new Set(wanted));
    for (const { socket } of clients) socket.destroy();
  });

  test('share the clients; when one refuses them, all go to the other and none fails', async () => {
    const places: number[] = [];
    for (let count = 0; count < CLIENTS; count++) places.push(await connect());
    assert.ok(places.includes(0) && places.includes(1), String(places));
    await gateways.gateway(0).drain();
    await gateways.gateway(0).until(({ workers }) => workers.every(({ state }) => state === 'draining'));
    for (let count = 0; count < CLIENTS; count++) assert.equal(await connect(), 1);
    await Promise.all(open.map(client => client.ping()));
  });
});
