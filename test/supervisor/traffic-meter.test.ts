import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TrafficMeter } from '../../src/supervisor/traffic-meter.ts';

describe('the meter of a session', () => {
  test('knows no rate before its second sample', () => {
    const meter = new TrafficMeter();
    assert.equal(meter.latest, undefined);
    meter.sample(5_000, 100, 2);
    assert.equal(meter.latest, undefined);
    assert.deepEqual(meter.points(), []);
    meter.sample(6_000, 350, 2);
    assert.deepEqual(meter.latest, { rxBps: 4_000, txBps: 1_000 });
    assert.deepEqual(meter.points(), [{ rxBps: 4_000, txBps: 1_000 }]);
  });

  test('goes by the time that has passed, not by the interval that was meant', () => {
    const meter = new TrafficMeter();
    meter.sample(0, 0, 2);
    meter.sample(1_000, 0, 4);
    assert.equal(meter.latest?.rxBps, 2_000);
  });

  test('keeps the last 120 rates, the oldest first', () => {
    const meter = new TrafficMeter();
    let total = 0;
    for (let sample = 0; sample < 400; sample++) meter.sample((total += sample), 0, 1);
    const points = meter.points();
    assert.equal(points.length, 120);
    assert.deepEqual(
      points.map(({ rxBps }) => rxBps / 8),
      Array.from({ length: 120 }, (_, index) => 280 + index),
    );
    assert.deepEqual(meter.latest, points.at(-1));
  });

  test('takes counters that were cleared already for silence', () => {
    const meter = new TrafficMeter();
    meter.sample(1_000, 1_000, 2);
    meter.sample(0, 0, 2);
    assert.deepEqual(meter.latest, { rxBps: 0, txBps: 0 });
  });
});
