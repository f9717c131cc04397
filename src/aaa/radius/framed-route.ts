/** The text of Framed-Route (RFC 2865 5.22) and Framed-IPv6-Route (RFC 3162 2.5): prefix, gateway, metrics. */
import { parseIpv4 } from '../../wire/ip.ts';
import { parseIpv6, parseIpv6Prefix } from '../../wire/ipv6.ts';
import type { SessionRoute } from '../session-attributes.ts';

/**
 * Undefined for what is no route of the session. The gateway is the session itself: not named, `0.0.0.0`, or
 * `ownAddress`. A default route is none: it would take the whole gateway's traffic.
 */
export function parseFramedRoute(text: string, ownAddress: number | undefined): SessionRoute | undefined {
  const [prefix = '', gateway, ...metrics] = text.trim().split(/\s+/);
  const match = /^([\d.]+)(?:\/(\d{1,2}))?$/.exec(prefix);
  const address = match === null ? undefined : parseIpv4(match[1]!);
  if (address === undefined || !metrics.every(isMetric)) return undefined;
  const length = match?.[2] === undefined ? classLength(address) : Number(match[2]);
  if (length === undefined || length < 1 || length > 32) return undefined;
  const via = gateway === undefined ? 0 : parseIpv4(gateway);
  if (via !== 0 && (via === undefined || via !== ownAddress)) return undefined;
  return { family: 4, address: networkOf(address, length), length, metric: firstOf(metrics) };
}

/** As {@link parseFramedRoute}; the gateway is `::`, `ownAddress`, or not named. */
export function parseFramedIpv6Route(text: string, ownAddress: bigint | undefined): SessionRoute | undefined {
  const [prefixText = '', gateway, ...metrics] = text.trim().split(/\s+/);
  const prefix = parseIpv6Prefix(prefixText);
  if (prefix === undefined || prefix.length === 0 || !metrics.every(isMetric)) return undefined;
  const via = gateway === undefined ? 0n : parseIpv6(gateway);
  if (via !== 0n && (via === undefined || via !== ownAddress)) return undefined;
  return { family: 6, prefix, metric: firstOf(metrics) };
}

/** Framed-IP-Netmask: the network around `address`. Undefined for the client alone, and for a mask that is none. */
export function netmaskRoute(address: number, netmask: number): SessionRoute | undefined {
  const length = Math.clz32(~netmask);
  const isMask = netmask >>> 0 === maskOf(length);
  if (!isMask || length === 0 || length === 32) return undefined;
  return { family: 4, address: networkOf(address, length), length, metric: undefined };
}

function isMetric(word: string): boolean {
  return /^\d{1,9}$/.test(word);
}

/** RFC 2865 allows several. */
function firstOf(metrics: readonly string[]): number | undefined {
  return metrics[0] === undefined ? undefined : Number(metrics[0]);
}

/** RFC 2865 5.22: without a length that of the address's class. */
function classLength(address: number): number | undefined {
  if (address >>> 31 === 0) return 8;
  if (address >>> 30 === 0b10) return 16;
  return address >>> 29 === 0b110 ? 24 : undefined;
}

function networkOf(address: number, length: number): number {
  return (address & maskOf(length)) >>> 0;
}

function maskOf(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}
