/** Lowers the maximum segment size that a TCP SYN announces (RFC 9293, section 3.7.1). */
import {
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  IP_PROTOCOL_TCP,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4TotalLength,
  ipv6NextHeader,
  ipv6PayloadLength,
  ipVersion,
} from './ip';
import { loadU16, storeU16 } from './network-order';
import { TCP_CHECKSUM, TCP_FLAGS, TCP_HEADER_LENGTH, TCP_SYN, tcpHeaderLength } from './tcp';

const OPTION_END: u32 = 0;
const OPTION_NOP: u32 = 1;
const OPTION_MSS: u32 = 2;
const OPTION_MSS_LENGTH: u32 = 4;

/**
 * For an IPv4 packet of `length` (>= 20) bytes at `at`. Whatever is not a whole TCP SYN header, a later fragment for
 * example, is left as it is.
 */
export function clampMssIpv4(at: u32, length: u32, mss: u32): void {
  if (ipVersion(at) != 4 || ipv4Protocol(at) != IP_PROTOCOL_TCP || ipv4FragmentOffset(at) != 0) return;
  const headerLength = ipv4HeaderLength(at);
  const end = min(length, ipv4TotalLength(at));
  if (headerLength < IPV4_HEADER_LENGTH || end < headerLength + TCP_HEADER_LENGTH) return;
  clampSyn(at + headerLength, end - headerLength, mss);
}

/** For an IPv6 packet of `length` (>= 40) bytes at `at`. A SYN behind extension headers is left as it is. */
export function clampMssIpv6(at: u32, length: u32, mss: u32): void {
  if (ipVersion(at) != 6 || ipv6NextHeader(at) != IP_PROTOCOL_TCP) return;
  const end = min(length, IPV6_HEADER_LENGTH + ipv6PayloadLength(at));
  if (end < IPV6_HEADER_LENGTH + TCP_HEADER_LENGTH) return;
  clampSyn(at + IPV6_HEADER_LENGTH, end - IPV6_HEADER_LENGTH, mss);
}

/** For a TCP header and what follows, `length` (>= 20) bytes at `tcp`. */
function clampSyn(tcp: u32, length: u32, mss: u32): void {
  if ((load<u8>(tcp, TCP_FLAGS) & TCP_SYN) == 0) return;
  const dataOffset = tcpHeaderLength(tcp);
  if (dataOffset < TCP_HEADER_LENGTH || dataOffset > length) return;
  clampOption(tcp, dataOffset, mss);
}

/** Walks the options; one that does not fit in the header ends the walk. */
function clampOption(tcp: u32, dataOffset: u32, mss: u32): void {
  let offset = TCP_HEADER_LENGTH;
  while (offset < dataOffset) {
    const kind: u32 = load<u8>(tcp + offset);
    if (kind == OPTION_END) return;
    if (kind == OPTION_NOP) {
      offset++;
      continue;
    }
    if (dataOffset - offset < 2) return;
    const optionLength: u32 = load<u8>(tcp + offset, 1);
    if (optionLength < 2 || optionLength > dataOffset - offset) return;
    if (kind == OPTION_MSS && optionLength == OPTION_MSS_LENGTH) {
      const value = loadU16(tcp + offset + 2);
      if (value > mss) {
        storeU16(tcp + offset + 2, mss);
        amendChecksum(tcp + TCP_CHECKSUM, value, mss, offset & 1);
      }
      return;
    }
    offset += optionLength;
  }
}

/**
 * RFC 1624, equation 3: HC' = ~(~HC + ~m + m'). A field at an odd offset covers halves of two checksum words; with its
 * bytes swapped it has the same weight (RFC 1071, section 2 (B)).
 */
function amendChecksum(at: u32, before: u32, after: u32, odd: u32): void {
  const was = odd ? swapBytes(before) : before;
  const is = odd ? swapBytes(after) : after;
  let sum = (~loadU16(at) & 0xffff) + (~was & 0xffff) + is;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  storeU16(at, ~sum & 0xffff);
}

function swapBytes(value: u32): u32 {
  return ((value & 0xff) << 8) | (value >> 8);
}
