import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Config, PrefixPools } from '../../src/config/schema.ts';
import { Pools } from '../../src/supervisor/pools.ts';
import { takeLeases } from '../../src/supervisor/leases.ts';
import { formatIpv6Prefix, parseIpv6Prefix } from '../../src/wire/ipv6.ts';

type Ipv4 = Config['network']['ipv4'];

describe('all pools together', () => {
  test('a pool that is exhausted is helped out by the next, and no further than the chain goes', () => {
    const pools = make({ next: 'b', pools: [named('b', 20, 20, 'c'), named('c', 30, 30), named('d', 40, 40)] });
    assert.deepEqual(take(pools, undefined, 4), [10, 20, 30, 'pool-exhausted']);
    assert.deepEqual(take(pools, 'd', 2), [40, 'pool-exhausted']);
    assert.deepEqual(take(pools, 'nobody', 1), ['unknown-pool']);
  });

  test('what a helping pool gave goes back to it', () => {
    const pools = make({ next: 'b', pools: [named('b', 20, 20)] });
    pools.leaseAddress(undefined);
    const lease = pools.leaseAddress(undefined);
    assert.ok(typeof lease !== 'string');
    lease.release();
    assert.deepEqual(take(pools, 'b', 1), [20]);
  });

  test('a fixed address of any pool, or of none, is held by one session at a time', () => {
    const pools = make({ pools: [named('b', 20, 21)] });
    const fixed = (address: number) => pools.leaseAddress({ kind: 'fixed', address });
    const [inPool, elsewhere] = [fixed(20), fixed(99)];
    assert.ok(typeof inPool !== 'string' && typeof elsewhere !== 'string');
    assert.equal(fixed(20), 'address-in-use');
    assert.equal(fixed(99), 'address-in-use');
    assert.deepEqual(take(pools, 'b', 2), [21, 'pool-exhausted']);
    inPool.release();
    elsewhere.release();
    assert.ok(typeof fixed(99) !== 'string');
    assert.deepEqual(take(pools, 'b', 1), [20]);
  });

  test('other ranges keep running leases; a pool that is gone gives no new ones', () => {
    const pools = make({ pools: [named('b', 20, 25)] });
    const lease = pools.leaseAddress({ kind: 'pool', name: 'b' });
    assert.ok(typeof lease !== 'string');
    pools.configure(network({ pool: [{ first: 50, last: 50 }] }), { ipv4: [], prefixes: [] });
    assert.deepEqual(take(pools, undefined, 2), [50, 'pool-exhausted']);
    assert.deepEqual(take(pools, 'b', 1), ['pool-exhausted']);
    assert.equal(pools.ipv4.leased, 2);
    lease.release();
    assert.equal(pools.ipv4.leased, 1);
  });

  test('a session gets all that it asks for, or nothing stays with it', () => {
    const pools = make({});
    const taken = takeLeases(pools, {}, true);
    assert.ok(typeof taken !== 'string');
    assert.equal(taken.ipv4, 10);
    assert.equal(formatIpv6Prefix(taken.ipv6Prefix!), '2001:db8::/64');
    assert.equal(formatIpv6Prefix(taken.delegatedPrefix!), '2001:db8:1::/56');
    taken.release();
    const name = 'nobody';
    assert.equal(takeLeases(pools, { delegatedPrefix: { kind: 'pool', name } }, true), 'unknown-pool');
    assert.deepEqual(
      pools.views().map(({ leased }) => leased),
      [0, 0, 0],
    );
  });

  test('without IPv6 there is no prefix, whoever asks for one', () => {
    const taken = takeLeases(make({}), { ipv6Prefix: { kind: 'pool', name: 'nobody' } }, false);
    assert.ok(typeof taken !== 'string' && taken.ipv6Prefix === undefined);
  });
});

function named(name: string, first: number, last: number, next?: string): Ipv4['pools'][number] {
  return { name, ranges: [{ first, last }], next };
}

function network(ipv4: Partial<Ipv4>): Config['network'] {
  return {
    mode: 'echo',
    device: 'sstp',
    ipv4: { pool: [{ first: 10, last: 10 }], pools: [], next: undefined, gateway: 1, dns: [], nbns: [], ...ipv4 },
    ipv6: {
      link: prefixes('2001:db8::/60', 64),
      delegated: prefixes('2001:db8:1::/52', 56),
      gateway: undefined,
      dns: [],
    },
    dhcp: { domain: undefined, search: [], routes: [] },
    mssClamp: true,
    antiSpoofing: true,
  };
}

function prefixes(text: string, prefixLength: number): PrefixPools {
  return { prefixLength, pool: [parseIpv6Prefix(text)!], pools: [] };
}

function make(ipv4: Partial<Ipv4>): Pools {
  return new Pools(network(ipv4), { ipv4: [], prefixes: [] });
}

function take(pools: Pools, name: string | undefined, count: number): (number | string)[] {
  return Array.from({ length: count }, () => {
    const lease = pools.leaseAddress(name === undefined ? undefined : { kind: 'pool', name });
    return typeof lease === 'string' ? lease : lease.value;
  });
}
