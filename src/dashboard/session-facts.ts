// What the session page tells beside its chart: cards of names and values.
import type { SessionDetail } from '../admin/schema/session.ts';
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
    ['Gateway', session.localAddress],
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
    ['LCP', formatText(lcp?.state)],
    ['MRU', lcp === null ? formatText(null) : `${lcp.mru}, the client's ${lcp.peerMru}`],
    ['Magic number', formatText(lcp?.magic)],
    ['Compression', compression(lcp)],
    ['Client says', formatText(lcp?.identification.join(', '))],
    ['IPCP', formatText(ipcp?.state)],
    ['Name servers', formatText(ipcp?.dns.join(', '))],
    ['WINS', formatText(ipcp?.nbns.join(', '))],
    ['IPv6CP', formatText(ipv6cp?.state)],
    ['Interface', formatText(ipv6cp?.interfaceId)],
  ];
}

/** Of PPP's headers, RFC 1661 sections 6.5 and 6.6. */
function compression(lcp: SessionDetail['negotiated']['lcp']): string {
  if (lcp === null) return formatText(null);
  const fields = [...(lcp.pfc ? ['protocol field'] : []), ...(lcp.acfc ? ['address and control field'] : [])];
  return fields.length === 0 ? 'none' : fields.join(', ');
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
    ['Waiting', formatBytes(session.queueBytes)],
  ];
}

function limits({ rate }: SessionDetail): Fact[] {
  return [
    ['Download', limit(rate?.down)],
    ['Download burst', formatBytes(rate?.downBurst)],
    ['Upload', limit(rate?.up)],
    ['Upload burst', formatBytes(rate?.upBurst)],
  ];
}

function limit(rate: number | null | undefined): string {
  return rate === null || rate === undefined ? 'none' : formatBitRate(rate);
}
