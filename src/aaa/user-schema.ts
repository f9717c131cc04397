// One entry of a users file: every key, its kind and its bounds.
import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { isUnicast } from '../config/address-pool.ts';
import { duration, field, flag, integer, ipv4Address, quotedText, refuse, Refusal } from '../config/fields.ts';
import { ipv4Network, ipv6Address, ipv6Prefix, oneOrPool } from '../config/network-fields.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { formatIpv6Prefix, type Ipv6Prefix } from '../wire/ipv6.ts';
import { parseMikrotikRate } from './rate-limit.ts';
import type {
  Ipv4Assignment,
  PrefixAssignment,
  RateLimit,
  SessionAttributes,
  SessionRoute,
} from './session-attributes.ts';

/** RFC 2759 4: a password has at most 256 characters. */
const MAX_PASSWORD_LENGTH = 256;
/** RFC 1334 has one byte for the length of a name; so has everything that came after it. */
const MAX_NAME_BYTES = 255;
/** Clients make their address of a prefix of 64 bits and of nothing else (RFC 4862 5.5.3). */
const LINK_PREFIX_LENGTH = 64;
const LONGEST_TIMEOUT = '8760h';

export const entrySchema = z.strictObject({
  name: quotedText('a name').superRefine((name, context) => refuseText(userNameProblem(name), context)),
  password: quotedText('a password')
    .superRefine((password, context) => refuseText(passwordProblem(password), context))
    .optional(),
  ntHash: ntHash().optional(),
  disabled: flag().default(false),
  maxSessions: integer(1, 1_000_000).optional(),
  rate: rateLimit().optional(),
  ipv4: oneOrPool('an IPv4 address', hostAddress()).optional(),
  ipv6: oneOrPool('an IPv6 prefix as 2001:db8:1:2::/64', linkPrefix()).optional(),
  delegatedIpv6: oneOrPool('an IPv6 prefix as 2001:db8:1:200::/56', delegatedPrefix()).optional(),
  interfaceId: interfaceId().optional(),
  routes: z.array(route()).optional(),
  dns: z.array(nameServer()).optional(),
  mtu: integer(576, 1500).optional(),
  sessionTimeout: duration('1s', LONGEST_TIMEOUT).optional(),
  idleTimeout: duration('1s', LONGEST_TIMEOUT).optional(),
});

export type UserEntry = z.output<typeof entrySchema>;

/** What the entry says about sessions. */
export function entryAttributes(entry: UserEntry): SessionAttributes {
  const { ipv4, ipv6, delegatedIpv6, interfaceId, routes, dns, mtu, maxSessions, rate } = entry;
  return {
    ipv4: ipv4 === undefined ? undefined : addressAssignment(ipv4),
    ipv6Prefix: ipv6 === undefined ? undefined : prefixAssignment(ipv6),
    delegatedPrefix: delegatedIpv6 === undefined ? undefined : prefixAssignment(delegatedIpv6),
    interfaceId,
    routes,
    dns: dns?.filter(server => typeof server === 'number'),
    dns6: dns?.filter(server => typeof server === 'bigint'),
    mtu,
    sessionTimeoutMs: entry.sessionTimeout,
    idleTimeoutMs: entry.idleTimeout,
    maxSessions,
    rate,
  };
}

/** Why this cannot be a password; undefined when it can. Never quotes it. */
export function passwordProblem(password: string): string | undefined {
  if (password === '') return 'a password must not be empty';
  return password.length > MAX_PASSWORD_LENGTH ? `a password has at most ${MAX_PASSWORD_LENGTH} characters` : undefined;
}

function addressAssignment(value: number | { readonly pool: string }): Ipv4Assignment {
  return typeof value === 'number' ? { kind: 'fixed', address: value } : { kind: 'pool', name: value.pool };
}

function prefixAssignment(value: Ipv6Prefix | { readonly pool: string }): PrefixAssignment {
  return 'pool' in value ? { kind: 'pool', name: value.pool } : { kind: 'fixed', prefix: value };
}

/** Why this cannot be the name of a user; undefined when it can. */
function userNameProblem(name: string): string | undefined {
  if (name === '') return 'a name must not be empty';
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `a name has at most ${MAX_NAME_BYTES} bytes`;
  return /\p{Cc}/u.test(name) ? 'a name has no control characters' : undefined;
}

