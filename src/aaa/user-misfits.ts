import { type Config, DEFAULT_POOL } from '../config/schema.ts';
import { formatIpv4 } from '../wire/ip.ts';
import type { UserRecord } from './user-record.ts';

/** What of a user's attributes the network cannot give, each as the rest of a sentence that begins with the user. */
export function misfits({ attributes }: UserRecord, { ipv4, ipv6 }: Config['network']): string[] {
  const { ipv4: address, ipv6Prefix, delegatedPrefix } = attributes;
  const found: string[] = [];
  if (address?.kind === 'fixed' && address.address === ipv4.gateway)
    found.push(`has the gateway's own address ${formatIpv4(ipv4.gateway)}`);
  for (const [assignment, pools, section] of [
    [address, ipv4.pools, 'network.ipv4.pools'],
    [ipv6Prefix, ipv6?.link.pools, 'network.ipv6.pools'],
    [delegatedPrefix, ipv6?.delegated.pools, 'network.ipv6.delegation.pools'],
  ] as const) {
    if (assignment?.kind !== 'pool') continue;
    if (assignment.name !== DEFAULT_POOL && !(pools ?? []).some(pool => pool.name === assignment.name))
      found.push(`is to have an address of pool "${assignment.name}", which is not in ${section}`);
  }
  if (ipv6 === undefined && (ipv6Prefix ?? delegatedPrefix) !== undefined)
    found.push('is to have an IPv6 prefix, but there is no section network.ipv6');
  return found;
}
