import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import type { AccountedTraffic } from '../../../src/aaa/accounting.ts';
import { RadiusAccounting } from '../../../src/aaa/radius/accounting.ts';
import { AccountingServer, type AccountingRecord } from '../../radius-server/accounting-server.ts';
import { freeradiusUnavailable } from '../../radius-server/freeradius-process.ts';
import { accountedSession } from './accounted-session.ts';
import { NO_TRAFFIC, scratchDirectory } from './journal-samples.ts';
import { radiusOptions } from './radius-options.ts';

const CLOSE_LIMIT_MS = 10_000;

describe('with FreeRADIUS', { skip: freeradiusUnavailable() }, () => {
  test('a session is told from its start to its end, between Accounting-On and Accounting-Off', async t => {
    const server = await AccountingServer.start(t);
    const traffic = { rxBytes: 5_000_000_000, txBytes: 77, rxPackets: 10, txPackets: 20 };
    const { accounting } = open(server, scratchDirectory(t), traffic);
    const upAt = Date.now() - 5_000;
    accounting.start(accountedSession('s-1', { upAt, interimIntervalMs: 200 }));
    await server.until(records => statuses(records).includes('Interim-Update'));
    accounting.change('s-1', { classes: [Uint8Array.of(0xab)], interimIntervalMs: 60_000 });
    const last = { rxBytes: 5_000_000_001, txBytes: 2 ** 33, rxPackets: 11, txPackets: 21 };
    accounting.stop('s-1', 'Idle-Timeout', last, upAt + 7_900);
    await accounting.close(CLOSE_LIMIT_MS);

    const records = server.records();
    assert.deepEqual(withoutRepetition(statuses(records)), [
      'Accounting-On',
      'Start',
      'Interim-Update',
      'Stop',
      'Accounting-Off',
    ]);
    const start = records[1]!;
    const identity: AccountingRecord = {
      'Acct-Session-Id': 's-1',
      'User-Name': 'alice',
      'NAS-Identifier': 'gateway.example',
      'NAS-IP-Address': '192.0.2.1',
      'NAS-IPv6-Address': '2001:db8::1',
      'NAS-Port': '7',
      'NAS-Port-Id': 'sstp0',
      'NAS-Port-Type': 'Virtual',
      'Service-Type': 'Framed-User',
      'Framed-Protocol': 'PPP',
      'Framed-IP-Address': '10.0.0.9',
      'Framed-Interface-Id': '200:5eff:fe00:5301',
      'Framed-IPv6-Prefix': '2001:db8:1:2::/64',
      'Delegated-IPv6-Prefix': '2001:db8:ff00::/56',
      'Framed-Route': '10.9.0.0/16 0.0.0.0 1',
      'Calling-Station-Id': '198.51.100.9',
      'Called-Station-Id': 'vpn.example',
      'Tunnel-Type:0': '79617',
      'Tunnel-Medium-Type:0': 'IPv4',
      'Tunnel-Client-Endpoint:0': '198.51.100.9',
      'Tunnel-Server-Endpoint:0': '192.0.2.1',
      'Acct-Authentic': 'RADIUS',
      Class: '0x010203 0x04',
    };
    assert.deepEqual(pick(start, Object.keys(identity)), identity);
    const interim = records[2]!;
    assert.deepEqual(pick(interim, Object.keys(identity)), identity);
    assert.deepEqual(pick(interim, TOTALS), {
      'Acct-Input-Octets': String(5_000_000_000 % 2 ** 32),
      'Acct-Input-Gigawords': '1',
      'Acct-Output-Octets': '77',
      'Acct-Output-Gigawords': '0',
      'Acct-Input-Packets': '10',
      'Acct-Output-Packets': '20',
    });
    const stop = records.at(-2)!;
    assert.deepEqual(pick(stop, Object.keys(identity)), { ...identity, Class: '0xab' });
    assert.deepEqual(pick(stop, [...TOTALS, 'Acct-Session-Time', 'Acct-Terminate-Cause']), {
      'Acct-Input-Octets': String(5_000_000_001 % 2 ** 32),
      'Acct-Input-Gigawords': '1',
      'Acct-Output-Octets': '0',
      'Acct-Output-Gigawords': '2',
      'Acct-Input-Packets': '11',
      'Acct-Output-Packets': '21',
      'Acct-Session-Time': '7',
      'Acct-Terminate-Cause': 'Idle-Timeout',
    });
    assert.equal(accounting.counters.spooled, 0);
    assert.equal(accounting.counters.acknowledged, records.length);
  });

  test('what happens while the server is down is told when it is back, in order and once', async t => {
    const server = await AccountingServer.start(t);
    const { accounting } = open(server, scratchDirectory(t));
    for (let index = 0; index < 100; index++) accounting.start(accountedSession(`early-${index}`));
    await server.until(records => statuses(records).filter(status => status === 'Start').length === 100);
    await settled(accounting);
    await server.kill();
    for (let index = 0; index < 100; index++) {
      accounting.stop(`early-${index}`, 'Lost-Carrier', NO_TRAFFIC, Date.now());
      accounting.start(accountedSession(`late-${index}`));
      if (index % 2 === 0) accounting.stop(`late-${index}`, 'User-Request', NO_TRAFFIC, Date.now());
    }
    while (accounting.counters.retries === 0) await new Promise(resolve => setTimeout(resolve, 20));
    assert.equal(accounting.counters.spooled, 250);
    await server.start();
    await settled(accounting);
    for (let index = 1; index < 100; index += 2) {
      accounting.stop(`late-${index}`, 'User-Request', NO_TRAFFIC, Date.now());
    }
    await accounting.close(CLOSE_LIMIT_MS);
    const records = server.records();
    assert.equal(statuses(records)[0], 'Accounting-On');
    assert.equal(statuses(records).at(-1), 'Accounting-Off');
    assertBalanced(records, 200);
    assert.equal(records.length, 402);
    assert.ok(
      records.some(record => Number(record['Acct-Delay-Time']) >= 1),
      'the delay is told',
    );
  });

  test('what no server takes before the end is told at the next start', async t => {
    const server = await AccountingServer.start(t);
    await server.kill();
    const stateDir = scratchDirectory(t);
    const { accounting, logged } = open(server, stateDir);
    accounting.start(accountedSession('s-1'));
    accounting.stop('s-1', 'User-Request', NO_TRAFFIC, Date.now());
    await accounting.close(100);
    assert.ok(logged.some(line => line.includes('kept for the next start')));
    await server.start();
    const next = open(server, stateDir);
    next.accounting.start(accountedSession('s-2'));
    next.accounting.stop('s-2', 'User-Request', NO_TRAFFIC, Date.now());
    await next.accounting.close(CLOSE_LIMIT_MS);
    const oneStart = ['Accounting-On', 'Start', 'Stop', 'Accounting-Off'];
    assert.deepEqual(statuses(server.records()), oneStart.concat(oneStart));
  });

  for (const isDown of [false, true]) {
    const when = isDown ? 'while the server is down' : 'while sessions are up';
    test(`a process that is killed ${when} loses nothing, and the next one balances`, async t => {
      const server = await AccountingServer.start(t);
      if (isDown) await server.kill();
      const stateDir = scratchDirectory(t);
      await runAndKill(t, stateDir, server, isDown);
      if (isDown) await server.start();
      const { accounting } = open(server, stateDir);
      accounting.start(accountedSession('new'));
      accounting.stop('new', 'User-Request', NO_TRAFFIC, Date.now());
      await accounting.close(CLOSE_LIMIT_MS);

      const records = server.records();
      assertBalanced(records, 41);
      const rebooted = records.filter(record => record['Acct-Terminate-Cause'] === 'NAS-Reboot');
      assert.equal(new Set(rebooted.map(record => record['Acct-Session-Id'])).size, 39);
      const secondOn = statuses(records).lastIndexOf('Accounting-On');
      for (const [index, record] of records.entries()) {
        if (record['Acct-Session-Id'] === 'new') assert.ok(index > secondOn);
        else if (record['Acct-Session-Id']!.startsWith('killed')) assert.ok(index < secondOn);
      }
      if (isDown) return;
      // Its last known traffic is what the server knows too.
      for (const stop of rebooted) {
        const known = records.filter(
          record =>
            record['Acct-Session-Id'] === stop['Acct-Session-Id'] && record['Acct-Status-Type'] === 'Interim-Update',
        );
        for (const interim of known) {
          assert.ok(Number(stop['Acct-Input-Octets']) >= Number(interim['Acct-Input-Octets']));
        }
        assert.ok(known.length > 0);
      }
    });
  }
});

