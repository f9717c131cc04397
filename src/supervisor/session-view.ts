import type { SessionView } from '../admin/gateway-view.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { formatIpv6Prefix } from '../wire/ipv6.ts';
import type { SessionTraffic } from '../worker/messages.ts';
import type { SessionRow } from './session-table.ts';

/** A row of the session table as it is shown. */
export function sessionView(row: SessionRow, traffic: SessionTraffic, node: string): SessionView {
  const { grant } = row;
  const rates = row.meter.latest;
  return {
    id: row.publicId,
    user: row.user,
    remoteAddress: hostPort(row.remoteAddress, row.remotePort),
    worker: row.worker,
    node,
    state: row.state,
    auth: row.method ?? null,
    tls: row.tls,
    ipv4: grant?.ipv4 === undefined ? null : formatIpv4(grant.ipv4),
    ipv6: grant?.ipv6Prefix === undefined ? null : formatIpv6Prefix(grant.ipv6Prefix),
    mtu: row.mtu ?? null,
    connectedAt: new Date(row.connectedAt).toISOString(),
    upAt: row.upAt === undefined ? null : new Date(row.upAt).toISOString(),
    ...traffic,
    rxRate: rates?.rxBps ?? null,
    txRate: rates?.txBps ?? null,
  };
}

/** `host:port`, an IPv6 host in brackets. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
