// What the overview's bars say: a name, a number, and how much that is of the whole.
import type { SessionView } from '../admin/schema/session.ts';
import type { StatusView } from '../admin/schema/status.ts';
import { formatBitRate, formatCount, formatPercent } from './format.ts';
import { sessionHash } from './route.ts';

export interface Meter {
  readonly key: string;
  readonly name: string;
  readonly value: string;
  /** 0 to 1: of the whole, or of the largest. */
  readonly share: number;
  /** Where the name leads to. */
  readonly href?: string;
  readonly note?: string;
  readonly isCritical?: boolean;
}

/** A pool that is fuller than this will soon refuse somebody. */
const NEARLY_FULL = 0.9;

export function talkerMeters(sessions: readonly SessionView[], by: 'rxRate' | 'txRate'): Meter[] {
  const talking = sessions.filter(session => (session[by] ?? 0) > 0);
  const most = talking[0]?.[by] ?? 1;
  return talking.map(session => ({
    key: session.id,
    name: session.user,
    note: session.ipv4 ?? session.ipv6 ?? '',
    value: formatBitRate(session[by]),
    share: (session[by] ?? 0) / most,
    href: sessionHash(session.id),
  }));
}

/** Connections that were no calls, calls that were aborted, people who were not let in: the most frequent reasons first. */
export function refusalMeters({ refusals, aborts, auth }: StatusView['counters']): Meter[] {
  const counts = [
    ...Object.entries(refusals).map(([reason, count]) => ({ reason, note: 'connection', count })),
    ...Object.entries(aborts).map(([reason, count]) => ({ reason, note: 'call', count })),
    ...Object.entries(auth).flatMap(([method, results]) =>
      Object.entries(results)
        .filter(([result]) => result !== 'accepted')
        .map(([reason, count]) => ({ reason, note: `authentication, ${method}`, count })),
    ),
  ].filter(({ count }) => count > 0);
  const most = Math.max(1, ...counts.map(({ count }) => count));
  return counts
    .toSorted((a, b) => b.count - a.count)
    .map(({ reason, note, count }) => ({
      key: `${note} ${reason}`,
      name: reason,
      note,
      value: formatCount(count),
      share: count / most,
    }));
}

/** Without those that have nothing to give: a network without IPv6 has them too. */
export function poolMeters({ pools }: Pick<StatusView, 'pools'>): Meter[] {
  return pools
    .filter(({ size }) => size > 0)
    .map(({ name, family, size, leased }) => ({
      key: `${family} ${name}`,
      name,
      note: `${FAMILIES[family]}, ${formatCount(leased)} of ${formatCount(size)}`,
      value: formatPercent(leased / size),
      share: leased / size,
      isCritical: leased / size > NEARLY_FULL,
    }));
}

const FAMILIES = {
  ipv4: 'IPv4',
  ipv6: 'IPv6 links',
  'ipv6-delegated': 'IPv6 delegation',
} as const;
