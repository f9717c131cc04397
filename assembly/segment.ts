/**
 * From one read of the network device to the SSTP packets of a tunnel: checksum completion, TCP and UDP segmentation,
 * framing.
 *
 * 1. `segmentBegin` holds the virtio header against the packet's own headers and refuses what contradicts itself. For a
 *    super-packet it sums, once, what the headers of all segments have in common.
 * 2. `segmentInto` writes segment after segment: SSTP and PPP header, the headers as they came, the payload, which is
 *    summed while it is copied; then the few fields that differ, and the checksums over common sum, fields and payload.
 *
 * The packet itself is not changed. The fields of the segments are those that Linux would have sent (tcp_gso_segment,
 * __udp_gso_segment, inet_gso_segment). The kernel's hdr_len is a hint and is not read.
 */
import { copySum, foldSum, sumBytes } from './checksum';
import { clampMssIpv4, clampMssIpv6 } from './clamp-mss';
import { copyBytes } from './copy';
import { FRAME_HEADER_LENGTH, FRAMED_LENGTH_MAX, pppProtocol, writeFrameHeader } from './frame';
import {
  IP_PROTOCOL_TCP,
  IP_PROTOCOL_UDP,
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  ipv4HeaderLength,
  ipv4IsFragment,
  ipv4Protocol,
  ipv4TotalLength,
  ipv6NextHeader,
  ipv6PayloadLength,
} from './ip';
import { loadU16, loadU32, storeU16 } from './network-order';
import { ERROR_GSO_TYPE, ERROR_MALFORMED, ERROR_TOO_LONG } from './path-error';
import { PPP_IPV4 } from './table';
import {
  TCP_CHECKSUM,
  TCP_CWR,
  TCP_FIN,
  TCP_FLAGS,
  TCP_HEADER_LENGTH,
  TCP_PSH,
  TCP_SEQUENCE,
  tcpHeaderLength,
} from './tcp';
import {
  checksumOffset,
  checksumStart,
  GSO_NONE,
  GSO_TCP4,
  GSO_TCP6,
  GSO_UDP_L4,
  gsoSize,
  gsoType,
  needsChecksum,
} from './virtio';

const IPV4_LENGTH: u32 = 2;
const IPV4_ID: u32 = 4;
const IPV4_CHECKSUM: u32 = 10;
const IPV4_ADDRESSES: u32 = 12;
const IPV4_ADDRESSES_LENGTH: u32 = 8;
const IPV6_LENGTH: u32 = 4;
const IPV6_ADDRESSES: u32 = 8;
const IPV6_ADDRESSES_LENGTH: u32 = 32;

/** By so much is IPv6's header longer than IPv4's, and the MSS smaller. */
const IPV6_HEADER_EXCESS: u32 = IPV6_HEADER_LENGTH - IPV4_HEADER_LENGTH;

/** Data offset and flags, as one 16-bit word. */
const TCP_OFFSET_FLAGS: u32 = TCP_FLAGS - 1;
/** In that word as it is loaded, first byte lowest. */
const FIN_PSH: u32 = (TCP_FIN | TCP_PSH) << 8;
const CWR: u32 = TCP_CWR << 8;

const UDP_HEADER_LENGTH: u32 = 8;
const UDP_PORTS_LENGTH: u32 = 4;
const UDP_LENGTH: u32 = 4;
const UDP_CHECKSUM: u32 = 6;

/** What stands for a UDP checksum of zero, which would mean that there is none (RFC 768). */
const CHECKSUM_ZERO: u32 = 0xffff;

// --- the packet at hand

/** Segments that are still to be written. */
let segmentsLeft: u32 = 0;
/** Of all that segmentBegin announced, SSTP and PPP headers included. */
let framedBytes: u32 = 0;
let packetAt: u32 = 0;
let packetLength: u32 = 0;
let pppNumber: u32 = 0;
let isSuperPacket = false;

/** Of a plain packet. */
let mssLimit: u32 = 0;
/** 0: the checksum is complete. Else where summing begins and where the sum goes, from the start of the packet. */
let sumStart: u32 = 0;
let sumField: u32 = 0;

/** Of a super-packet: bytes of all headers, and of the IP headers alone. */
let headerLength: u32 = 0;
let transportOffset: u32 = 0;
let isTcp = false;
let segmentSize: u32 = 0;
let payloadAt: u32 = 0;
let segmentIndex: u32 = 0;
/** Little-endian sums of what all segments share: the IPv4 header, and pseudo header with transport header. */
let ipv4Sum: u64 = 0;
let transportSum: u64 = 0;

/** Takes up the packet whose virtio header lies in front of it. Returns how many it will be, or a negative code. */
export function segmentBegin(at: u32, length: u32, mss: u32): i32 {
  segmentsLeft = 0;
  framedBytes = 0;
  const protocol = pppProtocol(at, length);
  if (protocol < 0) return protocol;
  packetAt = at;
  packetLength = length;
  pppNumber = protocol;
  isSuperPacket = gsoType(at) != GSO_NONE;
  const error = isSuperPacket ? beginSuperPacket() : beginPlain(mss);
  return error != 0 ? error : (segmentsLeft as i32);
}

