// What a users file says about a user.
import { z } from 'zod';
import { isUnicast } from '../config/address-pool.ts';
import { checkSource, problemAt } from '../config/check.ts';
import { ConfigError, type Problem } from '../config/config-error.ts';
import { field, flag, integer, ipv4Address, quotedText, refuse, Refusal, unavailable } from '../config/fields.ts';
import type { YamlSource } from '../config/yaml-source.ts';
import { ntPasswordHash } from '../crypto/ms-chap-v2.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { parseMikrotikRate } from './rate-limit.ts';
import type { RateLimit } from './session-attributes.ts';

export interface UserRecord {
  readonly name: string;
  /** 16 bytes. As good as the password for MS-CHAPv2: a secret. */
  readonly ntHash: Uint8Array;
  /** Undefined when the file holds the hash only. CHAP-MD5 cannot do without it. */
  readonly password: string | undefined;
  /** The address that this user always gets, and nobody else. */
  readonly ipv4: number | undefined;
  /** Infinity when the file sets no limit. */
  readonly maxSessions: number;
  readonly rate: RateLimit | undefined;
  readonly disabled: boolean;
}

/** RFC 2759 4: a password has at most 256 characters. */
const MAX_PASSWORD_LENGTH = 256;
/** RFC 1334 has one byte for the length of a name; so has everything that came after it. */
const MAX_NAME_BYTES = 255;

const entrySchema = z.strictObject({
  name: quotedText('a name').superRefine((name, context) => refuseText(userNameProblem(name), context)),
  password: quotedText('a password')
    .superRefine((password, context) => refuseText(passwordProblem(password), context))
    .optional(),
  ntHash: ntHash().optional(),
  ipv4: ipv4Address().optional(),
  maxSessions: integer(1, 1_000_000).optional(),
  disabled: flag().default(false),
  rate: rateLimit().optional(),
  ipv6: unavailable('IPv6').optional(),
});

const usersSchema = z.array(entrySchema);

/** @throws ConfigError with every problem of the file, each with its line, none with a secret. */
export function readUsers(source: YamlSource): UserRecord[] {
  const entries = checkSource(source, usersSchema, []);
  const problems: Problem[] = [];
  const names = new Map<string, number>();
  const addresses = new Map<number, number>();
  const records = entries.map((entry, index): UserRecord => {
    const { name, password, ipv4 } = entry;
    const refuse = (key: string, message: string) => problems.push(problemAt(source, [index, key], message));
    if (names.has(name)) refuse('name', `there is a user "${name}" on line ${lineOf(source, names.get(name))} already`);
    else names.set(name, index);
    if (password === undefined && entry.ntHash === undefined) {
      problems.push(problemAt(source, [index], `user "${name}" has no password`, 'password or ntHash'));
    } else if (password !== undefined && entry.ntHash !== undefined) {
      refuse('ntHash', `user "${name}" has both password and ntHash`);
    }
    if (ipv4 !== undefined) {
      if (!isUnicast({ first: ipv4, last: ipv4 }))
        refuse('ipv4', `${formatIpv4(ipv4)} is not an address that a host can have`);
      const owner = addresses.get(ipv4);
      if (owner === undefined) addresses.set(ipv4, index);
      else refuse('ipv4', `${formatIpv4(ipv4)} belongs to the user on line ${lineOf(source, owner)} already`);
    }
    return {
      name,
      ntHash: entry.ntHash ?? ntPasswordHash(password ?? ''),
      password,
      ipv4,
      maxSessions: entry.maxSessions ?? Infinity,
      rate: entry.rate,
      disabled: entry.disabled,
    };
  });
  if (problems.length > 0) throw new ConfigError(source.file, problems);
  return records;
}

/** Why this cannot be the name of a user; undefined when it can. */
function userNameProblem(name: string): string | undefined {
  if (name === '') return 'a name must not be empty';
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `a name has at most ${MAX_NAME_BYTES} bytes`;
  return hasControlCharacter(name) ? 'a name has no control characters' : undefined;
}

/** Why this cannot be a password; undefined when it can. Never quotes it. */
export function passwordProblem(password: string): string | undefined {
  if (password === '') return 'a password must not be empty';
  return password.length > MAX_PASSWORD_LENGTH ? `a password has at most ${MAX_PASSWORD_LENGTH} characters` : undefined;
}

function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text);
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
  return field('upload and download of the client in bit/s, such as 2M/10M', value => {
    const rate = typeof value === 'string' || typeof value === 'number' ? parseMikrotikRate(String(value)) : undefined;
    return rate ?? refuse(value);
  });
}

function refuseText(problem: string | undefined, context: z.RefinementCtx): void {
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
}

function lineOf(source: YamlSource, index: number | undefined): number {
  return source.lineOf([index ?? 0]);
}
