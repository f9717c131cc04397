/** What the log says about sessions. Undefined facts are left out of a line. */
import { formatRate } from '../aaa/rate-limit.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { formatIpv6Prefix } from '../wire/ipv6.ts';
import { printable } from '../wire/text.ts';
import type { Grant } from './grant.ts';
import type { SessionRow } from './session-table.ts';

/** Longer ones are nobody's name. */
const NAME_LIMIT = 256;
const CLASS_LIMIT = 64;

/** By what the lines of one session are found, here and in the client's own log (SSTPCORRELATIONID). */
export function sessionKeys({ publicId, correlationId }: Pick<SessionRow, 'publicId' | 'correlationId'>) {
  return { session: publicId, correlationId };
}

/** Who the client is, as far as it has said. */
export function clientFacts(row: SessionRow) {
  return {
    ...sessionKeys(row),
    user: userText(row.user),
    remoteAddress: row.remoteAddress,
    remotePort: row.remotePort,
  };
}

/** All that accounting is told of a session that is or was up. */
export function sessionFacts(row: SessionRow) {
  return {
    ...clientFacts(row),
    localAddress: row.localAddress,
    serverName: row.serverName && printable(row.serverName, NAME_LIMIT),
    worker: row.worker,
    auth: row.method,
    tls: row.tls,
    mtu: row.mtu,
    identification:
      row.identification.length === 0 ? undefined : row.identification.map(text => printable(text, NAME_LIMIT)),
    ...(row.grant === undefined ? {} : grantFacts(row.grant)),
  };
}

/** A name as a peer has sent it, fit for a log. */
export function userText(user: string): string {
  return printable(user, NAME_LIMIT);
}

function grantFacts({ attributes, authentic, ipv4, interfaceId, ipv6Prefix, delegatedPrefix, leases, routes }: Grant) {
  const { rate, filterId, classes, sessionTimeoutMs, idleTimeoutMs } = attributes;
  return {
    authentic,
    ipv4: formatIpv4(ipv4),
    pool: leases.pool,
    ipv6: ipv6Prefix && formatIpv6Prefix(ipv6Prefix),
    interfaceId: interfaceId?.toString(16).padStart(16, '0'),
    delegatedPrefix: delegatedPrefix && formatIpv6Prefix(delegatedPrefix),
    routes: attributes.routes === undefined ? undefined : routes,
    rate: rate && formatRate(rate),
    filterId: filterId && printable(filterId, NAME_LIMIT),
    classes: classes?.map(classText),
    sessionTimeout: sessionTimeoutMs === undefined ? undefined : sessionTimeoutMs / 1000,
    idleTimeout: idleTimeoutMs === undefined ? undefined : idleTimeoutMs / 1000,
  };
}

/** Class is of the server's own making (RFC 2865 5.25): text where it is text, else hexadecimal. */
function classText(value: Uint8Array): string {
  const text = new TextDecoder().decode(value);
  return /^[\x20-\x7e]+$/.test(text) ? printable(text, CLASS_LIMIT) : `0x${Buffer.from(value).toString('hex')}`;
}