/** Bytes that {@link segmentInto} will write in all for the packet of the last {@link segmentBegin}. */
export function segmentBytes(): u32 {
  return framedBytes;
}

/** Writes the next segments, as many as fit. Returns the bytes written. */
export function segmentInto(to: u32, room: u32): u32 {
  if (!isSuperPacket) {
    if (segmentsLeft == 0 || room < framedBytes) return 0;
    segmentsLeft = 0;
    writePlain(to);
    return framedBytes;
  }
  const payloadEnd = packetAt + packetLength;
  let written: u32 = 0;
  while (segmentsLeft != 0) {
    const payloadLength = min(segmentSize, payloadEnd - payloadAt);
    const framed = FRAME_HEADER_LENGTH + headerLength + payloadLength;
    if (framed > room - written) break;
    writeSegment(to + written, payloadLength);
    written += framed;
    payloadAt += payloadLength;
    segmentIndex++;
    segmentsLeft--;
  }
  return written;
}

// --- plain packets

function beginPlain(mss: u32): i32 {
  if (packetLength > FRAMED_LENGTH_MAX) return ERROR_TOO_LONG;
  sumStart = 0;
  if (needsChecksum(packetAt)) {
    sumStart = checksumStart(packetAt);
    sumField = sumStart + checksumOffset(packetAt);
    const ipLength = pppNumber == PPP_IPV4 ? ipv4HeaderLength(packetAt) : IPV6_HEADER_LENGTH;
    if (ipLength < IPV4_HEADER_LENGTH || sumStart < ipLength || sumField + 2 > packetLength) return ERROR_MALFORMED;
  }
  mssLimit = mss;
  framedBytes = FRAME_HEADER_LENGTH + packetLength;
  segmentsLeft = 1;
  return 0;
}

function writePlain(to: u32): void {
  writeFrameHeader(to, packetLength, pppNumber);
  const packet = to + FRAME_HEADER_LENGTH;
  if (sumStart == 0) {
    memory.copy(packet, packetAt, packetLength);
  } else {
    copyBytes(packet, packetAt, sumStart);
    // The field holds the sum over the pseudo header, and so takes part in it.
    const sum = copySum(packet + sumStart, packetAt + sumStart, packetLength - sumStart);
    store<u16>(packet + sumField, nonZero(~foldSum(sum)) as u16);
  }
  if (mssLimit == 0) return;
  if (pppNumber == PPP_IPV4) clampMssIpv4(packet, packetLength, mssLimit);
  else clampMssIpv6(packet, packetLength, mssLimit - min(mssLimit, IPV6_HEADER_EXCESS));
}

// --- super-packets

function beginSuperPacket(): i32 {
  const type = gsoType(packetAt);
  isTcp = type != GSO_UDP_L4;
  if (isTcp && type != GSO_TCP4 && type != GSO_TCP6) return ERROR_GSO_TYPE;
  const isIpv4 = pppNumber == PPP_IPV4;
  if (isTcp && (type == GSO_TCP4) != isIpv4) return ERROR_MALFORMED;
  const ipLength = isIpv4 ? ipv4TransportOffset() : ipv6TransportOffset();
  if (ipLength == 0) return ERROR_MALFORMED;
  const transportLength = transportHeaderLength(ipLength);
  segmentSize = gsoSize(packetAt);
  if (transportLength == 0 || segmentSize == 0) return ERROR_MALFORMED;

  transportOffset = ipLength;
  headerLength = ipLength + transportLength;
  const payloadLength = packetLength - headerLength;
  if (headerLength + min(segmentSize, payloadLength) > FRAMED_LENGTH_MAX) return ERROR_TOO_LONG;
  // A packet without payload, or with little of it, is a segment by itself.
  segmentsLeft = max<u32>(1, (payloadLength + segmentSize - 1) / segmentSize);
  framedBytes = segmentsLeft * (FRAME_HEADER_LENGTH + headerLength) + payloadLength;
  payloadAt = packetAt + headerLength;
  segmentIndex = 0;
  sumHeaders();
  return 0;
}

/** Bytes of the IP header in front of TCP or UDP; 0: there is none, or lengths do not fit, or it is a fragment. */
function ipv4TransportOffset(): u32 {
  const ipLength = ipv4HeaderLength(packetAt);
  if (ipLength < IPV4_HEADER_LENGTH || ipv4TotalLength(packetAt) != packetLength) return 0;
  if (ipv4Protocol(packetAt) != transportProtocol() || ipv4IsFragment(packetAt)) return 0;
  return needsChecksum(packetAt) && checksumStart(packetAt) != ipLength ? 0 : ipLength;
}

/** Where extension headers end, only the start of the checksum tells. */
function ipv6TransportOffset(): u32 {
  if (IPV6_HEADER_LENGTH + ipv6PayloadLength(packetAt) != packetLength) return 0;
  const ipLength = needsChecksum(packetAt) ? checksumStart(packetAt) : IPV6_HEADER_LENGTH;
  if (ipLength < IPV6_HEADER_LENGTH) return 0;
  return ipLength == IPV6_HEADER_LENGTH && ipv6NextHeader(packetAt) != transportProtocol() ? 0 : ipLength;
}

