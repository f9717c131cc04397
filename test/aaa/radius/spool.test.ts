import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'node:test';
import { AcctStatus } from '../../../src/aaa/radius/acct-status.ts';
import type { AccountingRequest } from '../../../src/aaa/radius/journal-entry.ts';
import { Spool, type SpoolOptions, type SpoolRecovery } from '../../../src/aaa/radius/spool.ts';
import { NO_TRAFFIC, sampleSession, scratchDirectory } from './journal-samples.ts';

const { Start, Stop, Interim, On } = AcctStatus;
const LATER = 1_700_000_100_000;
const TRAFFIC = { rxBytes: 5, txBytes: 6, rxPackets: 7, txPackets: 8 };

test('requests are ready in order when the journal has them, and come back until they are removed', async t => {
  const { spool, directory, ready } = open(t);
  assert.ok(spool.begin(sampleSession('a')));
  spool.interim('a', TRAFFIC, LATER);
  spool.end('a', 1, TRAFFIC, LATER);
  spool.announce(On, Uint8Array.of(32, 3, 65), LATER);
  assert.deepEqual(ready, []);
  await sleep(5);
  assert.deepEqual(
    ready.map(({ number, status }) => [number, status]),
    [
      [1, Start],
      [2, Interim],
      [3, Stop],
      [4, On],
    ],
  );
  spool.remove(ready[1]!);
  const { recovery } = await reopen(t, directory, spool);
  assert.deepEqual(recovery, { sessions: [], requests: [ready[0], ready[2], ready[3]], damagedBytes: 0 });
});

test('a session that was up when the process died is known with its last traffic and attributes', async t => {
  const { spool, directory, ready } = open(t);
  for (const id of ['started', 'noted', 'updated', 'changed', 'ended']) spool.begin(sampleSession(id));
  spool.note('noted', TRAFFIC, LATER);
  spool.interim('updated', TRAFFIC, LATER);
  spool.change('changed', Uint8Array.of(25, 3, 9));
  spool.end('ended', 1, TRAFFIC, LATER);
  await sleep(5);
  for (const request of ready) spool.remove(request);
  const { recovery } = await reopen(t, directory, spool);
  const sessions = new Map(recovery.sessions.map(session => [session.id, session]));
  assert.deepEqual(new Set(sessions.keys()), new Set(['started', 'noted', 'updated', 'changed']));
  assert.deepEqual(sessions.get('started'), sampleSession('started'));
  assert.deepEqual(sessions.get('noted'), sampleSession('noted', { traffic: TRAFFIC, at: LATER }));
  assert.deepEqual(sessions.get('updated'), sampleSession('updated', { traffic: TRAFFIC, at: LATER }));
  assert.deepEqual(sessions.get('changed'), sampleSession('changed', { attributes: Uint8Array.of(25, 3, 9) }));
  assert.deepEqual(recovery.requests, []);
});

test('numbers go on after a restart', async t => {
  const { spool, directory } = open(t);
  spool.begin(sampleSession('a'));
  const next = await reopen(t, directory, spool);
  next.spool.end('a', 11, NO_TRAFFIC, LATER);
  await sleep(5);
  assert.equal(next.ready[0]!.number, next.recovery.requests[0]!.number + 1);
});

test('a full spool begins no session, but every session that was begun gets its Stop', async t => {
  const { spool, ready } = open(t, { limitBytes: 5_000 });
  const begun: string[] = [];
  for (let index = 0; index < 100; index++) if (spool.begin(sampleSession(`s${index}`))) begun.push(`s${index}`);
  assert.ok(begun.length > 2 && begun.length < 100, `${begun.length} sessions`);
  while (spool.interim(begun[0]!, TRAFFIC, LATER));
  for (const id of begun) assert.ok(spool.end(id, 1, TRAFFIC, LATER));
  assert.equal(spool.end('s99', 1, TRAFFIC, LATER), false);
  assert.ok(spool.bytes < 3 * 5_000);
  await sleep(5);
  const of = (status: number): string[] => ready.filter(request => request.status === status).map(({ id }) => id);
  assert.deepEqual(of(Start), begun);
  assert.deepEqual(of(Stop), begun);
  for (const request of ready) spool.remove(request);
  assert.equal(spool.bytes, 0);
  assert.ok(spool.begin(sampleSession('again')));
});

