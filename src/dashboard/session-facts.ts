// What the session page tells beside its chart: cards of names and values.
import type { SessionDetail } from './contract.ts';
import {
  formatAge,
  formatBitRate,
  formatBytes,
  formatCount,
  formatDateTime,
  formatDuration,
  formatText,
} from './format.ts';

export interface Card {
  readonly title: string;
  readonly facts: readonly Fact[];
}

export type Fact = readonly [name: string, value: string];

/** @param now milliseconds since 1970 */
export function sessionCards(session: SessionDetail, now: number): Card[] {
  return [
    { title: 'Connection', facts: connection(session, now) },
    { title: 'Addresses', facts: addresses(session) },
    { title: 'Negotiated', facts: negotiated(session) },
    { title: 'Timers', facts: timers(session, now) },
    { title: 'Counters', facts: counters(session) },
    { title: 'Limits', facts: limits(session) },
  ];
}

function connection(session: SessionDetail, now: number): Fact[] {
  return [
    ['Client', session.remoteAddress],
    ['Gateway', formatText(session.localAddress)],
    ['Server name', formatText(session.serverName)],
    ['TLS', `${session.tls.version}, ${session.tls.cipher}`],
    ['Connected', formatDateTime(session.connectedAt)],
    ['Up for', formatAge(session.upAt, now)],
    ['Node, worker', `${session.node}, ${session.worker}`],
    ['Session', session.id],
    ['Correlation', formatText(session.correlationId)],
  ];
}

function addresses({ ipv4, ipv6, mtu, negotiated, routes, filterId }: SessionDetail): Fact[] {
  return [
    ['IPv4', formatText(ipv4)],
    ['IPv6', formatText(ipv6)],
    ['Delegated', formatText(negotiated.delegatedPrefix)],
    ['MTU', formatText(mtu)],
    ['Routes', formatText(routes.join(', '))],
    ['Filter', formatText(filterId)],
  ];
}

function negotiated({ auth, negotiated: { hash, lcp, ipcp, ipv6cp } }: SessionDetail): Fact[] {
  return [
    ['Authentication', formatText(auth)],
    ['Crypto binding', formatText(hash)],
    ...protocol('LCP', lcp),
    ...protocol('IPCP', ipcp),
    ...protocol('IPv6CP', ipv6cp),
  ];
}

function protocol(name: string, options: Readonly<Record<string, unknown>> | null): Fact[] {
  if (options === null) return [[name, formatText(null)]];
  return Object.entries(options).map(([option, value]) => [`${name} ${option}`, optionText(value)]);
}

function optionText(value: unknown): string {
  if (Array.isArray(value)) return formatText(value.map(optionText).join(', '));
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return formatText(typeof value === 'number' || typeof value === 'string' ? value : null);
}

function timers({ timers: timer }: SessionDetail, now: number): Fact[] {
  const ahead = (at: string | null): string =>
    at === null ? formatText(null) : formatDuration((Date.parse(at) - now) / 1000);
  return [
    ['Hello interval', formatDuration(timer.helloInterval)],
    ['Session limit', formatDuration(timer.sessionTimeout)],
    ['Session ends in', ahead(timer.sessionEndsAt)],
    ['Idle limit', formatDuration(timer.idleTimeout)],
    ['Idle ends in', ahead(timer.idleEndsAt)],
    ['Negotiation ends in', ahead(timer.negotiationEndsAt)],
  ];
}

function counters(session: SessionDetail): Fact[] {
  return [
    ['Downloaded', `${formatBytes(session.txBytes)}, ${formatCount(session.txPackets)} packets`],
    ['Uploaded', `${formatBytes(session.rxBytes)}, ${formatCount(session.rxPackets)} packets`],
    ['Dropped', `${formatCount(session.drops)} packets`],
    ...Object.entries(session.dropsByReason ?? {}).map(([reason, count]): Fact => [
      `Dropped, ${reason}`,
      formatCount(count),
    ]),
    ['Waiting', formatBytes(session.queueBytes)],
  ];
}

function limits({ rate }: SessionDetail): Fact[] {
  return [
    ['Download', formatBitRate(rate?.down)],
    ['Download burst', formatBytes(rate?.downBurst)],
    ['Upload', formatBitRate(rate?.up)],
    ['Upload burst', formatBytes(rate?.upBurst)],
  ];
}
