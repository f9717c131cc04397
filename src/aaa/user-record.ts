// What a users file says about a user.
import { z } from 'zod';
import { checkSource, problemAt } from '../config/check.ts';
import { ConfigError, type Problem } from '../config/config-error.ts';
import type { KeyPath, YamlSource } from '../config/yaml-source.ts';
import { ntPasswordHash } from '../crypto/ms-chap-v2.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { formatIpv6Prefix, isInIpv6Prefix, type Ipv6Prefix } from '../wire/ipv6.ts';
import type { SessionAttributes, SessionRoute } from './session-attributes.ts';
import { entryAttributes, entrySchema } from './user-schema.ts';

export interface UserRecord {
  readonly name: string;
  /** Where the file speaks of the user. */
  readonly line: number;
  /** 16 bytes. As good as the password for MS-CHAPv2: a secret. */
  readonly ntHash: Uint8Array;
  /** Undefined when the file holds the hash only. CHAP-MD5 cannot do without it. */
  readonly password: string | undefined;
  readonly disabled: boolean;
  readonly attributes: SessionAttributes;
}

const usersSchema = z.array(entrySchema);

/** @throws ConfigError with every problem of the file, each with its line, none with a secret. */
export function readUsers(source: YamlSource): UserRecord[] {
  const entries = checkSource(source, usersSchema, []);
  const problems: Problem[] = [];
  const names = new Map<string, number>();
  const records = entries.map((entry, index): UserRecord => {
    const { name, password, ntHash, disabled } = entry;
    const line = source.lineOf([index]);
    const refuse = (key: string, message: string) => problems.push(problemAt(source, [index, key], message));
    const namesake = names.get(name);
    if (namesake !== undefined) refuse('name', `there is a user "${name}" on line ${namesake} already`);
    else names.set(name, line);
    if (password === undefined && ntHash === undefined) {
      problems.push(problemAt(source, [index], `user "${name}" has no password`, 'password or ntHash'));
    } else if (password !== undefined && ntHash !== undefined) {
      refuse('ntHash', `user "${name}" has both password and ntHash`);
    }
    const hash = ntHash ?? ntPasswordHash(password ?? '');
    return { name, line, ntHash: hash, password, disabled, attributes: entryAttributes(entry) };
  });
  problems.push(...sharedAddresses(records, source), ...sharedPrefixes(records, source));
  if (problems.length > 0) throw new ConfigError(source.file, problems);
  return records;
}

/** Addresses and routes of which two users believe that they are theirs. */
function sharedAddresses(records: readonly UserRecord[], source: YamlSource): Problem[] {
  const owners = new Map<string, UserRecord>();
  return records.flatMap((record, index) => {
    const { ipv4, routes = [] } = record.attributes;
    const claims: [KeyPath, string][] = routes.map((route, place) => [['routes', place], formatRoute(route)]);
    if (ipv4?.kind === 'fixed') claims.push([['ipv4'], formatIpv4(ipv4.address)]);
    return claims.flatMap(([path, claim]) => {
      const owner = owners.get(claim);
      if (owner === undefined) owners.set(claim, record);
      return owner === undefined ? [] : [belongs(source, [index, ...path], claim, owner)];
    });
  });
}

/** Prefixes that meet, of links and of delegation alike. */
function sharedPrefixes(records: readonly UserRecord[], source: YamlSource): Problem[] {
  const claims = records
    .flatMap(({ attributes: { ipv6Prefix, delegatedPrefix } }, index) => [
      { path: [index, 'ipv6'], index, assignment: ipv6Prefix },
      { path: [index, 'delegatedIpv6'], index, assignment: delegatedPrefix },
    ])
    .flatMap(({ assignment, ...claim }) =>
      assignment?.kind === 'fixed' ? [{ ...claim, prefix: assignment.prefix }] : [],
    )
    .toSorted((a, b) => comparePrefixes(a.prefix, b.prefix) || a.index - b.index);
  const problems: Problem[] = [];
  // In this order a prefix comes right behind the one that holds it, or behind others that do.
  let [holder] = claims;
  for (const claim of claims.slice(1)) {
    if (!isInIpv6Prefix(claim.prefix.address, holder!.prefix)) {
      holder = claim;
      continue;
    }
    const [later, earlier] = claim.index < holder!.index ? [holder!, claim] : [claim, holder!];
    problems.push(belongs(source, later.path, formatIpv6Prefix(later.prefix), records[earlier.index]!));
  }
  return problems;
}

function belongs(source: YamlSource, path: KeyPath, what: string, owner: UserRecord): Problem {
  return problemAt(source, path, `${what} belongs to the user on line ${owner.line} already`);
}

function comparePrefixes(a: Ipv6Prefix, b: Ipv6Prefix): number {
  if (a.address !== b.address) return a.address < b.address ? -1 : 1;
  return a.length - b.length;
}

function formatRoute(route: SessionRoute): string {
  return route.family === 4 ? `${formatIpv4(route.address)}/${route.length}` : formatIpv6Prefix(route.prefix);
}
