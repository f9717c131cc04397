import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SessionView } from '../../src/admin/gateway-view.ts';
import { parseSessionQuery, selectSessions } from '../../src/admin/session-query.ts';
import { FakeGateway } from './fake-gateway.ts';

describe('which sessions, and in which order', () => {
  const gateway = new FakeGateway();
  gateway.add('a', { user: 'alice', rxBytes: 5, ipv4: '10.0.0.9', remoteAddress: '192.0.2.1:1' });
  gateway.add('b', { user: 'bob', rxBytes: 50, state: 'closing', worker: 1, remoteAddress: '[2001:db8::1]:2' });
  gateway.add('c', { user: 'alice', rxBytes: 500, ipv4: null });
  gateway.add('d', { user: 'Zoë', rxBytes: 1, ipv6: '2001:db8:5::/64' });

  async function ids(query: string): Promise<string> {
    const parsed = parseSessionQuery(query);
    assert.ok(typeof parsed !== 'string', JSON.stringify(parsed));
    return (await selectSessions(gateway.sessions(), parsed)).sessions.map(({ id }) => id).join('');
  }

  for (const [query, expected] of [
    ['', 'abcd'],
    ['user=alice', 'ac'],
    ['state=closing', 'b'],
    ['worker=1', 'b'],
    ['address=10.0.0.9', 'a'],
    ['address=2001:db8::1', 'b'],
    ['address=2001:DB8:0::1', 'b'],
    ['address=2001:db8:5::1', 'd'],
    ['address=2001:db8:6::1', ''],
    ['search=ALI', 'ac'],
    ['search=2001%3Adb8', 'bd'],
    ['search=zo%C3%AB', 'd'],
    ['search=%25', ''],
    ['user=alice&search=10.0.0', 'a'],
    ['sort=rxBytes', 'dabc'],
    ['sort=-rxBytes', 'cbad'],
    ['sort=ipv4', 'cabd'],
    ['limit=2', 'ab'],
    ['limit=2&offset=1', 'bc'],
    ['limit=2&offset=9', ''],
    ['sort=-rxBytes&limit=2&offset=1', 'ba'],
    ['user=alice&limit=1&offset=1', 'c'],
  ] as const) {
    test(`?${query}: ${expected}`, async () => assert.equal(await ids(query), expected));
  }

  test('counts what matches, not what is on the page', async () => {
    const query = parseSessionQuery('user=alice&limit=1');
    assert.ok(typeof query !== 'string');
    assert.equal((await selectSessions(gateway.sessions(), query)).matched, 2);
  });

  for (const query of [
    'colour=red',
    'state=down',
    'worker=x',
    'sort=tls',
    'sort=-',
    'limit=0',
    'limit=10001',
    'limit=1&limit=2',
    'offset=-1',
    'toString=1',
  ]) {
    test(`?${query} is refused with a text`, () => assert.equal(typeof parseSessionQuery(query), 'string'));
  }

  test('lets the event loop have its turns between ten thousand rows', async () => {
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    const [row] = [...gateway.sessions()] as [SessionView];
    const query = parseSessionQuery('sort=user&limit=100');
    assert.ok(typeof query !== 'string');
    await selectSessions(
      Array.from({ length: 10_000 }, () => row),
      query,
    );
    isDone = true;
    assert.ok(turns >= 10, `${turns} turns`);
  });
});
