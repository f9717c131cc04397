import type { SessionView } from '../admin/gateway-view.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { formatIpv6Prefix } from '../wire/ipv6.ts';
import type { SessionTraffic } from '../worker/messages.ts';
import type { Grant } from './grant.ts';
import type { SessionRow } from './session-table.ts';

/** What is written out for people, and seldom changes. */
interface Texts {
  /** Of these they were made. */
  readonly grant: Grant | undefined;
  readonly upAt: number | undefined;
  readonly shown: Pick<SessionView, 'remoteAddress' | 'ipv4' | 'ipv6' | 'connectedAt' | 'upAt'>;
}

/** Whoever lists ten thousand sessions each second would have them formatted each second: nine tenths of the work of a list. */
const texts = new WeakMap<SessionRow, Texts>();

/** A row of the session table as it is shown. */
export function sessionView(row: SessionRow, traffic: SessionTraffic, node: string): SessionView {
  const { ipv4, ipv6, remoteAddress, connectedAt, upAt } = shownTexts(row);
  const rates = row.meter.latest;
  return {
    id: row.publicId,
    user: row.user,
    remoteAddress,
    worker: row.worker,
    node,
    state: row.state,
    auth: row.method ?? null,
    tls: row.tls,
    ipv4,
    ipv6,
    mtu: row.mtu ?? null,
    connectedAt,
    upAt,
    ...traffic,
    rxRate: rates?.rxBps ?? null,
    txRate: rates?.txBps ?? null,
  };
}

function shownTexts(row: SessionRow): Texts['shown'] {
  const { grant, upAt } = row;
  const known = texts.get(row);
  if (known !== undefined && known.grant === grant && known.upAt === upAt) return known.shown;
  const shown = {
    remoteAddress: hostPort(row.remoteAddress, row.remotePort),
    ipv4: grant?.ipv4 === undefined ? null : formatIpv4(grant.ipv4),
    ipv6: grant?.ipv6Prefix === undefined ? null : formatIpv6Prefix(grant.ipv6Prefix),
    connectedAt: new Date(row.connectedAt).toISOString(),
    upAt: upAt === undefined ? null : new Date(upAt).toISOString(),
  };
  texts.set(row, { grant, upAt, shown });
  return shown;
}

/** `host:port`, an IPv6 host in brackets. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
