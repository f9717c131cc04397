/** Time-boxed fuzzing of the HTTP preamble from a kept corpus: 2 seconds, 10 on CI. A find goes into the corpus under a name. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HeadReader, type HeadParser } from '../../src/https/head-reader.ts';
import { judgeRequest } from '../../src/https/request-judge.ts';
import { parseRequestHead, parseResponseHead, type HeadResult } from '../../src/wire/http-preamble.ts';

const CORPUS = new URL('../../../test/fuzz/corpus/http-preamble/', import.meta.url);
const BUDGET_MS = process.env['CI'] === 'true' ? 10_000 : 2000;
const LIMIT = 1024;

const corpus = readdirSync(CORPUS)
  .filter(file => file.endsWith('.bin'))
  .map(file => ({ file, bytes: new Uint8Array(readFileSync(new URL(file, CORPUS))) }));

test('the corpus has seeds', () => {
  assert.ok(corpus.length >= 10);
});

for (const { file, bytes } of corpus) {
  test(`${file} is read alike however it is split`, () => {
    for (let boundary = 0; boundary <= bytes.length; boundary++) check(bytes, [boundary]);
    check(
      bytes,
      Array.from(bytes, (_, at) => at),
    );
  });
}

test(`mutated heads are read alike however they are split, for ${BUDGET_MS} ms`, t => {
  const until = performance.now() + BUDGET_MS;
  let runs = 0;
  for (; performance.now() < until; runs++) {
    const bytes = mutate();
    const cuts = Array.from({ length: randomInt(4) }, () => randomInt(bytes.length + 1)).toSorted((a, b) => a - b);
    try {
      check(bytes, cuts);
    } catch (error) {
      throw new Error(`split at [${cuts.join()}]: ${Buffer.from(bytes).toString('hex')}`, { cause: error });
    }
  }
  t.diagnostic(`${runs} heads`);
  assert.ok(runs > 0);
});

/** What must hold for any bytes: no throw, and one answer. */
function check(bytes: Uint8Array, cuts: readonly number[]): void {
  for (const parse of [parseRequestHead, parseResponseHead] as const) {
    const whole = read<object>(parse, [bytes]);
    const bounds = [0, ...cuts, bytes.length];
    const chunks = bounds.slice(1).map((to, index) => bytes.subarray(bounds[index], to));
    assert.deepEqual(read<object>(parse, chunks), whole);
  }
  const request = parseRequestHead(bytes, LIMIT);
  if (request.kind !== 'head') return;
  assert.ok(request.length <= LIMIT);
  const verdict = judgeRequest(request.head);
  assert.ok('status' in verdict ? verdict.status >= 400 : verdict.target !== '');
}

/** A head with what is behind it; for a refusal only the fact, since bytes that come later may make it another one. */
function read<Head>(
  parse: HeadParser<Head>,
  chunks: readonly Uint8Array[],
): { kind: string; head?: Head; rest?: string } {
  const reader = new HeadReader(parse, LIMIT);
  for (const [index, chunk] of chunks.entries()) {
    const result: HeadResult<Head> = reader.push(chunk);
    if (result.kind === 'refused') return { kind: 'refused' };
    if (result.kind === 'head') {
      const rest = Buffer.concat([reader.rest, ...chunks.slice(index + 1)]).toString('latin1');
      return { kind: 'head', head: result.head, rest };
    }
  }
  return { kind: 'more' };
}

const PIECES = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  ':',
  ' ',
  '\0',
  '\t',
  'HTTP/1.1',
  'HTTP/2.0',
  'Host: a\r\n',
  'x'.repeat(600),
];

function mutate(): Uint8Array {
  let bytes: Buffer = Buffer.from(corpus[randomInt(corpus.length)]?.bytes ?? []);
  for (let edits = randomInt(5); edits > 0; edits--) {
    const at = randomInt(bytes.length + 1);
    const end = Math.min(bytes.length, at + randomInt(40));
    const piece = Buffer.from(PIECES[randomInt(PIECES.length)] ?? '', 'latin1');
    const other = corpus[randomInt(corpus.length)]?.bytes ?? new Uint8Array(0);
    const edit = randomInt(4);
    if (edit === 0) bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    else if (edit === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    else if (edit === 2) bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(randomInt(other.length + 1))]);
    else if (at < bytes.length) bytes[at] = randomInt(256);
  }
  return bytes;
}