const TOTALS = [
  'Acct-Input-Octets',
  'Acct-Input-Gigawords',
  'Acct-Output-Octets',
  'Acct-Output-Gigawords',
  'Acct-Input-Packets',
  'Acct-Output-Packets',
];

test('an interval that is longer than any timer is not one of a millisecond', async t => {
  const { accounting } = open({ port: 9 }, scratchDirectory(t), { ...NO_TRAFFIC, rxBytes: 1 });
  accounting.start(accountedSession('s-1', { interimIntervalMs: 0xffff_ffff * 1000 }));
  const { spooled } = accounting.counters;
  await sleep(100);
  assert.deepEqual([accounting.counters.spooled, accounting.counters.superseded], [spooled, 0]);
  await accounting.close(0);
});

function open(
  server: Pick<AccountingServer, 'port'>,
  stateDir: string,
  traffic?: AccountedTraffic,
): { accounting: RadiusAccounting; logged: string[] } {
  const logged: string[] = [];
  const accounting = new RadiusAccounting({
    stateDir,
    radius: radiusOptions(server.port),
    announces: true,
    traffic: () => traffic,
    log: pino({ base: null }, { write: line => void logged.push(line) }),
  });
  return { accounting, logged };
}

async function runAndKill(t: TestContext, stateDir: string, server: AccountingServer, isDown: boolean): Promise<void> {
  const file = new URL('./accounting-process.js', import.meta.url).pathname;
  const child = spawn(process.execPath, [file, stateDir, String(server.port), '40'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  if (!isDown) {
    // Some sessions have told of their traffic, others may be about to.
    await server.until(records => {
      const told = records.filter(record => record['Acct-Status-Type'] === 'Interim-Update');
      return new Set(told.map(record => record['Acct-Session-Id'])).size === 39;
    });
  }
  child.kill('SIGKILL');
  await exited;
}

/** Everything is acknowledged. */
async function settled(accounting: RadiusAccounting): Promise<void> {
  while (accounting.counters.spooled > 0) await new Promise(resolve => setTimeout(resolve, 10));
}

function statuses(records: readonly AccountingRecord[]): string[] {
  return records.map(record => record['Acct-Status-Type']!);
}

function withoutRepetition(texts: readonly string[]): string[] {
  return texts.filter((text, index) => text !== texts[index - 1]);
}

function pick(record: AccountingRecord, names: readonly string[]): AccountingRecord {
  return Object.fromEntries(names.map(name => [name, record[name] ?? '(missing)']));
}

/**
 * Each session has a Start, then a Stop, and nothing behind it. A request whose answer was lost with the process comes again: that is
 * the same request, which servers tell by its session and status.
 */
function assertBalanced(records: readonly AccountingRecord[], sessions: number): void {
  const bySession = new Map<string, string[]>();
  for (const record of records) {
    const id = record['Acct-Session-Id']!;
    if (id.startsWith('gateway-')) continue;
    bySession.set(id, [...(bySession.get(id) ?? []), record['Acct-Status-Type']!]);
  }
  assert.equal(bySession.size, sessions);
  for (const [id, told] of bySession) {
    const steps = withoutRepetition(told).filter(status => status !== 'Interim-Update');
    assert.deepEqual(steps, ['Start', 'Stop'], `session ${id}: ${told.join(', ')}`);
  }
}
