/** The twin of `assembly/clamp-mss.ts`: lowers the maximum segment size that a TCP SYN announces (RFC 9293, 3.7.1). */
import { IPV4_HEADER_LENGTH, IPV6_HEADER_LENGTH, IpProtocol, TCP_HEADER_LENGTH } from '../wire/ip.ts';

const FRAGMENT_OFFSET_MASK = 0x1fff;

const TCP_FLAGS = 13;
const TCP_SYN = 0x02;
const TCP_CHECKSUM = 16;

const TcpOption = { End: 0, Nop: 1, MaximumSegmentSize: 2 } as const;
const MSS_OPTION_LENGTH = 4;

/** For an IPv4 packet of `length` (>= 20) bytes at `at`. What is not a whole TCP SYN header is left as it is. */
export function clampMssIpv4(view: DataView, at: number, length: number, mss: number): void {
  const versionAndLength = view.getUint8(at);
  if (versionAndLength >> 4 !== 4 || view.getUint8(at + 9) !== IpProtocol.Tcp) return;
  if ((view.getUint16(at + 6) & FRAGMENT_OFFSET_MASK) !== 0) return;
  const headerLength = (versionAndLength & 0x0f) * 4;
  const tcp = at + headerLength;
  if (headerLength < IPV4_HEADER_LENGTH) return;
  clampSyn(view, tcp, at + Math.min(length, view.getUint16(at + 2)), mss);
}

/** For an IPv6 packet of `length` (>= 40) bytes at `at`. A SYN behind extension headers is left as it is. */
export function clampMssIpv6(view: DataView, at: number, length: number, mss: number): void {
  if (view.getUint8(at) >> 4 !== 6 || view.getUint8(at + 6) !== IpProtocol.Tcp) return;
  const total = IPV6_HEADER_LENGTH + view.getUint16(at + 4);
  clampSyn(view, at + IPV6_HEADER_LENGTH, at + Math.min(length, total), mss);
}

/** For the TCP segment [tcp, end), which may be cut short. */
function clampSyn(view: DataView, tcp: number, end: number, mss: number): void {
  if (tcp + TCP_HEADER_LENGTH > end) return;
  if ((view.getUint8(tcp + TCP_FLAGS) & TCP_SYN) === 0) return;
  const optionsEnd = tcp + (view.getUint8(tcp + 12) >> 4) * 4;
  if (optionsEnd > end) return;
  const option = findMssOption(view, tcp + TCP_HEADER_LENGTH, optionsEnd);
  if (option === -1) return;
  const announced = view.getUint16(option + 2);
  if (announced <= mss) return;
  view.setUint16(option + 2, mss);
  const isOdd = ((option - tcp) & 1) !== 0;
  const checksum = view.getUint16(tcp + TCP_CHECKSUM);
  const amended = isOdd
    ? amendChecksum(checksum, swapBytes(announced), swapBytes(mss))
    : amendChecksum(checksum, announced, mss);
  view.setUint16(tcp + TCP_CHECKSUM, amended);
}

/** Where the MSS option starts, or -1. An option that does not fit in front of `end` ends the walk. */
function findMssOption(view: DataView, at: number, end: number): number {
  for (let option = at; option < end;) {
    const kind = view.getUint8(option);
    if (kind === TcpOption.End) return -1;
    if (kind === TcpOption.Nop) {
      option += 1;
      continue;
    }
    if (option + 2 > end) return -1;
    const length = view.getUint8(option + 1);
    if (length < 2 || option + length > end) return -1;
    if (kind === TcpOption.MaximumSegmentSize && length === MSS_OPTION_LENGTH) return option;
    option += length;
  }
  return -1;
}

/** RFC 1624, equation 3: HC' = ~(~HC + ~m + m'). */
function amendChecksum(checksum: number, before: number, after: number): number {
  let sum = (~checksum & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function swapBytes(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}
