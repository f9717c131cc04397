// The benchmarks with the load generator run, each in its quick version; how fast is not asked.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { PASSWORD, USER, createSite } from '../gateway/site.ts';
import { freeradiusUnavailable } from '../radius-server/freeradius-process.ts';
import { namespacesUnavailable } from '../tun/namespace.ts';
import type { Outcome } from '../tun/namespace.ts';

const MAIN = fileURLToPath(new URL('../../bench/main.js', import.meta.url));

describe('bench under load', { skip: namespacesUnavailable() }, () => {
  test(
    'setup opens every tunnel, with either key, by the users file and by RADIUS',
    { skip: freeradiusUnavailable() },
    async () => {
      const { code, stdout, stderr } = await bench('setup', '--radius');
      assert.equal(code, 0, stderr);
      assert.match(stdout, /FreeRADIUS CPU ms\/tunnel/);
      assert.equal(stdout.match(/ 0 of 100\b/g)?.length, 4, stdout);
    },
  );

  test('idle loses no tunnel', async () => {
    const { code, stdout, stderr } = await bench('idle');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^ +100 .* 0$/m);
  });

  test('scale prints a row for each number of tunnels, and the slope', async () => {
    const { code, stdout, stderr } = await bench('scale');
    assert.equal(code, 0, stderr);
    for (const heading of ['10', '50', 'tenfold adds', 'last / first']) {
      assert.match(stdout, new RegExp(String.raw`^ +1 +${heading} +-?[\d.]+ `, 'm'));
    }
  });

  test('operate loses no ping and no tunnel, with readers and without', async () => {
    const { code, stdout, stderr } = await bench('operate');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^none +[\d.]+ +[\d.]+ +[\d.]+ +0 /m);
    assert.match(stdout, /^polls, WebSockets +[\d.]+ +[\d.]+ +[\d.]+ +0 /m);
    assert.match(stdout, /^difference .* -?[\d.]+$/m);
    assert.doesNotMatch(stdout, /NaN|Infinity/);
  });

  test('peers puts a server beside the gateway', async t => {
    const site = await createSite();
    t.after(site.remove);
    const peer = await GatewayProcess.start(site);
    t.after(() => peer.stop());
    const pid = String(peer.pid);
    const { code, stdout, stderr } = await bench('peers', ...login(peer, PASSWORD), '--pid', pid, '--tunnels', '5');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^measured +this gateway +peer +peer \/ gateway$/m);
    assert.match(stdout, /^setup, failures +0 +0 +-$/m);
  });

  test('peers says why no tunnel comes up', async t => {
    const site = await createSite();
    t.after(site.remove);
    const peer = await GatewayProcess.start(site);
    t.after(() => peer.stop());
    const { code, stderr } = await bench('peers', ...login(peer, 'wrong'));
    assert.equal(code, 1);
    assert.match(stderr, /no tunnel to localhost came up: auth-failed/);
  });

  test('an interrupted benchmark leaves no namespace behind', async () => {
    const { child, ended } = start('scale');
    await new Promise<void>(resolve => {
      child.stderr!.on('data', text => String(text).includes('tunnels') && resolve());
    });
    child.kill('SIGINT');
    await ended;
    assert.ok(!execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).includes(`sgw${child.pid}-`));
  });
});

function login({ port }: GatewayProcess, password: string): string[] {
  return ['--target', `https://localhost:${port}`, '--insecure', '--user', USER, '--password', password];
}

function bench(...args: readonly string[]) {
  return start(...args).ended;
}

function start(...args: readonly string[]) {
  let settle: (outcome: Outcome) => void;
  const ended = new Promise<Outcome>(resolve => (settle = resolve));
  const child = execFile(process.execPath, [MAIN, ...args, '--quick'], { timeout: 120_000 }, (_, stdout, stderr) =>
    settle({ code: child.exitCode, stdout, stderr }),
  );
  return { child, ended };
}
