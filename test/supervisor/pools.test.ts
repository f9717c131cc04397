import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Reservations } from '../../src/aaa/session-attributes.ts';
import type { PoolView } from '../../src/admin/gateway-view.ts';
import type { Config, PrefixPools } from '../../src/config/schema.ts';
import { Pools } from '../../src/supervisor/pools.ts';
import { takeLeases } from '../../src/supervisor/leases.ts';
import { formatIpv6Prefix, type Ipv6Prefix, isInIpv6Prefix, parseIpv6Prefix } from '../../src/wire/ipv6.ts';

type Ipv4 = Config['network']['ipv4'];
type Ipv6 = NonNullable<Config['network']['ipv6']>;

const NOBODY: Reservations = { ipv4: [], prefixes: [] };

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

  test("the gateway's own address is nobody's, also when new ranges hold it", () => {
    const pools = make({ gateway: 50 });
    pools.configure(network({ gateway: 50, pool: [{ first: 50, last: 51 }] }), { ipv4: [], prefixes: [] });
    assert.deepEqual(take(pools, undefined, 2), [51, 'pool-exhausted']);
    assert.equal(pools.leaseAddress({ kind: 'fixed', address: 50 }), 'address-in-use');
    const prefix = parseIpv6Prefix('2001:db8:7::/64')!;
    const ipv6 = { link: prefixes('2001:db8:7::/63', 64), gateway: prefix.address | 1n } as unknown as Ipv6;
    pools.configure({ ...network({}), ipv6: { ...ipv6, delegated: prefixes('2001:db8:ff::/56', 56) } }, NOBODY);
    assert.equal(pools.leasePrefix({ kind: 'fixed', prefix }), 'prefix-in-use');
    const lease = pools.leasePrefix(undefined);
    assert.ok(typeof lease === 'object');
    assert.equal(formatIpv6Prefix(lease.value), '2001:db8:7:1::/64');
    assert.equal(pools.leasePrefix(undefined), 'pool-exhausted');
  });

  test('other ranges keep running leases; a pool that is gone is unknown', () => {
    const pools = make({ pools: [named('b', 20, 25)] });
    const lease = pools.leaseAddress({ kind: 'pool', name: 'b' });
    assert.ok(typeof lease !== 'string');
    pools.configure(network({ pool: [{ first: 50, last: 50 }] }), { ipv4: [], prefixes: [] });
    assert.deepEqual(take(pools, undefined, 2), [50, 'pool-exhausted']);
    assert.deepEqual(take(pools, 'b', 1), ['unknown-pool']);
    assert.equal(pools.ipv4.leased, 2);
    lease.release();
    assert.equal(pools.ipv4.leased, 1);
  });

  test('what moves from one pool to another while it is leased is given out by the other when it is back', () => {
    const pools = make({ pool: [{ first: 10, last: 10 }], pools: [named('b', 20, 20)] });
    const lease = pools.leaseAddress(undefined);
    const elsewhere = pools.leaseAddress({ kind: 'fixed', address: 30 });
    assert.ok(typeof lease !== 'string' && typeof elsewhere !== 'string');
    const moved = network({ pool: [{ first: 30, last: 30 }], pools: [named('b', 10, 10)] });
    pools.configure(moved, { ipv4: [], prefixes: [] });
    assert.deepEqual(take(pools, 'b', 1), ['pool-exhausted']);
    assert.deepEqual(take(pools, undefined, 1), ['pool-exhausted']);
    lease.release();
    elsewhere.release();
    assert.deepEqual(take(pools, 'b', 2), [10, 'pool-exhausted']);
    assert.deepEqual(take(pools, undefined, 2), [30, 'pool-exhausted']);
    assert.throws(() => {
      lease.release();
      lease.release();
    }, /nobody held/);
  });

  test('a fixed prefix keeps its part of every pool back, for as long as it is leased', () => {
    const pools = make({});
    const both = prefix('2001:db8::/47');
    const lease = pools.leasePrefix({ kind: 'fixed', prefix: both });
    assert.ok(lease !== undefined && typeof lease !== 'string');
    assert.equal(pools.leaseDelegated({ kind: 'fixed', prefix: prefix('2001:db8:1:100::/56') }), 'prefix-in-use');
    assert.equal(pools.leasePrefix(undefined), 'pool-exhausted');
    assert.equal(pools.leaseDelegated(undefined), 'pool-exhausted');
    lease.release();
    assert.ok(typeof pools.leasePrefix(undefined) !== 'string');
    assert.ok(typeof pools.leaseDelegated(undefined) !== 'string');
  });

  test('the length of what is delegated may change', () => {
    const pools = make({});
    pools.leaseDelegated(undefined);
    const ipv6 = { ...network({}).ipv6!, delegated: prefixes('2001:db8:1::/52', 60) };
    pools.configure({ ...network({}), ipv6 }, { ipv4: [], prefixes: [] });
    const lease = pools.leaseDelegated(undefined);
    assert.ok(lease !== undefined && typeof lease !== 'string');
    assert.equal(formatIpv6Prefix(lease.value), '2001:db8:1:100::/60');
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

type Held = { readonly release: () => void; readonly value: number | Ipv6Prefix };

const names = fc.constantFrom(undefined, 'default', 'a', 'b');
const step = fc.oneof(
  fc.record({ kind: fc.constant('address' as const), name: names }),
  fc.record({ kind: fc.constant('fixed-address' as const), address: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant('link' as const), name: names }),
  fc.record({ kind: fc.constant('delegated' as const), name: names }),
  fc.record({
    kind: fc.constant('fixed-prefix' as const),
    length: fc.integer({ min: 54, max: 64 }),
    place: fc.nat(0x3ff),
  }),
  fc.record({ kind: fc.constant('release' as const), index: fc.nat(99) }),
  fc.record({ kind: fc.constant('configure' as const), plan: fc.nat(2) }),
);

describe('pools, whatever is leased, given back and configured', () => {
  test('never let two sessions hold the same, nor give out what is excluded or reserved, and lose nothing', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), steps => {
        let plan = PLANS[0]!;
        const pools = new Pools(plan.network, plan.reservations);
        const held: Held[] = [];
        const keep = (
          lease: { value: Held['value']; release(): void } | string | undefined,
          isFixed: boolean,
        ): void => {
          if (lease === undefined || typeof lease === 'string') return;
          for (const other of held) assert.ok(!meets(other.value, lease.value));
          if (!isFixed) assert.ok(isDynamic(lease.value, plan));
          held.push(lease);
        };
        for (const what of steps) {
          if (what.kind === 'address') {
            const lease = pools.leaseAddress({ kind: 'pool', name: what.name });
            keep(lease, false);
          } else if (what.kind === 'fixed-address') {
            keep(pools.leaseAddress({ kind: 'fixed', address: what.address }), true);
          } else if (what.kind === 'fixed-prefix') {
            const host = BigInt(128 - what.length);
            const address = prefix('2001:db8::/48').address + (BigInt(what.place) << 64n);
            const fixed = { address: (address >> host) << host, length: what.length };
            keep(pools.leasePrefix({ kind: 'fixed', prefix: fixed }), true);
          } else if (what.kind === 'release') {
            if (held.length > 0) held.splice(what.index % held.length, 1)[0]!.release();
          } else if (what.kind === 'configure') {
            plan = PLANS[what.plan]!;
            pools.configure(plan.network, plan.reservations);
          } else {
            const assignment = what.name === undefined ? undefined : ({ kind: 'pool', name: what.name } as const);
            keep(what.kind === 'link' ? pools.leasePrefix(assignment) : pools.leaseDelegated(assignment), false);
          }
          assert.equal(pools.ipv4.leased, held.filter(({ value }) => typeof value === 'number').length);
        }
        for (const { release } of held) release();
        assert.ok(pools.views().every(({ leased }) => leased === 0));
        for (const { name, family, size } of pools.views()) {
          if (name !== 'default') continue;
          // Behind the default pool of the plans stand all others of its family.
          const total = sizes(pools, family, family === 'ipv4' ? ['default', 'a', 'b'] : ['default']);
          assert.ok(size <= total);
          assert.equal(exhaust(pools, family), total);
        }
      }),
      { numRuns: 300 },
    );
  });
});

