import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'node:test';
import fc from 'fast-check';
import { encodeEntry, readEntries, type JournalEntry } from '../../../src/aaa/radius/journal-entry.ts';
import { Journal } from '../../../src/aaa/radius/journal.ts';
import { sampleRequest, sampleSession, scratchDirectory } from './journal-samples.ts';

const traffic = { rxBytes: 2 ** 40 + 1, txBytes: 2 ** 33, rxPackets: 7, txPackets: 9 };
const SAMPLES: readonly JournalEntry[] = [
  { kind: 'request', request: { ...sampleRequest(1, 'a-1', 1), traffic } },
  { kind: 'traffic', id: 'a-1', at: 1_700_000_060_000, traffic },
  { kind: 'session', session: sampleSession('b-é', { traffic, attributes: new Uint8Array(900).fill(7) }) },
  { kind: 'copy', request: { ...sampleRequest(2 ** 40, 'c', 2), cause: 11 } },
  { kind: 'request', request: sampleRequest(3, '', 7) },
  { kind: 'acknowledged', number: 2 ** 40 },
];

const quiet = { written: () => {}, failed: (error: Error) => assert.fail(error) };

test('entries come back as they were written', () => {
  const { entries, length } = readEntries(fileOf(SAMPLES));
  assert.deepEqual(entries, SAMPLES);
  assert.equal(length, fileOf(SAMPLES).length);
});

test('a file cut off at any byte gives the entries that are whole', () => {
  const file = fileOf(SAMPLES);
  const ends = SAMPLES.map((_, index) => fileOf(SAMPLES.slice(0, index + 1)).length);
  for (let length = 0; length <= file.length; length++) {
    const { entries } = readEntries(file.subarray(0, length));
    assert.deepEqual(entries, SAMPLES.slice(0, ends.filter(end => end <= length).length), `cut at ${length}`);
  }
});

test('a changed bit takes its own entry and what follows, never an earlier one', () => {
  const file = fileOf(SAMPLES);
  const ends = SAMPLES.map((_, index) => fileOf(SAMPLES.slice(0, index + 1)).length);
  for (let bit = 0; bit < file.length * 8; bit++) {
    const damaged = file.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    const { entries } = readEntries(damaged);
    const before = ends.filter(end => end <= bit >> 3).length;
    assert.deepEqual(entries, SAMPLES.slice(0, before), `bit ${bit}`);
  }
});

test('any bytes are read without an exception, also behind a right checksum', () => {
  const file = fileOf(SAMPLES);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), junk => {
      readEntries(junk);
      assert.deepEqual(readEntries(Buffer.concat([file, junk])).entries.slice(0, SAMPLES.length), SAMPLES);
    }),
    { interruptAfterTimeLimit: 3000 },
  );
});

test('what was appended in one turn is in the file at its end, and comes back in order over several files', async t => {
  const directory = join(scratchDirectory(t), 'deep', 'accounting');
  let writes = 0;
  const journal = new Journal(directory, { ...quiet, written: () => writes++ });
  journal.rotate();
  const writesBefore = writes;
  for (const sample of SAMPLES.slice(0, 3)) journal.append(sample);
  await new Promise(resolve => setImmediate(resolve));
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(writes, writesBefore + 1);
  assert.deepEqual(readEntries(readFileSync(join(directory, '1.journal'))).entries, SAMPLES.slice(0, 3));
  journal.rotate();
  for (const sample of SAMPLES.slice(3)) journal.append(sample);
  journal.close();
  writeFileSync(join(directory, 'notes.txt'), 'not ours');

  const next = new Journal(directory, quiet);
  assert.deepEqual(next.recover(), { entries: SAMPLES, damagedBytes: 0 });
  next.rotate();
  next.retire();
  while (existsSync(join(directory, '2.journal'))) await sleep(5);
  assert.deepEqual(readdirSync(directory).sort(), ['3.journal', 'notes.txt']);
  assert.equal(next.bytes, 0);
  next.close();
});

test('a torn file does not take the next file with it', t => {
  const directory = scratchDirectory(t);
  const whole = fileOf(SAMPLES.slice(0, 2));
  writeFileSync(join(directory, '4.journal'), whole.subarray(0, whole.length - 1));
  writeFileSync(join(directory, '10.journal'), fileOf(SAMPLES.slice(2)));
  const journal = new Journal(directory, quiet);
  const { entries, damagedBytes } = journal.recover();
  assert.deepEqual(entries, [SAMPLES[0], ...SAMPLES.slice(2)]);
  assert.equal(damagedBytes, fileOf(SAMPLES.slice(1, 2)).length - 1);
});

test('nobody else may read the journal', t => {
  const directory = join(scratchDirectory(t), 'accounting');
  const journal = new Journal(directory, quiet);
  journal.rotate();
  journal.close();
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  assert.equal(statSync(join(directory, '1.journal')).mode & 0o777, 0o600);
});

function fileOf(entries: readonly JournalEntry[]): Uint8Array {
  return new Uint8Array(Buffer.concat(entries.map(encodeEntry)));
}
