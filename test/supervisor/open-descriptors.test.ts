import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { openDescriptors } from '../../src/supervisor/open-descriptors.ts';

test('each open file counts', async () => {
  const before = await openDescriptors();
  const files = Array.from({ length: 50 }, () => openSync('/dev/null', 'r'));
  const during = await openDescriptors();
  for (const file of files) closeSync(file);
  // Node may open or close one of its own meanwhile.
  assert.ok(Math.abs(during - before - files.length) < 10, `${before}, then ${during}`);
});
