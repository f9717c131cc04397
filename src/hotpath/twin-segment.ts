/**
 * The twin of `assembly/segment.ts`: each segment is built like a packet of its own, headers copied, fields set,
 * checksums summed from nothing.
 */
import {
  IPV4_FRAGMENT_MASK,
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  IpProtocol,
  TCP_HEADER_LENGTH,
  UDP_HEADER_LENGTH,
} from '../wire/ip.ts';
import { ADDRESS_AND_CONTROL, PppProtocol } from '../wire/ppp.ts';
import { SSTP_VERSION } from '../wire/sstp.ts';
import { GsoType, VIRTIO_HEADER_LENGTH, VirtioField, VirtioFlag } from '../wire/virtio.ts';
import { FRAME_HEADER_LENGTH, MAX_FRAMED_LENGTH, PathError } from './packet-path.ts';
import type { Segmentation } from './segmentation.ts';
import { onesComplementSum } from './twin-checksum.ts';
import { clampMssIpv4, clampMssIpv6 } from './twin-clamp-mss.ts';

/** By so much is IPv6's header longer than IPv4's, and the MSS smaller. */
const IPV6_HEADER_EXCESS = IPV6_HEADER_LENGTH - IPV4_HEADER_LENGTH;

const TCP_FLAGS = 13;
const TCP_FIN_PSH = 0x09;
const TCP_CWR = 0x80;
const TCP_CHECKSUM = 16;
const UDP_CHECKSUM = 6;

export class TwinSegmenter implements Segmentation {
  readonly #memory: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #length = 0;
  #ipv4 = true;
  #gsoType: number = GsoType.None;
  /** Of the IP packet, up to TCP or UDP; and up to the payload. */
  #ipLength = 0;
  #headerLength = 0;
  #segmentSize = 0;
  #mss = 0;
  /** Of all segments, and of those that were written. */
  #segments = 0;
  #written = 0;

  constructor(memory: Uint8Array, view: DataView) {
    this.#memory = memory;
    this.#view = view;
  }

  segmentBegin(at: number, length: number, mss: number): number {
    this.#at = at;
    this.#length = length;
    this.#mss = mss;
    this.#segments = 0;
    this.#written = 0;
    if (length < IPV4_HEADER_LENGTH) return PathError.TooShort;
    const version = this.#view.getUint8(at) >> 4;
    if (version !== 4 && version !== 6) return PathError.NotIp;
    if (version === 6 && length < IPV6_HEADER_LENGTH) return PathError.TooShort;
    this.#ipv4 = version === 4;
    this.#gsoType = this.#view.getUint8(at - VIRTIO_HEADER_LENGTH + VirtioField.GsoType) & ~GsoType.Ecn;
    const result = this.#gsoType === GsoType.None ? this.#judgePlain() : this.#judgeSuperPacket();
    if (result > 0) this.#segments = result;
    return result;
  }

  segmentBytes(): number {
    if (this.#segments === 0) return 0;
    return this.#length + this.#segments * FRAME_HEADER_LENGTH + (this.#segments - 1) * this.#headerLength;
  }

  segmentInto(to: number, room: number): number {
    const end = to + room;
    let next = to;
    while (this.#written < this.#segments) {
      const length = this.#segmentLength();
      if (FRAME_HEADER_LENGTH + length > end - next) break;
      this.#view.setUint32(next, (SSTP_VERSION << 24) | (FRAME_HEADER_LENGTH + length));
      this.#view.setUint32(next + 4, (ADDRESS_AND_CONTROL << 16) | (this.#ipv4 ? PppProtocol.Ipv4 : PppProtocol.Ipv6));
      next += FRAME_HEADER_LENGTH;
      if (this.#gsoType === GsoType.None) this.#writePlain(next);
      else this.#writeSegment(next, length);
      next += length;
      this.#written += 1;
    }
    return next - to;
  }

  get #needsChecksum(): boolean {
    const flags = this.#view.getUint8(this.#at - VIRTIO_HEADER_LENGTH + VirtioField.Flags);
    return (flags & VirtioFlag.NeedsChecksum) !== 0;
  }

  #virtioU16(field: number): number {
    return this.#view.getUint16(this.#at - VIRTIO_HEADER_LENGTH + field, true);
  }

