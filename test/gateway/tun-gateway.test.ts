// Gateways with TUN devices, each in a network namespace of its own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Namespace, namespacesUnavailable } from '../tun/namespace.ts';
import type { HostileReport } from './hostile-packets.ts';
import type { ThousandReport } from './thousand-tunnels.ts';
import type { VanishReport } from './vanishing-clients.ts';
import type { FaultReport } from './worker-faults.ts';

const skip = namespacesUnavailable();

test('a thousand tunnels on two workers come up, ping, and after a reset of all leave nothing', { skip }, async () => {
  const report = (await runInNamespace('thousand-tunnels.js', '1000')) as ThousandReport;
  assert.equal(report.up, 1000);
  assert.equal(report.addresses, 1000);
  assert.equal(report.routesWhileUp, 1000);
  assert.equal(report.leasedWhileUp, 1000);
  assert.ok(report.perWorker.every(sessions => sessions > 0));
  assert.equal(report.sessionsAfter, 0);
  assert.equal(report.leasedAfter, 0);
  assert.equal(report.routesAfter, 0);
  assert.equal(report.lostCarrier, 1000);
  assert.equal(report.cleanupCount, 1000);
  assert.ok(report.again);
  assert.equal(report.exitCode, 0);
  console.log(`sstp_cleanup_seconds p99 of ${report.cleanupCount}: ${((report.cleanupP99 ?? 0) * 1000).toFixed(1)} ms`);
});

test(
  'a worker that throws, exits, hangs or loses its device loses its own tunnels only, and comes back',
  { skip },
  async () => {
    const reports = (await runInNamespace('worker-faults.js')) as FaultReport[];
    assert.deepEqual(
      reports.map(report => report.how),
      ['throw', 'exit', 'hang', 'device'],
    );
    for (const report of reports) {
      const { before, after } = report;
      assert.ok(before.victims > 0 && before.others > 0);
      assert.equal(before.routes, before.victims + before.others);
      assert.deepEqual(after, { sessions: before.others, leased: before.others, routes: before.others, restarts: 1 });
      assert.equal(report.othersPinged, before.others);
      assert.equal(report.victimsTold, before.victims);
      assert.ok(report.newOnVictim > 0);
    }
  },
);

test('packets of every kind pass unharmed in both directions, and noise harms nobody', { skip }, async t => {
  const { rounds, noise, drops, ...after } = (await runInNamespace('hostile-packets.js')) as HostileReport;
  for (const [direction, { sent, arrived, onDevice, faults }] of Object.entries(rounds)) {
    assert.ok(sent > 1000);
    assert.deepEqual({ arrived, faults }, { arrived: sent, faults: [] }, direction);
    if (direction !== 'download')
      assert.ok(onDevice < 0.95 * sent, `${direction}: ${onDevice} of ${sent} on the device`);
  }
  t.diagnostic(`noise: ${JSON.stringify(noise)}, dropped: ${JSON.stringify(drops)}`);
  assert.deepEqual([noise.upload, noise.download], [5000, 5000]);
  assert.ok(noise.taken > 1000);
  assert.ok(drops['malformed']! > 100, 'noise arrived at the packet path');
  assert.deepEqual(after, { restarts: [0], sessionsUp: 2, exitCode: 0 });
});

test('a client that is killed, ends, or loses its cable leaves neither lease nor route', { skip }, async () => {
  const gateway = new Namespace('vg');
  const clients = new Namespace('vc');
  try {
    gateway.connect(clients, 'outer', '192.0.2.1/24', 'outer', '192.0.2.2/24');
    const reports = (await runIn(gateway, 'vanishing-clients.js', clients.name, '192.0.2.1')) as VanishReport[];
    for (const { how, reason, cause, ...facts } of reports) {
      assert.deepEqual(facts, { address: '10.66.0.2', routesWhileUp: 1, routesAfter: 0, leasedAfter: 0 }, how);
      assert.equal(typeof reason, 'string');
      assert.equal(cause, how === 'SIGTERM' ? 'User-Request' : 'Lost-Carrier', `${how}: ${String(reason)}`);
    }
    assert.equal(reports.length, 3);
  } finally {
    clients.delete();
    gateway.delete();
  }
});

async function runInNamespace(program: string, ...args: string[]): Promise<unknown> {
  const namespace = new Namespace('gw');
  try {
    return await runIn(namespace, program, ...args);
  } finally {
    namespace.delete();
  }
}

/** Runs a program of this folder in the namespace and returns the JSON of its last line. */
async function runIn(namespace: Namespace, program: string, ...args: string[]): Promise<unknown> {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(
    'ip',
    ['netns', 'exec', namespace.name, process.execPath, '--enable-source-maps', file, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  let errors = '';
  child.stdout.on('data', chunk => (output += String(chunk)));
  child.stderr.on('data', chunk => (errors += String(chunk)));
  const code = await new Promise(resolve => child.once('close', resolve));
  assert.equal(code, 0, `${program} failed: ${output}${errors}`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}
