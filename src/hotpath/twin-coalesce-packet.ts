/** The twin of `assembly/coalesce-packet.ts`: what coalescing has to know of a packet. */
import {
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  IpProtocol,
  TCP_HEADER_LENGTH,
  UDP_HEADER_LENGTH,
} from '../wire/ip.ts';
import { CoalesceKind } from './coalescing.ts';
import { onesComplementSum } from './twin-checksum.ts';

/** Of the word of data offset, flags and window. */
export const TcpFlag = { Push: 0x0008_0000, CongestionWindowReduced: 0x0080_0000 } as const;
/** URG, ACK, RST, SYN, FIN: only ACK may be, and must be, set in a segment that is merged. */
const DECISIVE_FLAGS = 0x37;
const ACK_ALONE = 0x10;

export const Sort = {
  /** No flow that is coalesced: nothing can overtake it. */
  Other: 0,
  /** TCP or UDP whose ports are out of sight, in a fragment for example: it may belong to any flow of its source. */
  Hidden: 1,
  /** Of a known flow, but never merged. */
  Alone: 2,
  Mergeable: 3,
} as const;
export type Sort = (typeof Sort)[keyof typeof Sort];

/** One packet; the same object is used for all of them. */
export class CoalescePacket {
  readonly view: DataView;
  at = 0;
  length = 0;
  isIpv4 = false;
  isTcp = false;
  /** Where the transport's header starts, and the data behind it. */
  transport = 0;
  payload = 0;

  constructor(view: DataView) {
    this.view = view;
  }

  get payloadLength(): number {
    return this.at + this.length - this.payload;
  }

  /** IPv4 options and IPv6 extension headers count as hidden, and so do lengths that contradict each other. */
  read(at: number, length: number, kinds: number): Sort {
    const { view } = this;
    this.at = at;
    this.length = length;
    const version = length < IPV4_HEADER_LENGTH ? 0 : view.getUint8(at) >> 4;
    if (version === 4) {
      const protocol = view.getUint8(at + 9);
      if (!isWanted(protocol, kinds)) return Sort.Other;
      const isPlain = view.getUint8(at) === 0x45 && (view.getUint16(at + 6) & 0xbfff) === 0;
      if (!isPlain || view.getUint16(at + 2) !== length) return Sort.Hidden;
      this.isIpv4 = true;
      return this.#readTransport(at + IPV4_HEADER_LENGTH, protocol === IpProtocol.Tcp);
    }
    if (version !== 6 || length < IPV6_HEADER_LENGTH) return Sort.Other;
    const protocol = view.getUint8(at + 6);
    if (!isWanted(protocol, kinds)) return kinds === 0 || hasNoExtensions(protocol) ? Sort.Other : Sort.Hidden;
    if (view.getUint16(at + 4) !== length - IPV6_HEADER_LENGTH) return Sort.Hidden;
    this.isIpv4 = false;
    return this.#readTransport(at + IPV6_HEADER_LENGTH, protocol === IpProtocol.Tcp);
  }

  #readTransport(transport: number, isTcp: boolean): Sort {
    const { view } = this;
    const end = this.at + this.length;
    this.transport = transport;
    this.isTcp = isTcp;
    if (end - transport < (isTcp ? TCP_HEADER_LENGTH : UDP_HEADER_LENGTH)) return Sort.Hidden;
    if (isTcp) {
      this.payload = transport + (view.getUint8(transport + 12) >> 4) * 4;
      if (this.payload < transport + TCP_HEADER_LENGTH || this.payload > end) return Sort.Hidden;
      const isPlain = (view.getUint8(transport + 13) & DECISIVE_FLAGS) === ACK_ALONE;
      return isPlain && this.payload < end ? Sort.Mergeable : Sort.Alone;
    }
    this.payload = transport + UDP_HEADER_LENGTH;
    const isPlain = view.getUint16(transport + 4) === end - transport && view.getUint16(transport + 6) !== 0;
    return isPlain && this.payload < end ? Sort.Mergeable : Sort.Alone;
  }

  /** A number for addresses, protocol and ports together. */
  flowHash(): number {
    const { view, transport } = this;
    const from = this.isIpv4 ? this.at + 12 : this.at + 8;
    let hash = this.isTcp ? 1 : 2;
    for (let word = from; word < transport + 4; word += 4) hash = mix(hash, view.getUint32(word));
    return hash;
  }

  /** A number for the source address. The packet may be hidden. */
  sourceHash(): number {
    const { view, at } = this;
    if (view.getUint8(at) >> 4 === 4) return mix(4, view.getUint32(at + 12));
    let hash = 6;
    for (let word = at + 8; word < at + 24; word += 4) hash = mix(hash, view.getUint32(word));
    return hash;
  }

  /** Those of the IPv4 header and of the transport. */
  hasRightChecksums(): boolean {
    return hasRightChecksums(this.view, this.at, this.length);
  }
}

/** Of a packet without IPv4 options or IPv6 extension headers. */
export function hasRightChecksums(view: DataView, at: number, length: number): boolean {
  const isIpv4 = view.getUint8(at) >> 4 === 4;
  if (isIpv4 && onesComplementSum(view, at, at + IPV4_HEADER_LENGTH, 0) !== 0xffff) return false;
  return onesComplementSum(view, at + (isIpv4 ? 12 : 8), at + length, pseudoRest(view, at, length)) === 0xffff;
}

/** The pseudo header's sum (RFC 9293, 3.1; RFC 768; RFC 8200, 8.1). */
export function pseudoSum(view: DataView, at: number, length: number): number {
  const isIpv4 = view.getUint8(at) >> 4 === 4;
  const from = at + (isIpv4 ? 12 : 8);
  return onesComplementSum(view, from, from + (isIpv4 ? 8 : 32), pseudoRest(view, at, length));
}

/** Protocol and length of the transport. */
function pseudoRest(view: DataView, at: number, length: number): number {
  return view.getUint8(at) >> 4 === 4
    ? view.getUint8(at + 9) + length - IPV4_HEADER_LENGTH
    : view.getUint8(at + 6) + length - IPV6_HEADER_LENGTH;
}

function isWanted(protocol: number, kinds: number): boolean {
  if (protocol === IpProtocol.Tcp) return (kinds & CoalesceKind.Tcp) !== 0;
  return protocol === IpProtocol.Udp && (kinds & CoalesceKind.Udp) !== 0;
}

/** Every other value may be an extension header, with TCP or UDP behind it. */
function hasNoExtensions(protocol: number): boolean {
  return protocol === IpProtocol.Tcp || protocol === IpProtocol.Udp || protocol === IpProtocol.Icmpv6;
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e37_79b1);
  return mixed ^ (mixed >>> 15);
}
