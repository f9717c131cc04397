// The real Linux client, sstpc with pppd, against the gateway, both in one User-Mode Linux guest.
// Environment variables: GUEST_PLANS names the plans to run, separated by commas; GUEST_LOGS a folder that receives every log.
import { strict as assert } from 'node:assert';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { generate } from 'selfsigned';
import { guestObstacle, runInGuest } from './guest.ts';
import type { GuestResult } from './guest.ts';
import { GATEWAY_NAME } from './guest-network.ts';
import { assertHolds, readResults } from './line-results.ts';
import type { LineResult } from './line-results.ts';
import { STOP_LINE } from './plan.ts';
import { plansCalled } from './plans.ts';

const PLANS = plansCalled(process.env['GUEST_PLANS']?.split(',') ?? []);
const SCENARIO = resolve(import.meta.dirname, 'scenario.js');
const TIME_LIMIT_MS = 30 * 60_000;

const obstacle = guestObstacle({
  sstpc: 'sstp-client',
  pppd: 'ppp',
  iperf3: 'iperf3',
  ip: 'iproute2',
  ping: 'iputils-ping',
  freeradius: 'freeradius',
  openssl: 'openssl',
});

describe('sstpc and pppd in a guest', { skip: process.env['CI'] === 'true' ? false : (obstacle ?? false) }, () => {
  let folder: string | undefined;
  let guest: GuestResult;
  let results: LineResult[] = [];

  before(async () => {
    assert.equal(obstacle, undefined);
    folder = mkdtempSync(join(tmpdir(), 'sstp-gateway-guest-'));
    await writeCertificates(folder);
    guest = await runInGuest({
      init: 'shell',
      program: [process.execPath, '--enable-source-maps', SCENARIO, folder, ...PLANS.map(plan => plan.name)],
      exchange: folder,
      modules: ['ipv6', 'tun', 'veth', 'ppp_async'],
      memoryMb: 1024,
      timeLimitMs: TIME_LIMIT_MS,
    });
    results = readResults(folder);
  });

  after(() => {
    if (folder === undefined) return;
    // For the post-mortem: every program's log, what pppd saw of each call among them.
    const kept = process.env['GUEST_LOGS'];
    if (kept !== undefined) cpSync(folder, kept, { recursive: true });
    rmSync(folder, { recursive: true, force: true });
  });

  for (const plan of PLANS) {
    describe(`gateway with ${plan.name}`, () => {
      for (const name of [...plan.lineNames, STOP_LINE]) {
        test(name, context => {
          assertHolds(results, plan.name, name, guest, fact => context.diagnostic(fact));
        });
      }
    });
  }
});

/** Two self-signed pairs, the gateway's and the interceptor's, and a file of certificates that makes a client trust both. */
async function writeCertificates(folder: string): Promise<void> {
  const trusted: string[] = [];
  for (const [prefix, value] of [
    ['', GATEWAY_NAME],
    ['interceptor-', 'interceptor.example.test'],
  ] as const) {
    const pair = await generate([{ name: 'commonName', value }], { keySize: 2048, algorithm: 'sha256' });
    writeFileSync(join(folder, `${prefix}cert.pem`), pair.cert);
    writeFileSync(join(folder, `${prefix}key.pem`), pair.private, { mode: 0o600 });
    trusted.push(pair.cert.trim());
  }
  writeFileSync(join(folder, 'ca.pem'), `${trusted.join('\n')}\n`);
}