function refuseText(problem: string | undefined, context: z.RefinementCtx): void {
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
}

function ntHash(): z.ZodType<Uint8Array> {
  return field('32 hexadecimal digits, quoted (sstp-gateway user passwd NAME writes them)', value => {
    if (value === null || value === undefined) return refuse(value);
    // Not quoted back: it is a secret also when it is mistyped.
    if (typeof value !== 'string' || !/^[0-9a-f]{32}$/i.test(value)) return new Refusal('is not an NT hash');
    return Uint8Array.from(Buffer.from(value, 'hex'));
  });
}

function rateLimit(): z.ZodType<RateLimit> {
  const accepted = 'upload and download of the client in bit/s, such as 2M/10M, or { up: 2M, down: 10M }';
  return field(accepted, value => {
    if (typeof value === 'string' || typeof value === 'number') return parseMikrotikRate(`${value}`) ?? refuse(value);
    const sides = z.strictObject({ up: oneRate().default('0'), down: oneRate().default('0') }).safeParse(value);
    if (!sides.success) return refuse(value);
    return parseMikrotikRate(`${sides.data.up}/${sides.data.down}`) ?? refuse(value);
  });
}

function oneRate() {
  return z.union([z.string().regex(/^\d+[kmg]?$/i), z.int().nonnegative().transform(String)]);
}

function hostAddress(): z.ZodType<number> {
  return ipv4Address().transform((address, context) => {
    if (isUnicast({ first: address, last: address })) return address;
    context.addIssue({ code: 'custom', message: `${formatIpv4(address)} is not an address that a host can have` });
    return z.NEVER;
  });
}

function linkPrefix(): z.ZodType<Ipv6Prefix> {
  return ipv6Prefix().superRefine((prefix, context) => {
    if (prefix.length === LINK_PREFIX_LENGTH) return;
    const message = `${formatIpv6Prefix(prefix)} is not a /64, and clients make an address of nothing else`;
    context.addIssue({ code: 'custom', message });
  });
}

function delegatedPrefix(): z.ZodType<Ipv6Prefix> {
  return ipv6Prefix().superRefine((prefix, context) => {
    if (prefix.length <= LINK_PREFIX_LENGTH) return;
    context.addIssue({ code: 'custom', message: `${formatIpv6Prefix(prefix)} is smaller than a /64` });
  });
}

/** As RADIUS servers write Framed-Interface-Id. */
function interfaceId(): z.ZodType<bigint> {
  return field('four groups of hexadecimal digits as 0:0:0:5, not all zero', value => {
    if (typeof value !== 'string' || !/^(?:[0-9a-f]{1,4}:){3}[0-9a-f]{1,4}$/i.test(value)) return refuse(value);
    const id = value.split(':').reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
    return id === 0n ? refuse(value) : id;
  });
}

function route(): z.ZodType<SessionRoute> {
  const [ipv4, ipv6] = [ipv4Network(), ipv6Prefix()];
  return field('a network behind the client as 192.168.7.0/24 or 2001:db8:7::/48', value => {
    if (typeof value !== 'string') return refuse(value);
    if (value.endsWith('/0')) return new Refusal(`${value} would take every packet that the gateway sends`);
    if (isIPv6(value.split('/')[0] ?? '')) {
      const parsed = ipv6.safeParse(value);
      if (!parsed.success) return new Refusal(parsed.error.issues[0]!.message);
      return { family: 6, prefix: parsed.data, metric: undefined };
    }
    const parsed = ipv4.safeParse(value);
    if (!parsed.success) return new Refusal(parsed.error.issues[0]!.message);
    return { family: 4, ...parsed.data, metric: undefined };
  });
}

function nameServer(): z.ZodType<number | bigint> {
  const [ipv4, ipv6] = [ipv4Address(), ipv6Address()];
  return field('an IPv4 or IPv6 address', value => {
    const parsed = (typeof value === 'string' && isIPv6(value) ? ipv6 : ipv4).safeParse(value);
    return parsed.success ? parsed.data : refuse(value);
  });
}
