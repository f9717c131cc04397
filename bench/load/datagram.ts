/**
 * The UDP packets of the load: plain IPv4, both checksums right, a sequence number at the start of the payload.
 * A packet is laid out once and then stamped for each sending, which costs the same for every length.
 */
import {
  IPV4_HEADER_LENGTH,
  IpProtocol,
  ipVersion,
  ipv4HeaderLength,
  ipv4Protocol,
  onesComplementSum,
} from '../../src/wire/ip.ts';
import { MIN_PACKET_LENGTH } from './protocol.ts';

/** Both ends of the load have it: what a host answers to a packet of the load is known by it too. The discard port (RFC 863). */
const LOAD_PORT = 9;

const SOURCE = 12;
const DESTINATION = 16;
const HEADER_CHECKSUM = 10;
const UDP = IPV4_HEADER_LENGTH;
const UDP_LENGTH = UDP + 4;
const UDP_CHECKSUM = UDP + 6;
const SEQUENCE = UDP + 8;
const DONT_FRAGMENT = 0x4000;
const TTL = 64;

export class Datagram {
  readonly #view: DataView;
  readonly #at: number;
  /** Sums of all that stays, the pseudo header's protocol and length included. */
  readonly #headerSum: number;
  readonly #udpSum: number;

  /** Lays the packet out at [at, at + length). @throws RangeError for a length that has no room for the headers */
  constructor(view: DataView, at: number, length: number, port = LOAD_PORT) {
    if (!(length >= MIN_PACKET_LENGTH))
      throw new RangeError(`a packet of the load has ${MIN_PACKET_LENGTH} bytes at least`);
    this.#view = view;
    this.#at = at;
    view.setUint16(at, 0x4500);
    view.setUint16(at + 2, length);
    view.setUint16(at + 4, 0);
    view.setUint16(at + 6, DONT_FRAGMENT);
    view.setUint16(at + 8, (TTL << 8) | IpProtocol.Udp);
    for (let next = HEADER_CHECKSUM; next < IPV4_HEADER_LENGTH; next += 2) view.setUint16(at + next, 0);
    view.setUint16(at + UDP, LOAD_PORT);
    view.setUint16(at + UDP + 2, port);
    view.setUint16(at + UDP_LENGTH, length - IPV4_HEADER_LENGTH);
    view.setUint16(at + UDP_CHECKSUM, 0);
    view.setUint32(at + SEQUENCE, 0);
    for (let next = MIN_PACKET_LENGTH; next < length; next++) view.setUint8(at + next, next & 0xff);
    this.#headerSum = onesComplementSum(view, at, at + IPV4_HEADER_LENGTH);
    const pseudoHeader = IpProtocol.Udp + length - IPV4_HEADER_LENGTH;
    this.#udpSum = onesComplementSum(view, at + UDP, at + length, pseudoHeader);
  }

  stamp(source: number, destination: number, sequence: number): void {
    const view = this.#view;
    const at = this.#at;
    const addresses = (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff);
    view.setUint32(at + SOURCE, source);
    view.setUint32(at + DESTINATION, destination);
    view.setUint32(at + SEQUENCE, sequence);
    view.setUint16(at + HEADER_CHECKSUM, checksum(this.#headerSum + addresses));
    // RFC 768: zero would say that there is no checksum.
    const udp = checksum(this.#udpSum + addresses + (sequence >>> 16) + (sequence & 0xffff));
    view.setUint16(at + UDP_CHECKSUM, udp === 0 ? 0xffff : udp);
  }
}

/** The sequence number of the load's packet at [at, at + length), or undefined when it is some other packet. */
export function sequenceOf(view: DataView, at: number, length: number): number | undefined {
  if (length < MIN_PACKET_LENGTH || ipVersion(view, at) !== 4 || ipv4Protocol(view, at) !== IpProtocol.Udp)
    return undefined;
  if (ipv4HeaderLength(view, at) !== IPV4_HEADER_LENGTH || view.getUint16(at + UDP + 2) !== LOAD_PORT) return undefined;
  return view.getUint32(at + SEQUENCE);
}

/** Of a sum of a few 16-bit numbers. */
function checksum(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return ((once & 0xffff) + (once >>> 16)) ^ 0xffff;
}
