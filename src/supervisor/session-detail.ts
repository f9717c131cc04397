import type { SessionDetail, SessionView } from '../admin/gateway-view.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { formatIpv6Prefix } from '../wire/ipv6.ts';
import { HashProtocol } from '../wire/sstp.ts';
import type { RateLimit, SessionDescription, SessionPolicy } from '../worker/messages.ts';
import { SAMPLE_INTERVAL_MS } from './sampler.ts';
import type { SessionRow } from './session-table.ts';
import type { TrafficMeter } from './traffic-meter.ts';

/**
 * All that can be said about a session; without its worker's `description`, what the table knows. `sampledAt`: when
 * its meter was last read, milliseconds since 1970.
 */
export function sessionDetail(
  row: SessionRow,
  view: SessionView,
  description: SessionDescription | undefined,
  sampledAt: number,
): SessionDetail {
  const { grant } = row;
  return {
    ...view,
    correlationId: row.correlationId ?? null,
    serverName: row.serverName ?? null,
    localAddress: row.localAddress,
    negotiated: {
      ...negotiated(description),
      delegatedPrefix: grant?.delegatedPrefix === undefined ? null : formatIpv6Prefix(grant.delegatedPrefix),
    },
    timers: timers(row.policy, row.upAt, description),
    rate: rateView(row.policy?.rate),
    routes: grant?.routes ?? [],
    filterId: grant?.attributes.filterId ?? null,
    queueBytes: description?.queueBytes ?? null,
    history: history(row.meter, sampledAt),
  };
}

function negotiated(description: SessionDescription | undefined): Omit<SessionDetail['negotiated'], 'delegatedPrefix'> {
  if (description === undefined) return { hash: null, lcp: null, ipcp: null, ipv6cp: null };
  const { hashProtocol, lcp, networks } = description;
  let ipcp: SessionDetail['negotiated']['ipcp'] = null;
  let ipv6cp: SessionDetail['negotiated']['ipv6cp'] = null;
  for (const { state, network } of networks) {
    if (network.family === 4) {
      const { address, dns, nbns } = network.ipv4;
      ipcp = { state, peer: formatIpv4(address), dns: dns.map(formatIpv4), nbns: nbns.map(formatIpv4) };
    } else {
      ipv6cp = { state, interfaceId: formatInterfaceId(network.ipv6.interfaceId) };
    }
  }
  return {
    hash: hashProtocol === undefined ? null : hashProtocol === HashProtocol.Sha256 ? 'sha256' : 'sha1',
    lcp: {
      state: lcp.state,
      mru: lcp.mru,
      peerMru: lcp.peerMru,
      authProtocol: lcp.method ?? null,
      magic: lcp.magic === 0 ? null : lcp.magic.toString(16).padStart(8, '0'),
      // The gateway refuses both: there is nothing to be saved in TLS records.
      pfc: false,
      acfc: false,
      identification: lcp.identification,
    },
    ipcp,
    ipv6cp,
  };
}

function timers(
  policy: SessionPolicy | undefined,
  upAt: number | undefined,
  description: SessionDescription | undefined,
): SessionDetail['timers'] {
  const { sessionTimeoutMs, idleTimeoutMs } = policy ?? {};
  return {
    helloInterval: inSeconds(description?.helloIntervalMs),
    sessionTimeout: inSeconds(sessionTimeoutMs),
    sessionEndsAt: timeOf(sessionTimeoutMs === undefined || upAt === undefined ? undefined : upAt + sessionTimeoutMs),
    idleTimeout: inSeconds(idleTimeoutMs),
    idleEndsAt: timeOf(description?.idleEndsAt),
    negotiationEndsAt: timeOf(description?.negotiationEndsAt),
  };
}

function rateView(rate: RateLimit | undefined): SessionDetail['rate'] {
  if (rate === undefined) return null;
  const { up, down, upBurst, downBurst } = rate;
  return { up: up ?? null, down: down ?? null, upBurst: upBurst ?? null, downBurst: downBurst ?? null };
}

/** The samples carry no times of their own: they come in even intervals. */
function history(meter: TrafficMeter, sampledAt: number): SessionDetail['history'] {
  const points = meter.points();
  return {
    intervalSeconds: SAMPLE_INTERVAL_MS / 1000,
    points: points.map((rates, index) => ({
      at: new Date(sampledAt - (points.length - 1 - index) * SAMPLE_INTERVAL_MS).toISOString(),
      ...rates,
    })),
  };
}

/** RFC 5072: the 64 bits as the groups of an address, without what is in front of them. */
function formatInterfaceId(id: bigint): string {
  return [48n, 32n, 16n, 0n].map(shift => ((id >> shift) & 0xffffn).toString(16)).join(':');
}

function inSeconds(milliseconds: number | undefined): number | null {
  return milliseconds === undefined ? null : milliseconds / 1000;
}

function timeOf(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}