/** 0: it does not fit in the packet, or the checksum's place is not where the protocol has it. */
function transportHeaderLength(ipLength: u32): u32 {
  const field = isTcp ? TCP_CHECKSUM : UDP_CHECKSUM;
  if (needsChecksum(packetAt) && checksumOffset(packetAt) != field) return 0;
  const least = isTcp ? TCP_HEADER_LENGTH : UDP_HEADER_LENGTH;
  if (ipLength + least > packetLength) return 0;
  if (!isTcp) return UDP_HEADER_LENGTH;
  const length = tcpHeaderLength(packetAt + ipLength);
  return length < least || ipLength + length > packetLength ? 0 : length;
}

function transportProtocol(): u32 {
  return isTcp ? IP_PROTOCOL_TCP : IP_PROTOCOL_UDP;
}

/** Fields that differ from segment to segment are taken out again: each word was counted once. */
function sumHeaders(): void {
  const transport = packetAt + transportOffset;
  let addresses: u64;
  if (pppNumber == PPP_IPV4) {
    addresses = sumBytes(packetAt + IPV4_ADDRESSES, IPV4_ADDRESSES_LENGTH);
    ipv4Sum = sumBytes(packetAt, transportOffset);
    ipv4Sum -= load<u16>(packetAt, IPV4_LENGTH);
    ipv4Sum -= load<u16>(packetAt, IPV4_ID);
    ipv4Sum -= load<u16>(packetAt, IPV4_CHECKSUM);
  } else {
    addresses = sumBytes(packetAt + IPV6_ADDRESSES, IPV6_ADDRESSES_LENGTH);
  }
  transportSum = addresses + bswap<u16>(transportProtocol() as u16);
  if (isTcp) {
    transportSum += sumBytes(transport, headerLength - transportOffset);
    transportSum -= load<u16>(transport, TCP_SEQUENCE);
    transportSum -= load<u16>(transport, TCP_SEQUENCE + 2);
    transportSum -= load<u16>(transport, TCP_OFFSET_FLAGS);
    transportSum -= load<u16>(transport, TCP_CHECKSUM);
  } else {
    transportSum += sumBytes(transport, UDP_PORTS_LENGTH);
  }
}

function writeSegment(to: u32, payloadLength: u32): void {
  const length = headerLength + payloadLength;
  writeFrameHeader(to, length, pppNumber);
  const packet = to + FRAME_HEADER_LENGTH;
  copyBytes(packet, packetAt, headerLength);
  const payloadSum = copySum(packet + headerLength, payloadAt, payloadLength);
  if (pppNumber == PPP_IPV4) writeIpv4Fields(packet, length);
  else storeU16(packet + IPV6_LENGTH, length - IPV6_HEADER_LENGTH);
  const transport = packet + transportOffset;
  const transportLength = length - transportOffset;
  if (isTcp) writeTcpFields(transport, transportLength, payloadSum);
  else writeUdpFields(transport, transportLength, payloadSum);
}

/** Each segment has an identification of its own, counted up from the super-packet's. */
function writeIpv4Fields(packet: u32, length: u32): void {
  const total: u32 = bswap<u16>(length as u16);
  const id: u32 = bswap<u16>((loadU16(packetAt + IPV4_ID) + segmentIndex) as u16);
  store<u16>(packet, total as u16, IPV4_LENGTH);
  store<u16>(packet, id as u16, IPV4_ID);
  store<u16>(packet, ~foldSum(ipv4Sum + total + id) as u16, IPV4_CHECKSUM);
}

/** FIN and PSH belong to the last segment, CWR to the first (RFC 3168, section 6.1.2). */
function writeTcpFields(tcp: u32, length: u32, payloadSum: u64): void {
  const sequence = bswap<u32>(loadU32(packetAt + transportOffset + TCP_SEQUENCE) + segmentIndex * segmentSize);
  let flags: u32 = load<u16>(packetAt + transportOffset, TCP_OFFSET_FLAGS);
  if (segmentIndex != 0) flags &= ~CWR;
  if (segmentsLeft != 1) flags &= ~FIN_PSH;
  store<u32>(tcp, sequence, TCP_SEQUENCE);
  store<u16>(tcp, flags as u16, TCP_OFFSET_FLAGS);
  const sum = transportSum + payloadSum + sequence + flags + bswap<u16>(length as u16);
  store<u16>(tcp, ~foldSum(sum) as u16, TCP_CHECKSUM);
}

function writeUdpFields(udp: u32, length: u32, payloadSum: u64): void {
  const lengthField: u32 = bswap<u16>(length as u16);
  store<u16>(udp, lengthField as u16, UDP_LENGTH);
  // The length is in the pseudo header too.
  store<u16>(udp, nonZero(~foldSum(transportSum + payloadSum + 2 * lengthField)) as u16, UDP_CHECKSUM);
}

/** The 16 bits of a checksum, zero avoided. */
function nonZero(value: u32): u32 {
  const sum = value & 0xffff;
  return sum == 0 ? CHECKSUM_ZERO : sum;
}
