// From the `network` section to pools whose addresses may all be leased.
import { formatIpv4 } from '../wire/ip.ts';
import { formatIpv6, formatIpv6Prefix, isInIpv6Prefix, type Ipv6Prefix } from '../wire/ipv6.ts';
import { contains, isUnicast, leasableRanges, overlap, type PoolEntry } from './address-pool.ts';
import type { Findings } from './findings.ts';
import type { NetworkSection } from './network-schema.ts';
import { type Config, DEFAULT_POOL, type Ipv6Config, type PrefixPools } from './schema.ts';
import { formatPath, type KeyPath } from './yaml-source.ts';

export function checkNetwork(section: NetworkSection, findings: Findings): Config['network'] {
  const { mode, device, dhcp, mssClamp, antiSpoofing } = section;
  return {
    mode,
    device,
    ipv4: checkIpv4(section.ipv4, findings),
    ipv6: section.ipv6 && checkIpv6(section.ipv6, findings),
    dhcp: { ...dhcp, domain: dhcp.domain },
    mssClamp,
    antiSpoofing,
  };
}

function checkIpv4(ipv4: NetworkSection['ipv4'], findings: Findings): Config['network']['ipv4'] {
  const path = ['network', 'ipv4'];
  const named = Object.entries(ipv4.pools);
  const placed = [
    ...ipv4.pool.map((entry, index) => ({ entry, path: [...path, 'pool', index] })),
    ...named.flatMap(([name, { ranges }]) =>
      ranges.map((entry, index) => ({ entry, path: [...path, 'pools', name, 'ranges', index] })),
    ),
  ];
  placed.forEach(({ entry, path: at }, index) => {
    const other = placed.slice(0, index).find(before => overlap(before.entry.whole, entry.whole));
    if (other !== undefined) findings.error(at, `${entry.text} overlaps ${other.entry.text}`);
  });
  checkChain(ipv4.next, ipv4.pools, path, findings);
  const gateway = ipv4.gateway ?? ipv4.pool[0]?.leasable.first ?? 0;
  checkGateway(
    gateway,
    placed.map(({ entry }) => entry),
    [...path, 'gateway'],
    findings,
  );
  const excluded = ipv4.exclude.map(entry => entry.whole);
  const pool = leasableRanges(ipv4.pool, gateway, excluded);
  if (pool.length === 0) findings.error([...path, 'pool'], 'holds no address for a client beside the gateway');
  const pools = named.map(([name, { ranges: entries, next }]) => {
    const ranges = leasableRanges(entries, gateway, excluded);
    if (ranges.length === 0) findings.error([...path, 'pools', name], 'holds no address for a client');
    return { name, ranges, next };
  });
  return { pool, pools, next: ipv4.next, gateway, dns: ipv4.dns, nbns: ipv4.nbns };
}

function checkGateway(gateway: number, entries: readonly PoolEntry[], path: KeyPath, findings: Findings): void {
  const inNetwork = entries.find(entry => contains(entry.whole, gateway));
  if (!isUnicast({ first: gateway, last: gateway })) {
    findings.error(path, `${formatIpv4(gateway)} is not an address that a host can have`);
  } else if (inNetwork !== undefined && !contains(inNetwork.leasable, gateway)) {
    findings.error(path, `${formatIpv4(gateway)} is the network or broadcast address of ${inNetwork.text}`);
  }
}

interface Chained {
  readonly next?: string | undefined;
}

/** Every `next` names a pool, and following them comes to an end. */
function checkChain(
  first: string | undefined,
  named: Readonly<Record<string, Chained>>,
  path: KeyPath,
  findings: Findings,
): void {
  if (Object.hasOwn(named, DEFAULT_POOL))
    findings.error([...path, 'pools', DEFAULT_POOL], `the pool of this name is ${formatPath([...path, 'pool'])}`);
  const nexts = new Map([
    [DEFAULT_POOL, first],
    ...Object.entries(named).map(([name, { next }]) => [name, next] as const),
  ]);
  for (const [name, next] of nexts) {
    if (next === undefined) continue;
    const at = name === DEFAULT_POOL ? [...path, 'next'] : [...path, 'pools', name, 'next'];
    if (!nexts.has(next)) findings.error(at, `there is no pool "${next}"`, [...nexts.keys()].join(', '));
    else if (leadsTo(next, name, nexts)) findings.error(at, `leads back to "${name}" itself`);
  }
}

function leadsTo(from: string, to: string, nexts: ReadonlyMap<string, string | undefined>): boolean {
  const seen = new Set<string>();
  for (let at: string | undefined = from; at !== undefined && !seen.has(at); at = nexts.get(at)) {
    if (at === to) return true;
    seen.add(at);
  }
  return false;
}

function checkIpv6(ipv6: NonNullable<NetworkSection['ipv6']>, findings: Findings): Ipv6Config {
  const path = ['network', 'ipv6'];
  const link = checkPrefixes(ipv6.pool, ipv6.pools, ipv6.prefixLength, path, findings);
  const delegationPath = [...path, 'delegation'];
  const { delegation } = ipv6;
  const delegated = checkPrefixes(delegation.pool, delegation.pools, delegation.prefixLength, delegationPath, findings);
  const all = [...allPrefixes(link), ...allPrefixes(delegated)];
  all.forEach((prefix, index) => {
    const other = all.slice(0, index).find(before => prefixesMeet(before, prefix));
    if (other !== undefined) findings.error(path, `${formatIpv6Prefix(prefix)} overlaps ${formatIpv6Prefix(other)}`);
  });
  const inPool = ipv6.gateway === undefined ? undefined : all.find(prefix => isInIpv6Prefix(ipv6.gateway!, prefix));
  if (inPool !== undefined) {
    const message = `${formatIpv6(ipv6.gateway!)} lies in ${formatIpv6Prefix(inPool)}, which is for clients`;
    findings.error([...path, 'gateway'], message, 'an address outside the pools');
  }
  return { link, delegated, gateway: ipv6.gateway, dns: ipv6.dns };
}

function checkPrefixes(
  pool: readonly Ipv6Prefix[],
  pools: Readonly<Record<string, { readonly prefixes: readonly Ipv6Prefix[]; readonly next?: string | undefined }>>,
  prefixLength: number,
  path: KeyPath,
  findings: Findings,
): PrefixPools {
  checkChain(undefined, pools, path, findings);
  const tooShort = (prefixes: readonly Ipv6Prefix[], at: KeyPath): void => {
    prefixes.forEach((prefix, index) => {
      if (prefix.length > prefixLength)
        findings.error([...at, index], `${formatIpv6Prefix(prefix)} is smaller than a /${prefixLength}`);
    });
  };
  tooShort(pool, [...path, 'pool']);
  for (const [name, { prefixes }] of Object.entries(pools)) tooShort(prefixes, [...path, 'pools', name, 'prefixes']);
  return {
    prefixLength,
    pool,
    pools: Object.entries(pools).map(([name, { prefixes, next }]) => ({ name, prefixes, next })),
  };
}

function allPrefixes({ pool, pools }: PrefixPools): Ipv6Prefix[] {
  return [...pool, ...pools.flatMap(({ prefixes }) => prefixes)];
}

function prefixesMeet(a: Ipv6Prefix, b: Ipv6Prefix): boolean {
  return a.length < b.length ? isInIpv6Prefix(b.address, a) : isInIpv6Prefix(a.address, b);
}
