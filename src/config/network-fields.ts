// The kinds of address that the configuration and the users file know.
import type { z } from 'zod';
import { formatIpv4, parseIpv4 } from '../wire/ip.ts';
import { formatIpv6Prefix, type Ipv6Prefix, parseIpv6, parseIpv6Prefix } from '../wire/ipv6.ts';
import { field, refuse, Refusal } from './fields.ts';
import type { Ipv4Network } from './schema.ts';

/** Has no dot and no slash: it cannot be taken for an address. */
const POOL_NAME = /^[\w-]{1,63}$/;

export function poolName(): z.ZodType<string> {
  return field('letters, digits, - and _, at most 63', value =>
    typeof value === 'string' && POOL_NAME.test(value) ? value : refuse(value),
  );
}

export function ipv6Address(): z.ZodType<bigint> {
  return field('an IPv6 address', value => (typeof value === 'string' ? parseIpv6(value) : undefined) ?? refuse(value));
}

export function ipv6Prefix(): z.ZodType<Ipv6Prefix> {
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

export function ipv4Network(): z.ZodType<Ipv4Network> {
  return field('a network as 10.0.0.0/8', value => {
    const match = typeof value === 'string' ? /^([\d.]+)\/(\d{1,2})$/.exec(value) : null;
    const address = parseIpv4(match?.[1] ?? '');
    const length = Number(match?.[2]);
    if (address === undefined || length > 32) return refuse(value);
    const first = address - (address % 2 ** (32 - length));
    if (address === first) return { address, length };
    return new Refusal(`${match![0]} has host bits set: the network is ${formatIpv4(first)}/${length}`);
  });
}

/** An address of its own, or the name of a pool. */
export function oneOrPool<T>(accepted: string, one: z.ZodType<T>): z.ZodType<T | { readonly pool: string }> {
  return field(`${accepted}, or the name of a pool`, value => {
    if (typeof value === 'string' && POOL_NAME.test(value)) return { pool: value };
    const parsed = one.safeParse(value);
    if (parsed.success) return parsed.data;
    return new Refusal(parsed.error.issues[0]!.message);
  });
}
