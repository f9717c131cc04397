import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  formatAge,
  formatBitRate,
  formatBytes,
  formatCount,
  formatDuration,
  formatMilliseconds,
  formatPercent,
  formatText,
} from '../../src/dashboard/format.ts';

describe('what people read', () => {
  const cases: readonly (readonly [shown: string, expected: string])[] = [
    [formatBitRate(0), '0 bit/s'],
    [formatBitRate(999), '999 bit/s'],
    [formatBitRate(999.6), '1 kbit/s'],
    [formatBitRate(12_345_678), '12.3 Mbit/s'],
    [formatBitRate(999_950_000), '1 Gbit/s'],
    [formatBytes(1_234), '1.23 kB'],
    [formatBytes(3.3e13), '33 TB'],
    [formatBytes(5e21), '5,000 EB'],
    [formatCount(65_533), '65,533'],
    [formatCount(2 ** 48), '281 T'],
    [formatPercent(0), '0 %'],
    [formatPercent(0.0001), '< 0.1 %'],
    [formatPercent(0.0304), '3.0 %'],
    [formatPercent(0.956), '96 %'],
    [formatPercent(Number.NaN), '–'],
    [formatMilliseconds(0.001_234), '1.23 ms'],
    [formatDuration(0.4), '0s'],
    [formatDuration(59), '59s'],
    [formatDuration(60), '1m 0s'],
    [formatDuration(3599.9), '59m 59s'],
    [formatDuration(93_784), '1d 2h'],
    [formatDuration(-5), '0s'],
    [formatAge('2026-01-01T00:00:00.000Z', Date.parse('2026-01-01T00:02:05.000Z')), '2m 5s'],
    [formatText(0), '0'],
    [formatText(''), '–'],
  ];
  for (const [shown, expected] of cases) test(expected, () => assert.equal(shown, expected));

  test('what is not known is a dash', () => {
    for (const format of [formatBitRate, formatBytes, formatCount, formatPercent, formatMilliseconds, formatDuration]) {
      assert.equal(format(null), '–');
      assert.equal(format(undefined), '–');
    }
    assert.equal(formatAge(null, 0), '–');
  });
});
