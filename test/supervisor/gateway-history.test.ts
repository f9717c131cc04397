import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GatewayHistory, type GatewaySample } from '../../src/supervisor/gateway-history.ts';

const START = Date.parse('2026-06-01T00:00:00.000Z');

/** Number `index` of a gateway on which everything grows evenly. */
function sample(index: number): GatewaySample {
  return {
    at: START + index * 2_000,
    sessions: 100 + index,
    starts: index * 3,
    ends: index * 2,
    refusals: index,
    traffic: {
      rxBytes: index * 1_000,
      txBytes: index * 500,
      rxPackets: index * 10,
      txPackets: index * 6,
      drops: index * 4,
    },
    workers: [
      { lag: 0.002, sessions: 100 + index, cpu: 0.123456 },
      { lag: 0, sessions: 0, cpu: undefined },
    ],
  };
}

function filled(samples: number, size = 5): GatewayHistory {
  const history = new GatewayHistory(size, 2);
  for (let index = 0; index < samples; index++) history.add(sample(index), 2);
  return history;
}

describe('the history of a gateway', () => {
  test('has a point for each sample but the first, with what came in its interval', () => {
    assert.deepEqual([...filled(1).points(-Infinity)], []);
    assert.deepEqual(
      [...filled(2).points(-Infinity)],
      [
        {
          at: '2026-06-01T00:00:02.000Z',
          sessions: 101,
          starts: 3,
          ends: 2,
          refusals: 1,
          rxBps: 4_000,
          txBps: 2_000,
          rxPps: 5,
          txPps: 3,
          drops: 4,
          workers: [
            { lag: 0.002, sessions: 101, cpu: 0.1235 },
            { lag: 0, sessions: 0, cpu: null },
          ],
        },
      ],
    );
  });

  test('keeps the last points only, the oldest first', () => {
    assert.deepEqual(
      [...filled(100).points(-Infinity)].map(({ sessions }) => sessions - 100),
      [95, 96, 97, 98, 99],
    );
  });

  test('tells only what is newer than a moment', () => {
    const points = [...filled(6).points(START + 3 * 2_000)];
    assert.deepEqual(
      points.map(({ at }) => at),
      ['2026-06-01T00:00:08.000Z', '2026-06-01T00:00:10.000Z'],
    );
    assert.deepEqual([...filled(6).points(START + 5 * 2_000)], []);
  });

  test('read slowly it leaves out what was overwritten meanwhile, and never mixes two points', () => {
    const history = filled(6);
    const reading = history.points(-Infinity);
    assert.equal(reading.next().value?.sessions, 101);
    for (let index = 6; index < 10; index++) history.add(sample(index), 2);
    const rest = [...reading].map(({ sessions, starts }) => [sessions - 100, starts]);
    assert.deepEqual(
      rest,
      [5, 6, 7, 8, 9].map(index => [index, 3]),
    );
  });
});
