// The columns that tables of sessions can have.
import type { SessionView } from '../admin/gateway-view.ts';
import { formatBitRate, formatBytes, formatDuration } from './table.ts';

export interface SessionColumn {
  readonly title: string;
  /** Numbers are easier to compare when they end in one line. */
  readonly align?: 'right';
  /** Not fit for a terminal yet: users choose their names. */
  readonly cell: (session: SessionView, now: number) => string;
}

export const COLUMNS = {
  id: { title: 'ID', cell: ({ id }) => id },
  user: { title: 'USER', cell: ({ user }) => (user === '' ? '-' : user) },
  state: { title: 'STATE', cell: ({ state }) => state },
  ipv4: { title: 'IPV4', cell: ({ ipv4 }) => ipv4 ?? '-' },
  ipv6: { title: 'IPV6', cell: ({ ipv6 }) => ipv6 ?? '-' },
  from: { title: 'FROM', cell: ({ remoteAddress }) => remoteAddress },
  for: { title: 'FOR', align: 'right', cell: (session, now) => formatDuration(age(session, now)) },
  rx: { title: 'RX', align: 'right', cell: ({ rxBytes }) => formatBytes(rxBytes) },
  tx: { title: 'TX', align: 'right', cell: ({ txBytes }) => formatBytes(txBytes) },
  rxRate: { title: 'RX RATE', align: 'right', cell: ({ rxRate }) => rate(rxRate) },
  txRate: { title: 'TX RATE', align: 'right', cell: ({ txRate }) => rate(txRate) },
  drops: { title: 'DROPS', align: 'right', cell: ({ drops }) => String(drops) },
  auth: { title: 'AUTH', cell: ({ auth }) => auth ?? '-' },
  tls: { title: 'TLS', cell: ({ tls }) => `${tls.version} ${tls.cipher}` },
  mtu: { title: 'MTU', align: 'right', cell: ({ mtu }) => String(mtu ?? '-') },
  worker: { title: 'WORKER', align: 'right', cell: ({ worker }) => String(worker) },
  node: { title: 'NODE', cell: ({ node }) => node },
} as const satisfies Readonly<Record<string, SessionColumn>>;

export type ColumnName = keyof typeof COLUMNS;

export function isColumn(name: string): name is ColumnName {
  return Object.hasOwn(COLUMNS, name);
}

/** Seconds that it has been up; of one that is not, since it connected. */
function age({ upAt, connectedAt }: SessionView, now: number): number {
  // The gateway's clock may be ahead of this one.
  return Math.max(0, now - Date.parse(upAt ?? connectedAt)) / 1000;
}

function rate(bitsPerSecond: number | null): string {
  return bitsPerSecond === null ? '-' : formatBitRate(bitsPerSecond);
}
