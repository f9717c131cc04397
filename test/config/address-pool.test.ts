import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { leasableRanges, poolEntry } from '../../src/config/address-pool.ts';
import { formatIpv4, parseIpv4 } from '../../src/wire/ip.ts';

describe('the address pool', () => {
  const cases: readonly [entries: string[], gateway: string, leasable: string[]][] = [
    [['10.0.0.0/24'], '10.0.0.1', ['10.0.0.2-10.0.0.254']],
    [['10.0.0.0/24'], '10.0.0.100', ['10.0.0.1-10.0.0.99', '10.0.0.101-10.0.0.254']],
    [['10.0.0.0/24'], '192.0.2.1', ['10.0.0.1-10.0.0.254']],
    [['10.0.0.0/31'], '192.0.2.1', ['10.0.0.0-10.0.0.1']],
    [['10.0.0.7/32'], '192.0.2.1', ['10.0.0.7-10.0.0.7']],
    [['10.0.0.0-10.0.0.255'], '10.0.0.0', ['10.0.0.1-10.0.0.255']],
    [['10.0.0.9'], '10.0.0.1', ['10.0.0.9-10.0.0.9']],
    [['10.2.0.0/30', '10.1.0.0/30'], '10.2.0.1', ['10.1.0.1-10.1.0.2', '10.2.0.2-10.2.0.2']],
    [['10.0.0.4/30'], '10.0.0.5', ['10.0.0.6-10.0.0.6']],
    [['223.255.255.0/24'], '223.255.255.1', ['223.255.255.2-223.255.255.254']],
  ];
  for (const [entries, gateway, leasable] of cases) {
    test(`${entries.join(' and ')} behind ${gateway} leases ${leasable.join(' and ')}`, () => {
      const ranges = leasableRanges(
        entries.map(entry => poolEntry().parse(entry)),
        parseIpv4(gateway) ?? 0,
      );
      assert.deepEqual(
        ranges.map(({ first, last }) => `${formatIpv4(first)}-${formatIpv4(last)}`),
        leasable,
      );
    });
  }

  for (const entry of [
    '0.0.0.0/0',
    '127.0.0.0/8',
    '224.0.0.0/8',
    '10.0.0.0/7',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0/24',
    '10.0.0.1-',
    '1-2-3',
    '10.0.0.1-10.0.0.2-10.0.0.3',
    'fd00::/64',
    '',
    7,
    null,
  ]) {
    test(`${JSON.stringify(entry)} is refused`, () => assert.equal(poolEntry().safeParse(entry).success, false));
  }
});
