import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { checkSource } from '../../src/config/check.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { Findings } from '../../src/config/findings.ts';
import { checkNetwork } from '../../src/config/load-network.ts';
import { networkSchema } from '../../src/config/network-schema.ts';
import type { AddressRange, Config } from '../../src/config/schema.ts';
import { YamlSource } from '../../src/config/yaml-source.ts';
import { formatIpv4 } from '../../src/wire/ip.ts';
import { parseIpv6, parseIpv6Prefix } from '../../src/wire/ipv6.ts';

describe('the network section', () => {
  test('names pools whose addresses may all be leased', () => {
    const { ipv4 } = load(`network:
  ipv4:
    pool: [10.66.0.0/24]
    next: staff
    pools:
      staff: { ranges: [10.70.0.0/24, 10.71.0.1-10.71.0.9], next: spare }
      spare: { ranges: [10.72.0.5] }
    exclude: [10.66.0.100-10.66.0.109, 10.70.0.0/25, 10.71.0.9]
    gateway: 10.71.0.1`);
    assert.deepEqual(ranges(ipv4.pool), ['10.66.0.1-10.66.0.99', '10.66.0.110-10.66.0.254']);
    assert.equal(ipv4.next, 'staff');
    assert.deepEqual(
      ipv4.pools.map(pool => [pool.name, ranges(pool.ranges), pool.next]),
      [
        ['staff', ['10.70.0.128-10.70.0.254', '10.71.0.2-10.71.0.8'], 'spare'],
        ['spare', ['10.72.0.5-10.72.0.5'], undefined],
      ],
    );
  });

  test('cuts IPv6 pools into prefixes for links and for delegation', () => {
    const { ipv6 } = load(`network:
  ipv6:
    pool: ['2001:db8::/48']
    pools: { staff: { prefixes: ['2001:db8:1::/48'], next: default } }
    prefixLength: 64
    gateway: fd00::1
    dns: ['2001:db8:ffff::53']
    delegation:
      pool: ['2001:db8:100::/40']
      pools: { sites: { prefixes: ['2001:db8:200::/40'] } }
      prefixLength: 60`);
    assert.deepEqual(ipv6, {
      link: {
        prefixLength: 64,
        pool: prefixes('2001:db8::/48'),
        pools: [{ name: 'staff', prefixes: prefixes('2001:db8:1::/48'), next: 'default' }],
      },
      delegated: {
        prefixLength: 60,
        pool: prefixes('2001:db8:100::/40'),
        pools: [{ name: 'sites', prefixes: prefixes('2001:db8:200::/40'), next: undefined }],
      },
      gateway: parseIpv6('fd00::1'),
      dns: [parseIpv6('2001:db8:ffff::53')],
    });
  });

  test('with an empty ipv6 section switches IPv6 on without a prefix', () => {
    assert.deepEqual(load('network: { ipv6: {} }').ipv6, {
      link: { prefixLength: 64, pool: [], pools: [] },
      delegated: { prefixLength: 56, pool: [], pools: [] },
      gateway: undefined,
      dns: [],
    });
  });

  test('says what Windows is told by DHCP', () => {
    const section =
      'network: { dhcp: { domain: Corp.Example.org., search: [a.org, b.org], routes: [10.0.0.0/8, 0.0.0.0/0] } }';
    assert.deepEqual(load(section).dhcp, {
      domain: 'corp.example.org',
      search: ['a.org', 'b.org'],
      routes: [
        { address: 0x0a00_0000, length: 8 },
        { address: 0, length: 0 },
      ],
    });
  });

  const refused: readonly [what: string, text: string, ...messages: string[]][] = [
    [
      'an unknown key of a pool',
      'network:\n  ipv4:\n    pools:\n      staff:\n        ranges: [10.0.0.1]\n        size: 5',
      'gateway.yaml:6: network.ipv4.pools.staff.size: unknown key; accepted: ranges, next',
    ],
    [
      'a pool without ranges',
      'network: { ipv4: { pools: { staff: { next: a } } } }',
      'gateway.yaml:1: network.ipv4.pools.staff.ranges: is required',
    ],
    [
      'a name that could be an address',
      'network: { ipv4: { pools: { 10.0.0.1: { ranges: [10.1.0.1] } } } }',
      'gateway.yaml:1: network.ipv4.pools.10.0.0.1: "10.0.0.1" cannot be used; accepted: letters, digits, - and _, at most 63',
    ],
    [
      'a second default pool',
      'network: { ipv4: { pools: { default: { ranges: [10.1.0.1] } } } }',
      'gateway.yaml:1: network.ipv4.pools.default: the pool of this name is network.ipv4.pool',
    ],
    [
      'a next pool that is not there',
      'network:\n  ipv4:\n    next: guests\n    pools: { staff: { ranges: [10.1.0.1] } }',
      'gateway.yaml:3: network.ipv4.next: there is no pool "guests"; accepted: default, staff',
    ],
    [
      'pools that help each other out in a circle',
      'network:\n  ipv4:\n    next: staff\n    pools:\n      staff: { ranges: [10.1.0.1], next: default }\n      spare: { ranges: [10.1.0.2], next: staff }',
      'gateway.yaml:3: network.ipv4.next: leads back to "default" itself',
      'gateway.yaml:5: network.ipv4.pools.staff.next: leads back to "staff" itself',
    ],
    [
      'a pool that overlaps another',
      'network:\n  ipv4:\n    pool: [10.1.0.0/24]\n    pools:\n      staff: { ranges: [10.2.0.1, 10.1.0.9] }',
      'gateway.yaml:5: network.ipv4.pools.staff.ranges[1]: 10.1.0.9 overlaps 10.1.0.0/24',
    ],
    [
      'a pool of which all is excluded',
      'network:\n  ipv4:\n    exclude: [10.2.0.0/24]\n    pools:\n      staff: { ranges: [10.2.0.5-10.2.0.9] }',
      'gateway.yaml:5: network.ipv4.pools.staff: holds no address for a client',
    ],
    [
      'an exclusion that is no address',
      'network: { ipv4: { exclude: [gateway] } }',
      'gateway.yaml:1: network.ipv4.exclude[0]: "gateway" cannot be used; accepted: a network as 10.66.0.0/16, or a range as 10.66.0.10-10.66.0.99',
    ],
    [
      'a link prefix of another length',
      'network: { ipv6: { prefixLength: 56 } }',
      'gateway.yaml:1: network.ipv6.prefixLength: clients make an address of 64 bits of prefix only; accepted: 64',
    ],
    [
      'an IPv6 pool that is smaller than a prefix',
      "network: { ipv6: { delegation: { pool: ['2001:db8::/60'] } } }",
      'gateway.yaml:1: network.ipv6.delegation.pool[0]: 2001:db8::/60 is smaller than a /56',
    ],
    [
      'IPv6 pools that overlap, of links and of delegation',
      "network: { ipv6: { pool: ['2001:db8::/48'], delegation: { pool: ['2001:db8::/40'] } } }",
      'gateway.yaml:1: network.ipv6: 2001:db8::/40 overlaps 2001:db8::/48',
    ],
    [
      'an IPv6 gateway in a pool',
      "network: { ipv6: { pool: ['2001:db8::/48'], gateway: '2001:db8::1' } }",
      'gateway.yaml:1: network.ipv6.gateway: 2001:db8::1 lies in 2001:db8::/48, which is for clients; accepted: an address outside the pools',
    ],
    [
      'an IPv6 pool that leads back to itself',
      "network: { ipv6: { delegation: { pools: { a: { prefixes: ['2001:db8::/48'], next: a } } } } }",
      'gateway.yaml:1: network.ipv6.delegation.pools.a.next: leads back to "a" itself',
    ],
    [
      'a fourth IPv6 name server',
      "network: { ipv6: { dns: ['::1', '::2', '::3', '::4'] } }",
      'gateway.yaml:1: network.ipv6.dns[3]: clients take no more than 3 addresses; accepted: at most 3 addresses',
    ],
    [
      'an IPv4 name server for IPv6',
      'network: { ipv6: { dns: [10.0.0.53] } }',
      'gateway.yaml:1: network.ipv6.dns[0]: "10.0.0.53" cannot be used; accepted: an IPv6 address',
    ],
    [
      'a domain with a space',
      'network: { dhcp: { domain: my corp } }',
      'gateway.yaml:1: network.dhcp.domain: "my corp" cannot be used; accepted: a DNS name as corp.example.org',
    ],
    [
      'a route with host bits',
      'network: { dhcp: { routes: [10.0.0.1/8] } }',
      'gateway.yaml:1: network.dhcp.routes[0]: 10.0.0.1/8 has host bits set: the network is 10.0.0.0/8; accepted: a network as 10.0.0.0/8',
    ],
  ];
  for (const [what, text, ...messages] of refused) {
    test(`with ${what} is refused`, () => {
      assert.throws(
        () => load(text),
        (error: unknown) => {
          assert.ok(error instanceof ConfigError);
          assert.deepEqual(error.message.split('\n'), messages);
          return true;
        },
      );
    });
  }
});

function load(text: string): Config['network'] {
  const source = new YamlSource('gateway.yaml', text);
  const findings = new Findings(source);
  const config = checkNetwork(checkSource(source, z.strictObject({ network: networkSchema }), {}).network, findings);
  findings.throwIfAny();
  return config;
}

function ranges(list: readonly AddressRange[]): string[] {
  return list.map(({ first, last }) => `${formatIpv4(first)}-${formatIpv4(last)}`);
}

function prefixes(text: string) {
  return [parseIpv6Prefix(text)];
}
