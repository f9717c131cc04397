// What this machine, or the pool, cannot give: one clear message and exit code 2 at the start, the refusal of one tunnel later.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import { TestClient } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { createSite } from './site.ts';
import type { Site } from './site.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const NOBODY = 65534;

test('an exhausted pool refuses the one tunnel and leaves the others alone', async () => {
  const site = await createSite({
    network: { mode: 'echo', ipv4: { pool: ['10.66.0.2-10.66.0.2'], gateway: '10.66.0.1' } },
  });
  const gateway = await GatewayProcess.start(site);
  try {
    const runtime = await createClientRuntime();
    const https = { host: 'localhost', port: gateway.port, ca: site.ca };
    const first = await TestClient.connect(runtime, { https });
    await assert.rejects(TestClient.connect(runtime, { https }), { reason: 'auth-failed' });
    const line = await gateway.untilLogged('authentication refused');
    assert.equal(line['reason'], 'pool-exhausted');
    await first.ping();
    await first.client.end();
    const second = await TestClient.connect(runtime, { https });
    await second.client.end();
  } finally {
    await gateway.stop();
    site.remove();
  }
});

test('a port in use is one line and exit code 2', async () => {
  const other = createServer();
  await new Promise<void>(resolve => void other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const site = await createSite({ listen: [{ address: `127.0.0.1:${port}` }] });
  try {
    const { code, errors } = await serve(site);
    assert.equal(code, 2);
    assert.equal(errors, `sstp-gateway: cannot listen on 127.0.0.1:${port}: another process listens there\n`);
  } finally {
    other.close();
    site.remove();
  }
});

test('mode tun without the permission is one line and exit code 2', { skip: needsSetpriv() }, async () => {
  const site = await createSite({ network: { mode: 'tun', ipv4: { pool: ['10.66.0.0/16'], gateway: '10.66.0.1' } } });
  try {
    chmodSync(site.directory, 0o755);
    for (const file of readdirSync(site.directory)) chownSync(join(site.directory, file), NOBODY, NOBODY);
    const { code, errors } = await serve(site, ['setpriv', `--reuid=${NOBODY}`, '--clear-groups']);
    assert.equal(code, 2, errors);
    assert.match(errors, /^sstp-gateway: .*(tun|TUN).*\n$/);
  } finally {
    site.remove();
  }
});

function serve(site: Site, prefix: readonly string[] = []): Promise<{ code: number | null; errors: string }> {
  const [program, ...args] = [...prefix, process.execPath, MAIN, 'serve', '--config', site.configFile];
  return new Promise(resolve => {
    const child = execFile(program, args, { timeout: 20_000 }, (_error, _stdout, errors) =>
      resolve({ code: child.exitCode, errors }),
    );
  });
}

function needsSetpriv(): string | false {
  if (process.env['CI'] === 'true') return false;
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    execFileSync('setpriv', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'needs the command setpriv (util-linux)';
  }
}
