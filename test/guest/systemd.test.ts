// The unit in deploy/, run by a real systemd in a User-Mode Linux guest.
// Environment variable: GUEST_LOGS, a folder that receives every log.
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
import { SYSTEMD_LINES, SYSTEMD_PLAN } from './systemd-plan.ts';

const SCENARIO = resolve(import.meta.dirname, 'systemd-scenario.js');
const TIME_LIMIT_MS = 10 * 60_000;

const obstacle = guestObstacle({
  ip: 'iproute2',
  iperf3: 'iperf3',
  ping: 'iputils-ping',
  systemctl: 'systemd',
});

describe('a service of systemd', { skip: process.env['CI'] === 'true' ? false : (obstacle ?? false) }, () => {
  let folder: string | undefined;
  let guest: GuestResult;
  let results: LineResult[] = [];

  before(async () => {
    assert.equal(obstacle, undefined);
    folder = mkdtempSync(join(tmpdir(), 'sstp-gateway-systemd-'));
    const names = [{ type: 2, value: GATEWAY_NAME }] as const;
    const pair = await generate([{ name: 'commonName', value: GATEWAY_NAME }], {
      keySize: 2048,
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [...names] }],
    });
    writeFileSync(join(folder, 'cert.pem'), pair.cert);
    writeFileSync(join(folder, 'key.pem'), pair.private, { mode: 0o600 });
    guest = await runInGuest({
      init: 'systemd',
      program: [process.execPath, '--enable-source-maps', SCENARIO, folder],
      exchange: folder,
      modules: ['ipv6', 'tun', 'veth', 'autofs4'],
      memoryMb: 1024,
      timeLimitMs: TIME_LIMIT_MS,
    });
    results = readResults(folder);
  });

  after(() => {
    if (folder === undefined) return;
    const kept = process.env['GUEST_LOGS'];
    if (kept !== undefined) cpSync(folder, kept, { recursive: true });
    rmSync(folder, { recursive: true, force: true });
  });

  for (const { name } of SYSTEMD_LINES) {
    test(name, context => {
      assertHolds(results, SYSTEMD_PLAN, name, guest, fact => context.diagnostic(fact));
    });
  }
});
