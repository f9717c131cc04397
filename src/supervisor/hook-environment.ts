import type { SessionTraffic } from '../worker/messages.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { formatIpv6, formatIpv6Prefix } from '../wire/ipv6.ts';
import type { SessionRow } from './session-table.ts';

/** What is known when a session has ended. */
interface HookEnding {
  readonly reason: string;
  readonly cause: string;
  /** How long it was up. */
  readonly seconds: number;
  readonly traffic: SessionTraffic;
}

const LINK_LOCAL = 0xfe80n << 112n;

/**
 * The environment of a hook: pppd's names where pppd has one, SSTP_ names for the rest. What a client or a RADIUS server chose
 * (PEERNAME, FILTER_ID) is as it came, but for the zero byte that no environment can hold.
 */
export function hookEnvironment(row: SessionRow, gateway: number, ending?: HookEnding): Record<string, string> {
  const { grant } = row;
  const text: Record<string, string | number | undefined> = {
    IFNAME: row.device,
    DEVICE: row.device,
    SPEED: 0,
    IPLOCAL: formatIpv4(gateway),
    IPREMOTE: grant?.ipv4 === undefined ? undefined : formatIpv4(grant.ipv4),
    IPPARAM: row.remoteAddress,
    LLREMOTE: grant?.interfaceId === undefined ? undefined : formatIpv6(LINK_LOCAL | grant.interfaceId),
    PEERNAME: row.user,
    PPPLOGNAME: 'root',
    LINKNAME: row.publicId,
    DNS1: dotted(grant?.attributes.dns?.[0]),
    DNS2: dotted(grant?.attributes.dns?.[1]),
    SSTP_SESSION_ID: row.publicId,
    SSTP_REMOTE_ADDRESS: row.remoteAddress,
    SSTP_REMOTE_PORT: row.remotePort,
    SSTP_SERVER_NAME: row.serverName,
    SSTP_AUTH: row.method,
    SSTP_MTU: row.mtu,
    SSTP_IPV6_PREFIX: prefix(grant?.ipv6Prefix),
    SSTP_DELEGATED_PREFIX: prefix(grant?.delegatedPrefix),
    SSTP_ROUTES: grant?.routes.join(' '),
    SSTP_FILTER_ID: grant?.attributes.filterId,
    SSTP_RATE_UP: grant?.attributes.rate?.up,
    SSTP_RATE_DOWN: grant?.attributes.rate?.down,
    CONNECT_TIME: ending && Math.round(ending.seconds),
    BYTES_RCVD: ending?.traffic.rxBytes,
    BYTES_SENT: ending?.traffic.txBytes,
    SSTP_END_REASON: ending?.reason,
    SSTP_END_CAUSE: ending?.cause,
  };
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(text)) {
    if (value !== undefined) environment[name] = String(value).replaceAll('\0', '');
  }
  return environment;
}

function dotted(address: number | undefined): string | undefined {
  return address === undefined ? undefined : formatIpv4(address);
}

function prefix(value: Parameters<typeof formatIpv6Prefix>[0] | undefined): string | undefined {
  return value === undefined ? undefined : formatIpv6Prefix(value);
}
