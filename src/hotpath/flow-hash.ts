/**
 * A number that packets of one flow share: addresses, protocol and ports where the packet has them. Only to spread flows; nothing breaks
 * when two of them meet. Reads nothing behind `length`.
 */
import { IPV6_HEADER_LENGTH, IpProtocol, ipVersion, ipv4HeaderLength, ipv4Protocol } from '../wire/ip.ts';

/** Odd, with its bits well mixed: 2^32 divided by the golden ratio. */
const MIX = 0x9e3779b1;
const PORTS_LENGTH = 4;

/** @returns an unsigned 32-bit number. */
export function flowHash(view: DataView, at: number, length: number): number {
  if (ipVersion(view, at) === 4) {
    const addresses = view.getUint32(at + 12) ^ Math.imul(view.getUint32(at + 16), MIX);
    const isFragment = (view.getUint16(at + 6) & 0x3fff) !== 0;
    return mix(addresses, ipv4Protocol(view, at), isFragment ? 0 : ports(view, at, ipv4HeaderLength(view, at), length));
  }
  if (length < IPV6_HEADER_LENGTH) return 0;
  const addresses = view.getUint32(at + 12) ^ view.getUint32(at + 20) ^ Math.imul(view.getUint32(at + 36), MIX);
  const protocol = view.getUint8(at + 6);
  const hasPorts = protocol === IpProtocol.Tcp || protocol === IpProtocol.Udp;
  return mix(addresses, protocol, hasPorts ? ports(view, at, IPV6_HEADER_LENGTH, length) : 0);
}

function ports(view: DataView, at: number, headerLength: number, length: number): number {
  return headerLength + PORTS_LENGTH <= length ? view.getUint32(at + headerLength) : 0;
}

function mix(addresses: number, protocol: number, ports: number): number {
  const hash = Math.imul(addresses ^ Math.imul(ports ^ (protocol << 24), MIX), MIX);
  return (hash ^ (hash >>> 15)) >>> 0;
}
