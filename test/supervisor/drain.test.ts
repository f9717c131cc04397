import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Drain } from '../../src/supervisor/drain.ts';

const FOREVER = 1_000_000;

describe('a drain', () => {
  test('without a delay refuses at once', () => {
    const { drain, refusals } = drained();
    void drain.begin(false, 0);
    assert.deepEqual([drain.hasBegun, refusals], [true, [false]]);
  });

  test('with a delay has begun, and refuses when it is over', async () => {
    const { drain, refusals } = drained();
    const refusing = drain.begin(true, 5);
    assert.deepEqual([drain.hasBegun, refusals], [true, []]);
    await refusing;
    assert.deepEqual(refusals, [true]);
  });

  test('that comes to be an end during its delay ends tunnels when that is over', async () => {
    const { drain, refusals } = drained();
    const refusing = drain.begin(false, 5);
    await Promise.all([refusing, drain.begin(true, FOREVER)]);
    assert.deepEqual(refusals, [true]);
  });

  test('that comes to be an end later ends tunnels then, once, and has no delay again', async () => {
    const { drain, refusals } = drained();
    await drain.begin(false, 0);
    await drain.begin(true, FOREVER);
    await drain.begin(true, FOREVER);
    await drain.begin(false, FOREVER);
    assert.deepEqual(refusals, [false, true]);
  });

  test('waits for the farewell, but no longer than allowed', async () => {
    const { drain } = drained();
    let looks = 0;
    await drain.farewell(() => ++looks === 3, FOREVER);
    assert.equal(looks, 3);
    await drain.farewell(() => false, 0);
  });

  test('that is hastened gives up one wait at a time', async () => {
    const { drain, refusals } = drained();
    const refusing = drain.begin(true, FOREVER);
    drain.hasten();
    await refusing;
    assert.deepEqual(refusals, [true]);
    let isOver = false;
    const farewell = drain.farewell(() => false, FOREVER).then(() => (isOver = true));
    await new Promise(resolve => setTimeout(resolve, 50));
    assert.equal(isOver, false, 'the first haste is used up');
    drain.hasten();
    await farewell;
  });
});

function drained(): { drain: Drain; refusals: boolean[] } {
  const refusals: boolean[] = [];
  return { drain: new Drain(end => refusals.push(end)), refusals };
}
