// From the pool as it is written to the addresses that may be leased.
import { formatIpv4, parseIpv4 } from '../wire/ip.ts';
import { field, Refusal, refuse } from './fields.ts';
import type { AddressRange } from './schema.ts';

/** One entry of `network.ipv4.pool`. */
export interface PoolEntry {
  /** As written. */
  readonly text: string;
  /** What may be leased of it: of a CIDR network shorter than /31 not the first and the last address. */
  readonly leasable: AddressRange;
  /** Everything that belongs to it. */
  readonly whole: AddressRange;
}

/** A network of more addresses than this is a slip of the pen. */
const MIN_PREFIX_LENGTH = 8;

export function poolEntry() {
  return field('a network as 10.66.0.0/16, or a range as 10.66.0.10-10.66.0.99', (value): PoolEntry | Refusal => {
    if (typeof value !== 'string') return refuse(value);
    const entry = value.includes('/') ? readNetwork(value) : readRange(value);
    if (entry instanceof Refusal) return entry;
    return isUnicast(entry.whole) ? entry : new Refusal(`${value} holds addresses that no host can have`);
  });
}

/** Ascending, disjoint ranges without the gateway and what is excluded. The entries must not overlap. */
export function leasableRanges(
  entries: readonly PoolEntry[],
  gateway: number,
  excluded: readonly AddressRange[] = [],
): AddressRange[] {
  let ranges = entries.map(entry => entry.leasable);
  for (const hole of [{ first: gateway, last: gateway }, ...excluded])
    ranges = ranges.flatMap(range => without(range, hole));
  return ranges.toSorted((a, b) => a.first - b.first);
}

function without({ first, last }: AddressRange, hole: AddressRange): AddressRange[] {
  const left = { first, last: Math.min(last, hole.first - 1) };
  const right = { first: Math.max(first, hole.last + 1), last };
  return [left, right].filter(range => range.first <= range.last);
}

export function contains(range: AddressRange, address: number): boolean {
  return address >= range.first && address <= range.last;
}

export function overlap(a: AddressRange, b: AddressRange): boolean {
  return a.first <= b.last && b.first <= a.last;
}

function readNetwork(text: string): PoolEntry | Refusal {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  const address = parseIpv4(match?.[1] ?? '');
  const prefixLength = Number(match?.[2]);
  if (address === undefined || prefixLength > 32) return refuse(text);
  if (prefixLength < MIN_PREFIX_LENGTH) return new Refusal(`${text} is larger than a /${MIN_PREFIX_LENGTH}`);
  const size = 2 ** (32 - prefixLength);
  const first = address - (address % size);
  const last = first + size - 1;
  if (address !== first)
    return new Refusal(`${text} has host bits set: the network is ${formatIpv4(first)}/${prefixLength}`);
  const edge = prefixLength < 31 ? 1 : 0;
  return { text, whole: { first, last }, leasable: { first: first + edge, last: last - edge } };
}

function readRange(text: string): PoolEntry | Refusal {
  const [from = '', to = from, ...rest] = text.split('-').map(part => part.trim());
  const [first, last] = [parseIpv4(from), parseIpv4(to)];
  if (first === undefined || last === undefined || rest.length > 0) return refuse(text);
  if (first > last) return new Refusal(`${text} ends before it begins`);
  return { text, whole: { first, last }, leasable: { first, last } };
}

/** Not "this network", loopback, multicast or reserved. */
export function isUnicast({ first, last }: AddressRange): boolean {
  const special: readonly AddressRange[] = [
    { first: 0, last: 0x00ff_ffff },
    { first: 0x7f00_0000, last: 0x7fff_ffff },
    { first: 0xe000_0000, last: 0xffff_ffff },
  ];
  return !special.some(range => overlap(range, { first, last }));
}