test('files stay small while sessions live on, and nothing that is needed goes with the old ones', async t => {
  const { spool, directory, ready } = open(t);
  const attributes = new Uint8Array(300).fill(1);
  spool.begin(sampleSession('long', { attributes }));
  spool.begin(sampleSession('unacknowledged', { attributes }));
  await sleep(5);
  const [long, kept] = ready.splice(0);
  spool.remove(long!);
  for (let round = 0; round < 400; round++) {
    for (let index = 0; index < 50; index++) spool.begin(sampleSession(`${round}-${index}`, { attributes }));
    await turn();
    for (const { id } of ready) spool.end(id, 1, NO_TRAFFIC, LATER);
    spool.end('unacknowledged', 1, TRAFFIC, LATER);
    await turn();
    for (const request of ready.splice(0)) if (request.id !== 'unacknowledged') spool.remove(request);
  }
  await sleep(200);
  const bytes = readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  assert.ok(bytes < 8 * 1024 * 1024, `${bytes} bytes in files`);
  const { recovery } = await reopen(t, directory, spool);
  assert.deepEqual(
    recovery.sessions.map(({ id }) => id),
    ['long'],
  );
  assert.deepEqual(
    recovery.requests.map(({ id, status }) => [id, status]),
    [
      ['unacknowledged', Start],
      ['unacknowledged', Stop],
    ],
  );
  assert.equal(recovery.requests[0]!.number, kept!.number);
});

test('without a disk accounting goes on in memory, and is in files again when the disk is back', async t => {
  const { spool, directory, ready, failures } = open(t, { repairDelayMs: 20 });
  rmSync(directory, { recursive: true });
  writeFileSync(directory, 'in the way');
  spool.begin(sampleSession('a'));
  const attributes = new Uint8Array(1000).fill(1);
  while (failures.length < 2) {
    for (let index = 0; index < 500; index++) spool.begin(sampleSession(`s${index}`, { attributes }));
    for (let index = 0; index < 500; index++) spool.end(`s${index}`, 1, NO_TRAFFIC, LATER);
    await turn();
    for (const request of ready) if (request.id !== 'a') spool.remove(request);
  }
  assert.equal(ready[0]!.id, 'a');
  rmSync(directory);
  while (!existsSync(directory)) await sleep(5);
  const { recovery } = await reopen(t, directory, spool);
  assert.deepEqual(
    recovery.sessions.map(({ id }) => id),
    ['a'],
  );
  assert.deepEqual(recovery.requests, [ready[0]]);
});

interface Opened {
  readonly spool: Spool;
  readonly directory: string;
  readonly recovery: SpoolRecovery;
  readonly ready: AccountingRequest[];
  readonly failures: Error[];
}

function open(t: test.TestContext, options: Partial<SpoolOptions> = {}): Opened {
  const directory = options.directory ?? scratchDirectory(t);
  const ready: AccountingRequest[] = [];
  const failures: Error[] = [];
  const { spool, recovery } = Spool.open(
    { limitBytes: 2 ** 24, ...options, directory },
    { ready: requests => ready.push(...requests), failed: error => failures.push(error) },
  );
  t.after(() => spool.close());
  return { spool, directory, recovery, ready, failures };
}

/** As a process that dies: what is in the files stays, whatever the spool meant to do later. */
async function reopen(t: test.TestContext, directory: string, spool: Spool): Promise<Opened> {
  await sleep(5);
  spool.close();
  return open(t, { directory });
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
