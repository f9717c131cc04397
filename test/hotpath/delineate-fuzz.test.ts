/** Time-boxed fuzzing of `delineate` from a kept corpus: 2 seconds, 10 on CI. A find goes into the corpus under a name. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { PacketPath } from '../../src/hotpath/packet-path.ts';
import { StreamCutter } from '../../src/hotpath/stream-cutter.ts';
import { implementations, readEntries } from './implementations.ts';

const CORPUS = new URL('../../../test/fuzz/corpus/delineate/', import.meta.url);
const BUDGET_MS = process.env['CI'] === 'true' ? 10_000 : 2000;
const MAX_STREAM = 20_000;

const corpus = readdirSync(CORPUS)
  .filter(file => file.endsWith('.bin'))
  .map(file => ({ file, bytes: new Uint8Array(readFileSync(new URL(file, CORPUS))) }));
const paths = implementations.map(({ create }) => create());

test('the corpus has seeds', () => {
  assert.ok(corpus.length >= 10);
});

for (const { file, bytes } of corpus) {
  test(`the builds and the twin agree on ${file}, split at every byte boundary`, () => {
    for (let boundary = 0; boundary <= bytes.length; boundary += 1) check(bytes, [boundary]);
  });
}

test(`the builds and the twin agree on mutated streams for ${BUDGET_MS} ms`, t => {
  const seed = randomInt(2 ** 31);
  const random = generator(seed);
  const until = performance.now() + BUDGET_MS;
  let runs = 0;
  for (; performance.now() < until; runs += 1) {
    const stream = mutate(random);
    const cuts = Array.from({ length: random(4) }, () => random(stream.length + 1)).toSorted((a, b) => a - b);
    try {
      check(stream, cuts);
    } catch (error) {
      const find = `seed ${seed}, split at [${cuts.join()}], stream ${Buffer.from(stream).toString('hex')}`;
      throw new Error(`run ${runs}: ${find}`, { cause: error });
    }
  }
  t.diagnostic(`${runs} streams, seed ${seed}`);
  assert.ok(runs > 0);
});

/** What must hold for any bytes: no throw, no byte of the input changed, whole and consecutive packets, one answer. */
function check(stream: Uint8Array, cuts: readonly number[]): void {
  const [first, ...others] = paths.map(path => {
    const whole = observe(path, [stream]);
    const bounds = [0, ...cuts, stream.length];
    const chunks = bounds.slice(1).map((to, index) => stream.subarray(bounds[index], to));
    assert.equal(observe(path, chunks), whole, 'the split made a difference');
    checkEntries(path, stream);
    return whole;
  });
  for (const other of others) assert.equal(other, first);
}

/** Everything that the cutter gives for a stream, as text. */
function observe(path: PacketPath, chunks: readonly Uint8Array[]): string {
  const cutter = new StreamCutter(path);
  let seen = '';
  for (const chunk of chunks) {
    const result = cutter.push(chunk, entries => {
      for (const { at, length, protocol } of readEntries(path, entries, 0)) {
        const sum = path.checksum(at, length, protocol);
        seen += `${protocol.toString(16)}:${length}:${sum} `;
      }
      return true;
    });
    if (result < 0) return `${seen}error ${result}`;
  }
  return seen;
}

function checkEntries(path: PacketPath, stream: Uint8Array): void {
  path.memory.set(stream, path.inputAt);
  const entries = path.delineate(path.inputAt, path.inputAt + stream.length);
  const consumed = path.consumed();
  assert.ok(consumed >= 0 && consumed <= stream.length);
  assert.ok(entries > 0 || consumed === 0);
  let end = 0;
  for (const { at, length } of readEntries(path, Math.max(entries, 0))) {
    assert.ok(at >= end && at + length <= consumed, 'an entry overlaps with another or leaves the stream');
    end = at + length;
  }
  assert.equal(Buffer.compare(path.memory.subarray(path.inputAt, path.inputAt + stream.length), stream), 0);
}

/** A few corpus files and noise behind each other, then damage: to headers by preference. */
function mutate(random: (below: number) => number): Uint8Array {
  const parts = Array.from({ length: 1 + random(5) }, () => {
    if (random(8) === 0) return Uint8Array.from({ length: random(40) }, () => random(256));
    return corpus[random(corpus.length)]!.bytes;
  });
  const stream = new Uint8Array(Buffer.concat(parts)).slice(0, MAX_STREAM);
  for (let damage = random(4); damage > 0 && stream.length > 0; damage -= 1) {
    const at = random(2) === 0 ? random(stream.length) : random(Math.min(stream.length, 16));
    stream[at] = [random(256), 0x10, 0xff, 0x00, stream[at]! ^ (1 << random(8))][random(5)]!;
  }
  return random(4) === 0 ? stream.subarray(0, random(stream.length + 1)) : stream;
}

/** mulberry32: small, and the seed in a failure's message repeats the run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
