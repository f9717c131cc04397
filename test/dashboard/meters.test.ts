import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SessionView } from '../../src/admin/schema/session.ts';
import type { StatusView } from '../../src/admin/schema/status.ts';
import { poolMeters, refusalMeters, talkerMeters } from '../../src/dashboard/meters.ts';

describe('the bars of the overview', () => {
  test('refusals of every kind, the most frequent first, without those that did not happen', () => {
    const meters = refusalMeters({
      refusals: { 'plain-http': 5, 'half-open': 0 },
      aborts: { 'negotiation-timeout': 2 },
      auth: { mschapv2: { accepted: 100, 'wrong-password': 10 }, pap: { 'wrong-password': 1 } },
    } as unknown as StatusView['counters']);
    assert.deepEqual(
      meters.map(({ name, note, value, share }) => [name, note, value, share]),
      [
        ['wrong-password', 'authentication, mschapv2', '10', 1],
        ['plain-http', 'connection', '5', 0.5],
        ['negotiation-timeout', 'call', '2', 0.2],
        ['wrong-password', 'authentication, pap', '1', 0.1],
      ],
    );
    assert.equal(new Set(meters.map(({ key }) => key)).size, meters.length);
  });

  test('who is silent, or was not measured yet, is no talker', () => {
    const sessions = [
      { id: 'a', user: 'alice', ipv4: '10.66.0.2', txRate: 2e6 },
      { id: 'b', user: 'bob', ipv4: null, ipv6: 'fd00::/64', txRate: 5e5 },
      { id: 'c', user: 'carol', ipv4: null, ipv6: null, txRate: 0 },
      { id: 'd', user: 'dave', ipv4: null, ipv6: null, txRate: null },
    ] as unknown as SessionView[];
    assert.deepEqual(
      talkerMeters(sessions, 'txRate').map(({ name, note, value, share, href }) => [name, note, value, share, href]),
      [
        ['alice', '10.66.0.2', '2 Mbit/s', 1, '#/sessions/a'],
        ['bob', 'fd00::/64', '500 kbit/s', 0.25, '#/sessions/b'],
      ],
    );
  });

  test('a pool that is nearly full stands out, one that has nothing to give is left out', () => {
    const pools = [
      { name: 'default', family: 'ipv4', size: 100, leased: 90 },
      { name: 'staff', family: 'ipv4', size: 100, leased: 91 },
      { name: 'none', family: 'ipv6', size: 0, leased: 0 },
    ] as const;
    assert.deepEqual(
      poolMeters({ pools }).map(({ value, isCritical }) => [value, isCritical]),
      [
        ['90 %', false],
        ['91 %', true],
      ],
    );
  });
});
