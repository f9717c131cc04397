import type { AccountedSession } from '../aaa/accounting.ts';
import type { AuthSession } from '../aaa/authority.ts';
import type { SessionRow } from './session-table.ts';

/** What authorities and accounting are told about a session. */
export function authSession(row: SessionRow): AuthSession {
  const { port, device, remoteAddress, remotePort, localAddress, serverName, correlationId, tls, identification } = row;
  return {
    id: row.publicId,
    port,
    device,
    remoteAddress,
    remotePort,
    localAddress,
    serverName,
    correlationId,
    tls,
    mtu: row.mtu ?? 0,
    identification,
  };
}

/** Of a session that has just come up. `upAt`: milliseconds since 1970. */
export function accountedSession(row: SessionRow, upAt: number): AccountedSession {
  const { grant, method, user } = row;
  if (grant === undefined || method === undefined) throw new Error('a session is up that nobody has accepted');
  return {
    session: authSession(row),
    user,
    method,
    authentic: grant.authentic,
    ipv4: grant.ipv4,
    interfaceId: grant.interfaceId,
    ipv6Prefix: grant.ipv6Prefix,
    delegatedPrefix: grant.delegatedPrefix,
    routes: grant.attributes.routes ?? [],
    classes: grant.attributes.classes ?? [],
    interimIntervalMs: grant.attributes.interimIntervalMs,
    upAt,
  };
}
