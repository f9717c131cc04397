// What is written about the metrics, and what is made of them, is held against those that a gateway has.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { eventfulExposition } from './exposition.ts';
import type { Exposition } from './exposition.ts';

const ROOT = new URL('../../../', import.meta.url);
/** Of Node's own: not there before the first of what they count. */
const MAY_BE_EMPTY = ['nodejs_active_requests', 'nodejs_gc_duration_seconds'];

describe('monitoring', () => {
  let exposition: Exposition;

  before(async () => {
    exposition = await eventfulExposition();
  });

  test('a gateway to which all sorts of things have happened has a sample of every metric', () => {
    const empty = [...exposition].filter(([, { samples }]) => samples === 0).map(([name]) => name);
    assert.deepEqual(
      empty.filter(name => !MAY_BE_EMPTY.includes(name)),
      [],
    );
  });

  test('docs/metrics.md has every metric with its type and labels, and none that there is not', () => {
    const described = metricTable();
    const real = new Map([...exposition].map(([name, { type, labels }]) => [name, { type, labels }]));
    for (const name of MAY_BE_EMPTY) {
      if (exposition.get(name)?.samples === 0) real.set(name, described.get(name)!);
    }
    assert.deepEqual(Object.fromEntries(described), Object.fromEntries(real));
  });
});

/** The rows of all tables: name, type, labels. */
function metricTable() {
  const text = readFileSync(new URL('docs/metrics.md', ROOT), 'utf8');
  const rows = [...text.matchAll(/^\| `(\w+)` +\| (\w+) +\| ([^|]*)\|/gm)];
  return new Map(
    rows.map(([, name, type, labels]) => [
      name!,
      { type: type!, labels: [...labels!.matchAll(/`(\w+)`/g)].map(([, label]) => label!).toSorted() },
    ]),
  );
}