interface Plan {
  readonly network: Config['network'];
  readonly reservations: Reservations;
}

const PLANS: readonly Plan[] = [
  plan([10, 14], [20, 22], [30, 30], '2001:db8::/60', '2001:db8:0:100::/57', 60, [12], ['2001:db8:0:2::/64']),
  plan([8, 11], [12, 16], [20, 21], '2001:db8::/61', '2001:db8:0:200::/56', 58, [], ['2001:db8:0:220::/62']),
  plan([30, 36], [14, 14], [10, 12], '2001:db8:0:100::/61', '2001:db8::/58', 60, [30, 31], []),
];

function plan(
  pool: readonly [number, number],
  a: readonly [number, number],
  b: readonly [number, number],
  link: string,
  delegated: string,
  prefixLength: number,
  ipv4: readonly number[],
  reserved: readonly string[],
): Plan {
  const { ipv6, ...rest } = network({
    pool: [{ first: pool[0], last: pool[1] }],
    pools: [named('a', ...a, 'b'), named('b', ...b)],
    next: 'a',
  });
  return {
    network: { ...rest, ipv6: { ...ipv6!, link: prefixes(link, 64), delegated: prefixes(delegated, prefixLength) } },
    reservations: { ipv4, prefixes: reserved.map(prefix) },
  };
}

function meets(one: number | Ipv6Prefix, other: number | Ipv6Prefix): boolean {
  if (typeof one === 'number' || typeof other === 'number') return one === other;
  return one.length < other.length ? isInIpv6Prefix(other.address, one) : isInIpv6Prefix(one.address, other);
}

function isDynamic(value: number | Ipv6Prefix, { network: { ipv4, ipv6 }, reservations }: Plan): boolean {
  if (typeof value !== 'number') {
    const blocks = [...ipv6!.link.pool, ...ipv6!.delegated.pool];
    return blocks.some(block => meets(block, value)) && !reservations.prefixes.some(other => meets(other, value));
  }
  const ranges = [ipv4.pool, ...ipv4.pools.map(pool => pool.ranges)].flat();
  return ranges.some(({ first, last }) => value >= first && value <= last) && !reservations.ipv4.includes(value);
}

function sizes(pools: Pools, family: PoolView['family'], of: readonly string[]): number {
  const views = pools.views().filter(view => view.family === family && of.includes(view.name));
  return views.reduce((sum, { size }) => sum + size, 0);
}

/** How many can be leased by default. */
function exhaust(pools: Pools, family: PoolView['family']): number {
  for (let count = 0; ; count++) {
    const lease =
      family === 'ipv4'
        ? pools.leaseAddress(undefined)
        : family === 'ipv6'
          ? pools.leasePrefix(undefined)
          : pools.leaseDelegated(undefined);
    if (typeof lease === 'string') return count;
  }
}

function prefix(text: string): Ipv6Prefix {
  return parseIpv6Prefix(text)!;
}

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
