/**
 * The notations in which an authority writes a rate limit. What is not of the notation, or too large a number, is undefined: nothing was
 * said. A rate of 0 is "unlimited" in each of them.
 */
import type { RateLimit } from './session-attributes.ts';

/** Of the client's upload, then of its download. */
type Pair = readonly [up: number, down: number];

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };
const BITS_PER_BYTE = 8;
/** Of a burst whose time is not said (RouterOS). */
const DEFAULT_BURST_S = 1;

/**
 * Mikrotik-Rate-Limit (14988/8), the notation of the users file too:
 * `rx[/tx] [rx-burst[/tx-burst] [rx-threshold[/tx-threshold] [rx-time[/tx-time] [priority [rx-min[/tx-min]]]]]]`.
 *
 * Seen from the router: rx is what the client sends. A missing tx is as rx. `k`, `M` and `G` are powers of 1000, times are seconds.
 * RouterOS holds the burst rate until the average over the burst time is at the threshold, so for `threshold * time / burst` seconds
 * after a silence; what passes above the rate in that time is the burst here. Priority and guaranteed rate mean nothing to a limit.
 */
export function parseMikrotikRate(text: string): RateLimit | undefined {
  const [rates, bursts, thresholds, times, priority, minimum, ...more] = text.trim().split(/\s+/);
  const rate = parsePair(rates!);
  const burst = bursts === undefined ? ([0, 0] as const) : parsePair(bursts);
  const threshold = thresholds === undefined ? rate : parsePair(thresholds);
  const time = times === undefined ? ([DEFAULT_BURST_S, DEFAULT_BURST_S] as const) : parsePair(times, /^(\d+)()s?$/i);
  if (rate === undefined || burst === undefined || threshold === undefined || time === undefined) return undefined;
  if (more.length > 0 || (minimum !== undefined && parsePair(minimum) === undefined)) return undefined;
  if (priority !== undefined && !/^[1-8](?:\/[1-8])?$/.test(priority)) return undefined;
  return limit(rate, [burstBytes(0), burstBytes(1)]);

  function burstBytes(direction: 0 | 1): number {
    const peak = burst![direction];
    const above = peak - rate![direction];
    if (above <= 0) return 0;
    return Math.round((above * threshold![direction] * time![direction]) / peak / BITS_PER_BYTE);
  }
}

/**
 * Filter-Id (11) as accel-ppp reads it: `down/up` or one number for both, in kbit/s times `multiplier`; `\` and `:` separate as well. A
 * number and a comma in front name a range of time. There are none here: range 0, "always", is read, others are not.
 */
export function parseFilterIdRate(text: string, multiplier: number): RateLimit | undefined {
  const match = /^(?:0,)?(\d+)(?:[/\\:](\d+))?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, down, up = down] = match;
  const scale = UNITS['k']! * multiplier;
  return limit([Math.round(Number(up) * scale), Math.round(Number(down) * scale)]);
}

/**
 * Cisco-AVPair (9/1): `lcp:interface-config#1=rate-limit output|input BPS [BURST ...]`, or from `rate-limit` on. Seen from the router: output
 * is what the client receives. The normal burst is in bytes. One value speaks of one direction: see {@link joinRates}. A limit
 * of an access group is not one of the session.
 */
export function parseCiscoRate(avpair: string): RateLimit | undefined {
  const match = /^(?:lcp:interface-config(?:#\d+)?=)?rate-limit (input|output) (\d+)(?: (\d+)(?: .*)?)?$/.exec(
    avpair.trim(),
  );
  if (match === null) return undefined;
  const [, direction, rate, burst = 0] = match;
  return direction === 'input'
    ? limit([Number(rate), 0], [Number(burst), 0])
    : limit([0, Number(rate)], [0, Number(burst)]);
}

/** WISPr-Bandwidth-Max-Up and -Down (14122/7 and 8): bits per second. */
export function wisprRate(up: number | undefined, down: number | undefined): RateLimit | undefined {
  return up === undefined && down === undefined ? undefined : limit([up ?? 0, down ?? 0]);
}

/** One limit of several that each speak of a direction. The first that limits a direction counts. */
export function joinRates(rates: readonly RateLimit[]): RateLimit | undefined {
  if (rates.length === 0) return undefined;
  const up = rates.find(rate => rate.up !== undefined);
  const down = rates.find(rate => rate.down !== undefined);
  return { up: up?.up, down: down?.down, upBurst: up?.upBurst, downBurst: down?.downBurst };
}

/** `up/down` in the notation of {@link parseMikrotikRate}, without bursts. */
export function formatRate({ up, down }: RateLimit): string {
  return `${formatNumber(up ?? 0)}/${formatNumber(down ?? 0)}`;
}

function formatNumber(rate: number): string {
  if (rate === 0) return '0';
  for (const unit of ['G', 'M', 'k']) {
    const scale = UNITS[unit.toLowerCase()]!;
    if (rate % scale === 0) return `${rate / scale}${unit}`;
  }
  return String(rate);
}

function parsePair(word: string, number = /^(\d+)([kmg]?)$/i): Pair | undefined {
  const [up, down = up, ...more] = word.split('/').map(each => {
    const match = number.exec(each);
    return match === null ? Number.NaN : Number(match[1]) * UNITS[match[2]!.toLowerCase()]!;
  });
  return more.length === 0 && Number.isSafeInteger(up) && Number.isSafeInteger(down) ? [up!, down!] : undefined;
}

/** 0 is unlimited, and as a burst that of the shaper. */
function limit(rate: Pair, burst: Pair = [0, 0]): RateLimit | undefined {
  if (![...rate, ...burst].every(Number.isSafeInteger)) return undefined;
  return {
    up: rate[0] || undefined,
    down: rate[1] || undefined,
    upBurst: (rate[0] && burst[0]) || undefined,
    downBurst: (rate[1] && burst[1]) || undefined,
  };
}
