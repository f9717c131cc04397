/** IPv6 addresses as 128-bit bigints, and their text (RFC 4291 2.2, RFC 5952). */

export interface Ipv6Prefix {
  /** Bits behind `length` are zero. */
  readonly address: bigint;
  /** 0 to 128. */
  readonly length: number;
}

export const IPV6_ADDRESS_LENGTH = 16;

/** The 16 bytes at `at` of `bytes`. */
export function readIpv6(bytes: Uint8Array, at: number): bigint {
  let address = 0n;
  for (let index = 0; index < IPV6_ADDRESS_LENGTH; index++) address = (address << 8n) | BigInt(bytes[at + index] ?? 0);
  return address;
}

/** Writes 16 bytes at `at` of `bytes`. */
export function writeIpv6(address: bigint, bytes: Uint8Array, at: number): void {
  let rest = address;
  for (let index = IPV6_ADDRESS_LENGTH - 1; index >= 0; index--) {
    bytes[at + index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

/** Whether `address` is one of the prefix. */
export function isInIpv6Prefix(address: bigint, prefix: Ipv6Prefix): boolean {
  const host = BigInt(128 - prefix.length);
  return address >> host === prefix.address >> host;
}

/** RFC 5952: lower case, the longest run of zeros shortened. */
export function formatIpv6(address: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => Number((address >> BigInt(112 - index * 16)) & 0xffffn));
  const run = longestZeros(groups);
  if (run.length < 2) return text(groups);
  return `${text(groups.slice(0, run.at))}::${text(groups.slice(run.at + run.length))}`;
}

export function formatIpv6Prefix({ address, length }: Ipv6Prefix): string {
  return `${formatIpv6(address)}/${length}`;
}

/** Undefined for what is no IPv6 address. No zone, no prefix length. */
export function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(half => (half === '' ? [] : half.split(':')));
  if (head === undefined) return undefined;
  const last = tail ?? head;
  const dotted = last.at(-1);
  if (dotted !== undefined && dotted.includes('.')) {
    const quad = dottedGroups(dotted);
    if (quad === undefined) return undefined;
    last.splice(-1, 1, ...quad);
  }
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...(tail ?? [])];
  let address = 0n;
  for (const group of groups) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
    address = (address << 16n) | BigInt(`0x${group}`);
  }
  return address;
}

/** Undefined for what is no prefix, and for one with bits behind its length. */
export function parseIpv6Prefix(text: string): Ipv6Prefix | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const address = parseIpv6(match[1]!);
  const length = Number(match[2]);
  if (address === undefined || length > 128) return undefined;
  const host = BigInt(128 - length);
  return (address >> host) << host === address ? { address, length } : undefined;
}

function text(groups: readonly number[]): string {
  return groups.map(group => group.toString(16)).join(':');
}

function longestZeros(groups: readonly number[]): { at: number; length: number } {
  let best = { at: 0, length: 0 };
  for (let at = 0; at < groups.length; at++) {
    let length = 0;
    while (groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  return best;
}

/** The last 32 bits in the dotted form. */
function dottedGroups(text: string): [string, string] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every(part => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  const [a, b, c, d] = parts.map(Number) as [number, number, number, number];
  return [((a << 8) | b).toString(16), ((c << 8) | d).toString(16)];
}
