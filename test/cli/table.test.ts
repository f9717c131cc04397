import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBitRate, formatBytes, formatDuration, formatTable } from '../../src/cli/table.ts';

test('byte counts have three digits and a unit', () => {
  const shown = [0, 999, 1000, 1234, 99_900, 999_400, 999_600, 1e9, 1.5e15, 2e18].map(formatBytes);
  assert.deepEqual(shown, [
    '0 B',
    '999 B',
    '1.0 kB',
    '1.2 kB',
    '99.9 kB',
    '999 kB',
    '1.0 MB',
    '1.0 GB',
    '1.5 PB',
    '2000 PB',
  ]);
});

test('durations have their two largest units', () => {
  const shown = [0, 59, 60, 3600, 3661, 90_061].map(formatDuration);
  assert.deepEqual(shown, ['0s', '59s', '1m 0s', '1h 0m', '1h 1m', '1d 1h']);
});

test('a table has columns as wide as their widest cell, and no control characters', () => {
  assert.deepEqual(
    formatTable(
      ['A', 'LONG'],
      [
        ['wide', 'x'],
        ['\u001b', ''],
      ],
    ),
    ['A     LONG', 'wide  x', '?'],
  );
});

test('a cell of wide or combining characters takes the columns that the terminal gives it', () => {
  assert.deepEqual(
    formatTable(
      ['A', 'B'],
      [
        ['日本', 'x'],
        ['e\u0301', 'y'],
        ['a\u202eb', 'z'],
      ],
    ),
    ['A     B', '日本  x', 'e\u0301     y', 'a?b   z'],
  );
});

test('bit rates have three digits and a unit', () => {
  assert.deepEqual([0, 1500, 2.5e6, 1e9].map(formatBitRate), ['0 bit/s', '1.5 kbit/s', '2.5 Mbit/s', '1.0 Gbit/s']);
});
