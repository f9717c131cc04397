import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { HotpathTwin } from '../../src/hotpath/hotpath-twin.ts';
import { TunnelTraffic } from '../../src/worker/tunnel-traffic.ts';
import { WorkerCounters } from '../../src/worker/worker-counters.ts';

const NOTHING = { rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0, drops: 0 };

test('what a tunnel has carried is exact at once in the worker, and soon for the main thread', context => {
  const { traffic, counters, passTime } = start(context);
  traffic.countSent(3, 2, 2800);
  traffic.countDrop('queue-full', 3, 5);
  const carried = { ...NOTHING, txPackets: 2, txBytes: 2800, drops: 5 };
  assert.deepEqual(traffic.of(3), carried);
  assert.deepEqual(counters.traffic(3), NOTHING);
  passTime();
  assert.deepEqual(counters.traffic(3), carried);
  assert.deepEqual(counters.totals(), carried);
  assert.equal(counters.drops('queue-full'), 5);
});

test('totals add up over tunnels, and outlive tunnels and the worker', context => {
  const { traffic, counters, buffer, passTime } = start(context);
  traffic.countSent(0, 1, 100);
  traffic.countSent(1, 1, 200);
  passTime();
  traffic.countSent(1, 1, 300);
  assert.deepEqual(traffic.settle(1), { ...NOTHING, txPackets: 2, txBytes: 500 });
  assert.deepEqual(counters.traffic(1), NOTHING);
  traffic.countSent(1, 1, 7);
  passTime();
  assert.equal(counters.traffic(1).txBytes, 7);
  assert.deepEqual(counters.totals(), { ...NOTHING, txPackets: 4, txBytes: 607 });

  const anew = new WorkerCounters(buffer);
  anew.clearSessions();
  const next = new TunnelTraffic(new HotpathTwin(), anew);
  next.countSent(0, 1, 1000);
  next.close();
  assert.equal(counters.traffic(0).txBytes, 1000);
  assert.deepEqual(counters.totals(), { ...NOTHING, txPackets: 5, txBytes: 1607 });
});

test('a packet that was dropped after it had been counted is taken back from the totals', context => {
  const { traffic, counters, passTime } = start(context);
  traffic.countSent(0, 3, 300);
  passTime();
  traffic.countSent(0, -1, -100);
  passTime();
  assert.deepEqual(counters.totals(), { ...NOTHING, txPackets: 2, txBytes: 200 });
});

test('a worker that carries nothing has no timer', context => {
  const { traffic, counters, passTime } = start(context);
  const set = mock.method(globalThis, 'setTimeout');
  try {
    passTime();
    assert.equal(set.mock.callCount(), 0);
    traffic.countSent(0, 1, 100);
    traffic.countSent(1, 1, 100);
    assert.equal(set.mock.callCount(), 1);
    passTime();
    passTime();
    assert.equal(set.mock.callCount(), 1);
    assert.equal(counters.totals().txPackets, 2);
  } finally {
    set.mock.restore();
  }
});

function start(context: { mock: typeof mock }) {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const buffer = WorkerCounters.allocate();
  const counters = new WorkerCounters(buffer);
  const traffic = new TunnelTraffic(new HotpathTwin(), counters);
  return { traffic, counters, buffer, passTime: () => context.mock.timers.tick(1000) };
}
