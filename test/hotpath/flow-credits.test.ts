import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowCredits } from '../../src/hotpath/flow-credits.ts';

const PING = 1;
const BULK = 2;

test('a ping among bulk stays sparse', () => {
  const credits = new FlowCredits();
  let ticket = 100;
  for (let now = 1000; now < 2000; now += 1) {
    for (let packet = 0; packet < 5; packet++) {
      ticket++;
      const sparse = credits.isSparse(BULK, 1400, now, ticket, ticket - 20);
      if (now > 1001) assert.equal(sparse, false);
    }
    if (now % 10 === 0) assert.equal(credits.isSparse(PING, 84, now, ticket, ticket - 20), true);
  }
});

test('a voice call of 100 kbit/s stays sparse', () => {
  const credits = new FlowCredits();
  for (let now = 1000; now < 5000; now += 20) assert.equal(credits.isSparse(PING, 250, now, 1, 0), true);
});

test('a flow never overtakes its own packets in the bulk queue', () => {
  const credits = new FlowCredits();
  for (let packet = 0; packet < 10; packet++) credits.isSparse(BULK, 1400, 1000, 100 + packet, 50);
  assert.equal(credits.isSparse(BULK, 100, 9000, 200, 108), false, 'ticket 109 is still queued');
  assert.equal(credits.isSparse(BULK, 100, 18_000, 201, 200), true, 'all served');
});

test('a flow that was bulk is sparse again a moment after its burst', () => {
  const credits = new FlowCredits();
  for (let packet = 0; packet < 1000; packet++) credits.isSparse(BULK, 1400, 1000, packet, 0);
  assert.equal(credits.isSparse(BULK, 100, 1100, 1001, 1000), true);
});
