/** Completes the super-packets that coalescing has built: headers, virtio headers, I/O vectors for writev. */
import { checksum } from './checksum';
import { pseudoSum } from './coalesce-packet';
import {
  endOfRecords,
  firstAt,
  firstPiece,
  hasState,
  nextPiece,
  packets,
  pieceLength,
  pieceStart,
  segmentLength,
  STATE_PUSH,
  superLength,
} from './coalesce-record';
import { IPV4_HEADER_LENGTH, IPV6_HEADER_LENGTH, IP_PROTOCOL_TCP, ipv4Protocol, ipv6NextHeader, ipVersion } from './ip';
import {
  RECORD_LENGTH,
  RECORDS_AT,
  SUPER_LENGTH,
  SUPERS_AT,
  VECTOR_LENGTH,
  VECTORS_AT,
  VIRTIO_AT,
  VIRTIO_STRIDE,
} from './memory';
import { storeU16 } from './network-order';
import { TCP_CHECKSUM, TCP_CWR, TCP_FLAGS, TCP_PSH, tcpHeaderLength } from './tcp';
import { FLAG_NEEDS_CHECKSUM, GSO_ECN, GSO_TCP4, GSO_TCP6, GSO_UDP_L4 } from './virtio';

const VIRTIO_LENGTH: u32 = 10;

const UDP_HEADER_LENGTH: u32 = 8;
const UDP_LENGTH: u32 = 4;
const UDP_CHECKSUM: u32 = 6;

/** Of the linear memory in the process: I/O vectors hold the machine's addresses. */
let memoryBase: u64 = 0;

export function setMemoryBase(low: u32, high: u32): void {
  memoryBase = ((high as u64) << 32) | (low as u64);
}

/** Returns how many super-packets there are. Nothing may be gathered between this and the reset. */
export function gatherEnd(): u32 {
  const end = endOfRecords();
  let virtio = VIRTIO_AT;
  let vector = VECTORS_AT;
  let row = SUPERS_AT;
  for (let record = RECORDS_AT; record < end; record += RECORD_LENGTH) {
    const count = packets(record);
    if (count == 1) writeVirtio(virtio, 0, 0, 0, 0, 0, 0);
    else completeHeaders(record, virtio);
    store<u32>(row, (vector - VECTORS_AT) / VECTOR_LENGTH);
    store<u32>(row, count + 1, 4);
    store<u32>(row, VIRTIO_LENGTH + superLength(record), 8);
    store<u32>(row, count, 12);
    writeVector(vector, virtio, VIRTIO_LENGTH);
    vector += VECTOR_LENGTH;
    let piece = firstPiece(record);
    for (let left = count; ; left--) {
      writeVector(vector, pieceStart(piece), pieceLength(piece));
      vector += VECTOR_LENGTH;
      if (left == 1) break;
      piece = nextPiece(piece);
    }
    virtio += VIRTIO_STRIDE;
    row += SUPER_LENGTH;
  }
  return (row - SUPERS_AT) / SUPER_LENGTH;
}

/** The first packet's headers speak for the whole: lengths, PSH, the pseudo header's sum where the device puts the checksum. */
function completeHeaders(record: u32, virtio: u32): void {
  const at = firstAt(record);
  const length = superLength(record);
  const isIpv4 = ipVersion(at) == 4;
  const ipLength = isIpv4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH;
  const transport = at + ipLength;
  if (isIpv4) {
    storeU16(at + 2, length);
    storeU16(at + 10, 0);
    storeU16(at + 10, ~checksum(at, IPV4_HEADER_LENGTH, 0));
  } else {
    storeU16(at + 4, length - IPV6_HEADER_LENGTH);
  }
  const protocol = isIpv4 ? ipv4Protocol(at) : ipv6NextHeader(at);
  const segment = segmentLength(record);
  if (protocol == IP_PROTOCOL_TCP) {
    let flags: u32 = load<u8>(transport, TCP_FLAGS);
    if (hasState(record, STATE_PUSH)) flags |= TCP_PSH;
    store<u8>(transport, flags as u8, TCP_FLAGS);
    storeU16(transport + TCP_CHECKSUM, pseudoSum(at, length));
    const ecn = (flags & TCP_CWR) == 0 ? 0 : GSO_ECN;
    const headers = ipLength + tcpHeaderLength(transport);
    writeVirtio(
      virtio,
      FLAG_NEEDS_CHECKSUM,
      (isIpv4 ? GSO_TCP4 : GSO_TCP6) | ecn,
      headers,
      segment,
      ipLength,
      TCP_CHECKSUM,
    );
  } else {
    storeU16(transport + UDP_LENGTH, length - ipLength);
    storeU16(transport + UDP_CHECKSUM, pseudoSum(at, length));
    writeVirtio(virtio, FLAG_NEEDS_CHECKSUM, GSO_UDP_L4, ipLength + UDP_HEADER_LENGTH, segment, ipLength, UDP_CHECKSUM);
  }
}

/** struct virtio_net_hdr, little-endian. */
function writeVirtio(at: u32, flags: u32, type: u32, headers: u32, segment: u32, start: u32, offset: u32): void {
  store<u8>(at, flags as u8);
  store<u8>(at, type as u8, 1);
  store<u16>(at, headers as u16, 2);
  store<u16>(at, segment as u16, 4);
  store<u16>(at, start as u16, 6);
  store<u16>(at, offset as u16, 8);
}

/** struct iovec of a 64-bit machine. */
function writeVector(vector: u32, at: u32, length: u32): void {
  store<u64>(vector, memoryBase + (at as u64));
  store<u64>(vector, length as u64, 8);
}
