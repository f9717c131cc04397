// The `network` section of the configuration file.
import { z } from 'zod';
import { poolEntry } from './address-pool.ts';
import { field, flag, integer, ipv4Address, oneOf, Refusal, refuse } from './fields.ts';
import { ipv4Network, ipv6Address, ipv6Prefix, poolName } from './network-fields.ts';

/** RFC 1877 has a primary and a secondary server, no third. */
const MAX_NAME_SERVERS = 2;
/** RFC 8106 has room for more, but clients take the first three. */
const MAX_NAME_SERVERS_IPV6 = 3;

const ipv4 = z.strictObject({
  pool: z.array(poolEntry()).min(1).prefault(['10.66.0.0/16']),
  pools: z
    .record(poolName(), z.strictObject({ ranges: z.array(poolEntry()).min(1), next: poolName().optional() }))
    .default({}),
  next: poolName().optional(),
  exclude: z.array(poolEntry()).default([]),
  gateway: ipv4Address().optional(),
  dns: z.array(ipv4Address()).default([]).superRefine(atMost(MAX_NAME_SERVERS)),
  nbns: z.array(ipv4Address()).default([]).superRefine(atMost(MAX_NAME_SERVERS)),
});

const prefixPools = z
  .record(poolName(), z.strictObject({ prefixes: z.array(ipv6Prefix()).min(1), next: poolName().optional() }))
  .default({});

const ipv6 = z.strictObject({
  pool: z.array(ipv6Prefix()).default([]),
  pools: prefixPools,
  // Clients make their address of a prefix of 64 bits and of nothing else (RFC 4862 5.5.3).
  prefixLength: field<64>('64', value =>
    value === 64 ? value : new Refusal('clients make an address of 64 bits of prefix only'),
  ).default(64),
  gateway: ipv6Address().optional(),
  dns: z.array(ipv6Address()).default([]).superRefine(atMost(MAX_NAME_SERVERS_IPV6)),
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
