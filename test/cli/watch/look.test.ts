import assert from 'node:assert/strict';
import { test } from 'node:test';
import { look } from '../../../src/cli/watch/look.ts';
import { givenOrder, ordered, ORDERS } from '../../../src/cli/watch/order.ts';
import { firstLook, session, status } from './fixture.ts';

test('rates are what came since the look before, in bits and for each second', () => {
  const first = firstLook(session('a', { rxBytes: 1000, txBytes: 0 }));
  assert.deepEqual([first.rxRate, first.txRate, first.refusalRate], [null, null, null]);
  const sessions = [session('a', { rxBytes: 3000, txBytes: 500 }), session('new', { rxBytes: 77 })];
  const second = look({ at: 2000, status: status({ 'plain-http': 2, 'half-open': 1 }), sessions }, first);
  assert.deepEqual([second.sessions[0]?.rxRate, second.sessions[0]?.txRate], [8000, 2000]);
  // What the gateway says of a session that was not there before stays.
  assert.equal(second.sessions[1]?.rxRate, 80_000);
  assert.equal(second.refusalRate, 1.5);
});

test('the rates of the gateway are of all its sessions', () => {
  const second = look(
    { at: 2000, status: { ...status(), traffic: { ...status().traffic, rxBytes: 3_234_567 } }, sessions: [] },
    firstLook(),
  );
  assert.deepEqual([second.rxRate, second.txRate], [8_000_000, 0]);
});

test('counters that went back give no negative rate', () => {
  const first = look({ at: 0, status: status({ x: 9 }), sessions: [session('a', { rxBytes: 1000 })] }, undefined);
  const second = look({ at: 1000, status: status(), sessions: [session('a', { rxBytes: 10 })] }, first);
  assert.equal(second.sessions[0]?.rxRate, 0);
  assert.equal(second.refusalRate, 0);
});

test('the busiest come first, and each order can be turned round', () => {
  const rows = [
    session('idle', { user: 'c', rxRate: null, txRate: null }),
    session('up', { user: 'a', rxRate: 500, txRate: 0, drops: 9 }),
    session('down', { user: 'b', rxRate: 0, txRate: 700 }),
  ];
  const by = (name: string, isReversed = false): string[] => {
    const order = ORDERS.find(each => each.name === name)!;
    return ordered(rows, order, isReversed).map(({ id }) => id);
  };
  assert.equal(ORDERS[0]?.name, 'rate');
  assert.deepEqual(by('rate'), ['down', 'up', 'idle']);
  assert.deepEqual(by('received rate'), ['up', 'idle', 'down']);
  assert.deepEqual(by('user'), ['up', 'down', 'idle']);
  assert.deepEqual(by('drops', true), ['down', 'idle', 'up']);
  assert.deepEqual(ordered(rows, givenOrder('-id'), false), rows);
});
