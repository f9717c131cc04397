import { type MetricFamily, type MetricSample as Sample, labelled, single } from '../../metric-family.ts';
import type { RadiusAccounting } from './accounting.ts';
import type { RadiusAuthority } from './authority.ts';
import type { RadiusServerStatus } from './client.ts';
import type { DynamicAuthorization } from './dynamic-authorization.ts';

export interface RadiusParts {
  readonly authority: RadiusAuthority | undefined;
  readonly accounting: RadiusAccounting | undefined;
  readonly authorization: DynamicAuthorization | undefined;
}

type Labels = Readonly<Record<string, string>>;

/** `parts` is asked at each scrape: not all of it is there from the start. */
export function radiusMetrics(parts: () => RadiusParts): MetricFamily[] {
  const servers = (): [Labels, RadiusServerStatus][] => {
    const { authority, accounting } = parts();
    const label =
      (purpose: string) =>
      (status: RadiusServerStatus): [Labels, RadiusServerStatus] => [{ server: status.host, purpose }, status];
    return [
      ...(authority?.servers() ?? []).map(label('authentication')),
      ...(accounting?.servers() ?? []).map(label('accounting')),
    ];
  };
  const ofServers = (value: (status: RadiusServerStatus) => number): Sample[] =>
    servers().map(([labels, status]) => [labels, value(status)]);
  const LABELS = ['server', 'purpose'];
  return [
    {
      kind: 'gauge',
      name: 'sstp_radius_server_up',
      help: '1 while the RADIUS server answers, 0 while it is passed over',
      labels: LABELS,
      read: () => ofServers(({ state }) => (state === 'dead' ? 0 : 1)),
    },
    {
      kind: 'gauge',
      name: 'sstp_radius_requests_outstanding',
      help: 'Requests that wait for their answer',
      labels: LABELS,
      read: () => ofServers(({ outstanding }) => outstanding),
    },
    {
      kind: 'counter',
      name: 'sstp_radius_requests_total',
      help: 'Requests to RADIUS servers, without their repetitions',
      labels: LABELS,
      read: () => ofServers(({ requests }) => requests),
    },
    {
      kind: 'counter',
      name: 'sstp_radius_retransmissions_total',
      help: 'Requests that were sent again',
      labels: LABELS,
      read: () => ofServers(({ retransmissions }) => retransmissions),
    },
    {
      kind: 'counter',
      name: 'sstp_radius_timeouts_total',
      help: 'Requests that a server never answered',
      labels: LABELS,
      read: () => ofServers(({ timeouts }) => timeouts),
    },
    {
      kind: 'counter',
      name: 'sstp_radius_bad_replies_total',
      help: 'Replies that were dropped, by reason',
      labels: [...LABELS, 'reason'],
      read: () =>
        servers().flatMap(([labels, { badReplies }]) =>
          Object.entries(badReplies).map(([reason, count]): Sample => [{ ...labels, reason }, count]),
        ),
    },
    labelled('counter', 'sstp_accounting_records_total', 'Accounting records by what became of them', 'result', () => {
      const counters = parts().accounting?.counters;
      if (counters === undefined) return {};
      const { acknowledged, superseded, dropped } = counters;
      return { acknowledged, superseded, dropped };
    }),
    single(
      'gauge',
      'sstp_accounting_spooled_records',
      'Accounting records that no server has acknowledged yet',
      () => parts().accounting?.counters.spooled,
    ),
    labelled(
      'counter',
      'sstp_dynamic_authorization_replies_total',
      'Answers to Disconnect- and CoA-Requests',
      'reply',
      () => parts().authorization?.counters.replies ?? {},
    ),
    labelled(
      'counter',
      'sstp_dynamic_authorization_drops_total',
      'Datagrams that got no answer, by reason',
      'reason',
      () => parts().authorization?.counters.drops ?? {},
    ),
  ];
}
