// The `network` section of the configuration file.
import { z } from 'zod';
import { formatIpv6Prefix, parseIpv6, parseIpv6Prefix, type Ipv6Prefix } from '../wire/ipv6.ts';
import { poolEntry } from './address-pool.ts';
import { field, flag, integer, ipv4Address, oneOf, Refusal, refuse } from './fields.ts';
import type { Ipv4Network } from './schema.ts';

/** RFC 1877 has a primary and a secondary server, no third. */
const MAX_NAME_SERVERS = 2;
/** RFC 8106 has room for more, but clients take the first three. */
const MAX_NAME_SERVERS_IPV6 = 3;

const poolName = field('letters, digits, - and _, at most 63', value =>
  typeof value === 'string' && /^[\w-]{1,63}$/.test(value) ? value : refuse(value),
);

const ipv4 = z.strictObject({
  pool: z.array(poolEntry()).min(1).prefault(['10.66.0.0/16']),
  pools: z
    .record(poolName, z.strictObject({ ranges: z.array(poolEntry()).min(1), next: poolName.optional() }))
    .default({}),
  next: poolName.optional(),
  exclude: z.array(poolEntry()).default([]),
  gateway: ipv4Address().optional(),
  dns: z.array(ipv4Address()).default([]).superRefine(atMost(MAX_NAME_SERVERS)),
  nbns: z.array(ipv4Address()).default([]).superRefine(atMost(MAX_NAME_SERVERS)),
});

const prefixPools = z
  .record(poolName, z.strictObject({ prefixes: z.array(ipv6Prefix()).min(1), next: poolName.optional() }))
  .default({});

const ipv6 = z.strictObject({
  pool: z.array(ipv6Prefix()).default([]),
  pools: prefixPools,
  // Clients make their address of a prefix of 64 bits and of nothing else (RFC 4862 5.5.3).
  prefixLength: field<64>('64', value =>
    value === 64 ? value : new Refusal('clients make an address of 64 bits of prefix only'),
  ).default(64),
  gateway: field(
    'an IPv6 address',
    value => (typeof value === 'string' ? parseIpv6(value) : undefined) ?? refuse(value),
  ).optional(),
  dns: z
    .array(
      field('an IPv6 address', value => (typeof value === 'string' ? parseIpv6(value) : undefined) ?? refuse(value)),
    )
    .default([])
    .superRefine(atMost(MAX_NAME_SERVERS_IPV6)),
  delegation: z
    .strictObject({
      pool: z.array(ipv6Prefix()).default([]),
      pools: prefixPools,
      prefixLength: integer(48, 64).default(56),
    })
    .prefault({}),
});

const dhcp = z.strictObject({
  domain: domainName().optional(),
  search: z.array(domainName()).default([]),
  routes: z.array(ipv4Network()).default([]),
});

export const networkSchema = z.strictObject({
  mode: oneOf(['auto', 'tun', 'echo']).default('auto'),
  // IFNAMSIZ is 16 with the final zero; room for the worker's number is kept.
  device: field('letters, digits, - and _, at most 12, starting with a letter', value =>
    typeof value === 'string' && /^[a-z][\w-]{0,11}$/i.test(value) ? value : refuse(value),
  ).default('sstp'),
  ipv4: ipv4.prefault({}),
  ipv6: ipv6.optional(),
  dhcp: dhcp.prefault({}),
  mssClamp: flag().default(true),
  antiSpoofing: flag().default(true),
});

export type NetworkSection = z.output<typeof networkSchema>;

function ipv6Prefix(): z.ZodType<Ipv6Prefix> {
  return field('an IPv6 prefix as 2001:db8:1::/48', value => {
    if (typeof value !== 'string') return refuse(value);
    const prefix = parseIpv6Prefix(value);
    if (prefix !== undefined) return prefix;
    const [address = '', length = ''] = value.split('/');
    const parsed = parseIpv6(address);
    const bits = Number(length);
    if (parsed === undefined || !/^\d{1,3}$/.test(length) || bits > 128) return refuse(value);
    const host = BigInt(128 - bits);
    const network = formatIpv6Prefix({ address: (parsed >> host) << host, length: bits });
    return new Refusal(`${value} has host bits set: the network is ${network}`);
  });
}

function ipv4Network(): z.ZodType<Ipv4Network> {
  const entry = poolEntry();
  return field('a network as 10.0.0.0/8', value => {
    const parsed = typeof value === 'string' && value.includes('/') ? entry.safeParse(value) : undefined;
    if (parsed?.success !== true) return refuse(value);
    const { first, last } = parsed.data.whole;
    return { address: first, length: 32 - Math.log2(last - first + 1) };
  });
}

function domainName(): z.ZodType<string> {
  return field('a DNS name as corp.example.org', value => {
    if (typeof value !== 'string') return refuse(value);
    const name = value.toLowerCase().replace(/\.$/, '');
    const isName =
      name.length <= 253 && name.split('.').every(label => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
    return isName ? name : refuse(value);
  });
}

function atMost(count: number) {
  return (list: readonly unknown[], context: z.RefinementCtx): void => {
    if (list.length <= count) return;
    context.addIssue({
      code: 'custom',
      path: [count],
      message: `clients take no more than ${count} addresses`,
      params: { accepted: `at most ${count} addresses` },
    });
  };
}
