// What a stranger with a browser sees of a whole gateway.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import { TestClient } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { createSite, type Site } from './site.ts';

describe('a gateway with a web site in front', () => {
  let site: Site;
  let gateway: GatewayProcess;

  before(async () => {
    site = await createSite({ sstp: { decoy: 'site' } }, 'ec');
    mkdirSync(join(site.directory, 'site'));
    page('Welcome');
    gateway = await GatewayProcess.start(site);
  });

  after(async () => {
    assert.equal(await gateway.stop(), 0);
    site.remove();
  });

  function page(text: string): void {
    writeFileSync(join(site.directory, 'site', 'index.html'), text);
  }

  async function reload(): Promise<{ ok: boolean; problems?: string[] }> {
    const response = await fetch(`${gateway.admin}/api/v1/reload`, { method: 'POST' });
    return (await response.json()) as { ok: boolean; problems?: string[] };
  }

  test('shows the site to strangers and tunnels to its users, counts the former, and shows a new site after a reload', async () => {
    assert.deepEqual(await visit(gateway.port, site.ca), { status: 200, text: 'Welcome' });
    const https = { host: 'localhost', port: gateway.port, ca: site.ca };
    const tester = await TestClient.connect(await createClientRuntime(), { https });
    page('Welcome back');
    assert.equal((await visit(gateway.port, site.ca)).text, 'Welcome');
    assert.equal((await reload()).ok, true);
    // Every worker has it.
    for (let n = 0; n < 8; n++) assert.equal((await visit(gateway.port, site.ca)).text, 'Welcome back');

    page('x'.repeat(9 * 1024 * 1024));
    const { ok, problems } = await reload();
    assert.equal(ok, false);
    assert.match(problems![0]!, /sstp\.decoy: .* holds more than 8 MiB/);
    assert.equal((await visit(gateway.port, site.ca)).text, 'Welcome back');

    const config = JSON.parse(readFileSync(site.configFile, 'utf8')) as object;
    writeFileSync(site.configFile, JSON.stringify({ ...config, sstp: { decoy: 'https://www.example.org' } }));
    assert.equal((await reload()).ok, true);
    assert.deepEqual(await visit(gateway.port, site.ca), { status: 301, text: '' });
    await tester.ping();
    await gateway.until(({ counters }) => counters.refusals['decoy'] === 12);
    await tester.client.end();
  });
});

function visit(port: number, ca: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    get({ host: 'localhost', port, ca, agent: false }, response => {
      let text = '';
      response.setEncoding('utf8').on('data', chunk => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    }).on('error', reject);
  });
}
