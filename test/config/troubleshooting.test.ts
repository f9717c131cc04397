import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { REFUSAL_REASONS } from '../../src/https/connection.ts';
import { ACCOUNTING_CAUSES } from '../../src/protocol/end-reason.ts';
import { DROP_REASONS } from '../../src/worker/worker-counters.ts';

const text = readFileSync(fileURLToPath(new URL('../../../docs/troubleshooting.md', import.meta.url)), 'utf8');

for (const [title, reasons] of [
  ['Connections that were refused', REFUSAL_REASONS],
  ['Sessions that ended', Object.keys(ACCOUNTING_CAUSES)],
  ['Packets that were dropped', DROP_REASONS],
] as const) {
  test(`docs/troubleshooting.md, "${title}", has every reason once, and no other`, () => {
    const section = text.split(`## ${title}\n`)[1]!.split('\n## ')[0]!;
    const cells = [...section.matchAll(/^\| (`[^|]+`) +\|/gm)].map(match => match[1]!);
    const documented = cells.flatMap(cell => [...cell.matchAll(/`([^`]+)`/g)].map(match => match[1]!));
    assert.deepEqual(documented.toSorted(), [...reasons].toSorted());
  });
}
