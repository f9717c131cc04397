import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HistoryPoint } from '../../src/admin/schema/history.ts';
import { columns, History } from '../../src/dashboard/history.ts';

const START = Date.parse('2026-06-01T00:00:00.000Z');

describe('the history that charts show', () => {
  test('has a point that is null where points are missing', () => {
    const points = [0, 2, 4, 14, 16].map(point);
    const { times, points: shown } = columns(points, 2);
    assert.deepEqual(
      times.map(time => time - START / 1000),
      [0, 2, 4, 6, 14, 16],
    );
    assert.deepEqual(
      shown.map(each => each?.sessions ?? null),
      [0, 2, 4, null, 14, 16],
    );
  });

  test('takes an interval that was a little late for no gap', () => {
    assert.equal(columns([0, 2, 6.5].map(point), 2).points.includes(null), false);
  });

  test('takes in what is newer only, also when it is told twice', () => {
    const history = new History();
    assert.equal(history.since, undefined);
    history.add({ intervalSeconds: 2, points: [0, 2].map(point) });
    history.add({ intervalSeconds: 2, points: [0, 2, 4].map(point) });
    history.add({ intervalSeconds: 2, points: [] });
    assert.equal(history.since, point(4).at);
    assert.deepEqual(
      history.last(60).points.map(each => each?.sessions),
      [0, 2, 4],
    );
  });

  test('shows as much as is asked for, and keeps half an hour', () => {
    const history = new History();
    const seconds = Array.from({ length: 2000 }, (_, index) => index * 2);
    history.add({ intervalSeconds: 2, points: seconds.map(point) });
    assert.equal(history.last(60).points.length, 31);
    assert.equal(history.last(86_400).points.length, 901);
  });

  test('keeps what a gateway told that is there no more', () => {
    const history = new History();
    history.add({ intervalSeconds: 2, points: [0, 2].map(point) });
    history.add({ intervalSeconds: 2, points: [60, 62].map(point) });
    assert.deepEqual(
      history.last(300).points.map(each => each?.sessions ?? null),
      [0, 2, null, 60, 62],
    );
  });
});

/** Told apart by their number of sessions. */
function point(second: number): HistoryPoint {
  return {
    at: new Date(START + second * 1000).toISOString(),
    sessions: second,
    starts: 0,
    ends: 0,
    rxBps: 0,
    txBps: 0,
    rxPps: 0,
    txPps: 0,
    drops: 0,
    refusals: 0,
    workers: [],
  };
}