  // --- plain packets

  #judgePlain(): number {
    if (this.#length > MAX_FRAMED_LENGTH) return PathError.TooLong;
    this.#headerLength = 0;
    if (!this.#needsChecksum) return 1;
    const ipLength = this.#fixedHeaderLength();
    const start = this.#virtioU16(VirtioField.ChecksumStart);
    const field = start + this.#virtioU16(VirtioField.ChecksumOffset);
    const isInside = ipLength >= IPV4_HEADER_LENGTH && start >= ipLength && field + 2 <= this.#length;
    return isInside ? 1 : PathError.Malformed;
  }

  #writePlain(to: number): void {
    this.#memory.copyWithin(to, this.#at, this.#at + this.#length);
    if (this.#needsChecksum) {
      const start = this.#virtioU16(VirtioField.ChecksumStart);
      const sum = onesComplementSum(this.#view, to + start, to + this.#length, 0);
      this.#view.setUint16(to + start + this.#virtioU16(VirtioField.ChecksumOffset), nonZero(~sum & 0xffff));
    }
    if (this.#mss === 0) return;
    if (this.#ipv4) clampMssIpv4(this.#view, to, this.#length, this.#mss);
    else clampMssIpv6(this.#view, to, this.#length, Math.max(0, this.#mss - IPV6_HEADER_EXCESS));
  }

  /** IPv6 extension headers are not counted. */
  #fixedHeaderLength(): number {
    return this.#ipv4 ? (this.#view.getUint8(this.#at) & 0x0f) * 4 : IPV6_HEADER_LENGTH;
  }

  // --- super-packets

  #judgeSuperPacket(): number {
    const type = this.#gsoType;
    if (type !== GsoType.Tcp4 && type !== GsoType.Tcp6 && type !== GsoType.UdpL4) return PathError.GsoType;
    if (type === (this.#ipv4 ? GsoType.Tcp6 : GsoType.Tcp4)) return PathError.Malformed;
    const ipLength = this.#ipv4 ? this.#ipv4TransportOffset() : this.#ipv6TransportOffset();
    const transportLength = ipLength === 0 ? 0 : this.#transportHeaderLength(ipLength);
    const segmentSize = this.#virtioU16(VirtioField.GsoSize);
    if (transportLength === 0 || segmentSize === 0) return PathError.Malformed;
    this.#ipLength = ipLength;
    this.#headerLength = ipLength + transportLength;
    this.#segmentSize = segmentSize;
    const payloadLength = this.#length - this.#headerLength;
    if (this.#headerLength + Math.min(segmentSize, payloadLength) > MAX_FRAMED_LENGTH) return PathError.TooLong;
    return Math.max(1, Math.ceil(payloadLength / segmentSize));
  }

  get #isTcp(): boolean {
    return this.#gsoType !== GsoType.UdpL4;
  }

  get #transportProtocol(): number {
    return this.#isTcp ? IpProtocol.Tcp : IpProtocol.Udp;
  }

  /** 0: not the protocol, a fragment, or lengths that contradict each other. */
  #ipv4TransportOffset(): number {
    const ipLength = this.#fixedHeaderLength();
    if (ipLength < IPV4_HEADER_LENGTH || this.#view.getUint16(this.#at + 2) !== this.#length) return 0;
    if ((this.#view.getUint16(this.#at + 6) & IPV4_FRAGMENT_MASK) !== 0) return 0;
    if (this.#view.getUint8(this.#at + 9) !== this.#transportProtocol) return 0;
    return this.#needsChecksum && this.#virtioU16(VirtioField.ChecksumStart) !== ipLength ? 0 : ipLength;
  }

  #ipv6TransportOffset(): number {
    if (IPV6_HEADER_LENGTH + this.#view.getUint16(this.#at + 4) !== this.#length) return 0;
    const ipLength = this.#needsChecksum ? this.#virtioU16(VirtioField.ChecksumStart) : IPV6_HEADER_LENGTH;
    if (ipLength > IPV6_HEADER_LENGTH) return ipLength;
    const isNext = this.#view.getUint8(this.#at + 6) === this.#transportProtocol;
    return ipLength === IPV6_HEADER_LENGTH && isNext ? ipLength : 0;
  }

  /** 0: it does not fit, or the checksum is not where the protocol has it. */
  #transportHeaderLength(ipLength: number): number {
    const field = this.#isTcp ? TCP_CHECKSUM : UDP_CHECKSUM;
    if (this.#needsChecksum && this.#virtioU16(VirtioField.ChecksumOffset) !== field) return 0;
    const room = this.#length - ipLength;
    if (!this.#isTcp) return room < UDP_HEADER_LENGTH ? 0 : UDP_HEADER_LENGTH;
    if (room < TCP_HEADER_LENGTH) return 0;
    const length = (this.#view.getUint8(this.#at + ipLength + 12) >> 4) * 4;
    return length < TCP_HEADER_LENGTH || length > room ? 0 : length;
  }

  /** Of the next packet to be written, without its frame header. */
  #segmentLength(): number {
    if (this.#gsoType === GsoType.None) return this.#length;
    const payloadLeft = this.#length - this.#headerLength - this.#written * this.#segmentSize;
    return this.#headerLength + Math.min(this.#segmentSize, payloadLeft);
  }

  #writeSegment(to: number, length: number): void {
    const payload = this.#at + this.#headerLength + this.#written * this.#segmentSize;
    this.#memory.copyWithin(to, this.#at, this.#at + this.#headerLength);
    this.#memory.copyWithin(to + this.#headerLength, payload, payload + length - this.#headerLength);
    if (this.#ipv4) this.#finishIpv4Header(to, length);
    else this.#view.setUint16(to + 4, length - IPV6_HEADER_LENGTH);
    if (this.#isTcp) this.#finishTcpHeader(to + this.#ipLength);
    else this.#view.setUint16(to + this.#ipLength + 4, length - this.#ipLength);
    this.#writeChecksum(to, length);
  }

  #finishIpv4Header(to: number, length: number): void {
    const view = this.#view;
    view.setUint16(to + 2, length);
    view.setUint16(to + 4, view.getUint16(to + 4) + this.#written);
    view.setUint16(to + 10, 0);
    view.setUint16(to + 10, ~onesComplementSum(view, to, to + this.#ipLength, 0));
  }

  #finishTcpHeader(tcp: number): void {
    const view = this.#view;
    view.setUint32(tcp + 4, view.getUint32(tcp + 4) + this.#written * this.#segmentSize);
    let flags = view.getUint8(tcp + TCP_FLAGS);
    if (this.#written !== 0) flags &= ~TCP_CWR;
    if (this.#written !== this.#segments - 1) flags &= ~TCP_FIN_PSH;
    view.setUint8(tcp + TCP_FLAGS, flags);
  }

  #writeChecksum(to: number, length: number): void {
    const transport = to + this.#ipLength;
    const field = transport + (this.#isTcp ? TCP_CHECKSUM : UDP_CHECKSUM);
    this.#view.setUint16(field, 0);
    const pseudo = this.#transportProtocol + length - this.#ipLength;
    const [from, end] = this.#ipv4 ? [12, 20] : [8, 40];
    const addresses = onesComplementSum(this.#view, to + from, to + end, pseudo);
    const checksum = ~onesComplementSum(this.#view, transport, to + length, addresses) & 0xffff;
    this.#view.setUint16(field, this.#isTcp ? checksum : nonZero(checksum));
  }
}

/** A UDP checksum of zero would mean that there is none (RFC 768). */
function nonZero(checksum: number): number {
  return checksum === 0 ? 0xffff : checksum;
}
