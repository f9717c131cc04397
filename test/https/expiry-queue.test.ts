import assert from 'node:assert/strict';
import { describe, test, mock } from 'node:test';
import { ExpiryQueue } from '../../src/https/expiry-queue.ts';
import { eventually } from './fixture.ts';

describe('an expiry queue', () => {
  test('expires members in the order in which they joined, and those who left never', async () => {
    const expired: string[] = [];
    const queue = new ExpiryQueue<string>(20, member => expired.push(member));
    queue.add('a');
    queue.add('b');
    queue.add('c');
    queue.delete('b');
    assert.deepEqual(queue.members(), ['a', 'c']);
    await eventually(() => queue.size === 0);
    assert.deepEqual(expired, ['a', 'c']);
  });

  test('does not extend the time of a member that joins again', async () => {
    const expired: string[] = [];
    const queue = new ExpiryQueue<string>(40, member => expired.push(member));
    queue.add('a');
    await eventually(() => {
      queue.add('a');
      return expired.length > 0;
    });
  });

  test('lets members leave and join while it expires others', async () => {
    const expired: string[] = [];
    const queue = new ExpiryQueue<string>(10, member => {
      expired.push(member);
      queue.delete('b');
      if (member === 'a') queue.add('c');
    });
    queue.add('a');
    queue.add('b');
    await eventually(() => expired.length === 2);
    assert.deepEqual(expired, ['a', 'c']);
  });

  test('has one timer, only while somebody waits', () => {
    const timers = mock.method(globalThis, 'setTimeout');
    const cleared = mock.method(globalThis, 'clearTimeout');
    const queue = new ExpiryQueue<number>(60_000, () => {});
    for (let i = 0; i < 1000; i++) queue.add(i);
    assert.equal(timers.mock.callCount(), 1);
    for (let i = 0; i < 1000; i++) queue.delete(i);
    assert.equal(cleared.mock.callCount(), 1);
    mock.restoreAll();
  });
});
