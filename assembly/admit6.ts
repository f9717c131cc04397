/** Decides which IPv6 packets of a tunnel go on to the network. */
import { clampMssIpv6 } from './clamp-mss';
import { IPV6_HEADER_LENGTH, ipv6PayloadLength, ipVersion } from './ip';
import { isInPrefix } from './ipv6-prefix';
import { ENTRY_LENGTH, TABLE_ENTRIES } from './memory';
import { loadU16 } from './network-order';
import {
  entryAt,
  MARK_MALFORMED,
  MARK_NO_PREFIX,
  MARK_SPOOFED,
  MARK_TO_CONTROL,
  packetAt,
  packetLength,
  packetProtocol,
  PPP_IPV6,
  setPacketLength,
  setPacketProtocol,
} from './table';

const PREFIX_LENGTH_MAX: u32 = 128;
const SOURCE: u32 = 8;
const DESTINATION: u32 = 24;

/**
 * As `admit`, for the IPv6 entries of a tunnel whose prefix is the first `prefixLength` bits at `prefixAt`. With 0 every
 * source is accepted, with more than 128 every packet is refused.
 */
export function admit6(entries: u32, prefixAt: u32, prefixLength: u32, mss: u32): u32 {
  const end = entryAt(min(entries, TABLE_ENTRIES));
  let admitted: u32 = 0;
  for (let entry = entryAt(0); entry < end; entry += ENTRY_LENGTH) {
    if (packetProtocol(entry) != PPP_IPV6) continue;
    const at = packetAt(entry);
    const mark = judge(at, packetLength(entry), prefixAt, prefixLength);
    if (mark != PPP_IPV6) setPacketProtocol(entry, mark);
    if (mark != PPP_IPV6 && mark != MARK_TO_CONTROL) continue;
    const total = IPV6_HEADER_LENGTH + ipv6PayloadLength(at);
    setPacketLength(entry, total);
    if (mark == MARK_TO_CONTROL) continue;
    if (mss != 0) clampMssIpv6(at, total, mss);
    admitted++;
  }
  return admitted;
}

/** The protocol that the entry is to have: its own when the packet may pass. */
function judge(at: u32, length: u32, prefixAt: u32, prefixLength: u32): u32 {
  if (prefixLength > PREFIX_LENGTH_MAX) return MARK_NO_PREFIX;
  // Bytes behind the payload length are padding (RFC 1661, section 2) and allowed.
  if (length < IPV6_HEADER_LENGTH || ipVersion(at) != 6) return MARK_MALFORMED;
  if (IPV6_HEADER_LENGTH + ipv6PayloadLength(at) > length) return MARK_MALFORMED;
  if (isLinkLocal(at + SOURCE) && (isLinkLocal(at + DESTINATION) || isMulticast(at + DESTINATION))) {
    return MARK_TO_CONTROL;
  }
  return isInPrefix(at + SOURCE, prefixAt, prefixLength) ? PPP_IPV6 : MARK_SPOOFED;
}

/** fe80::/10 (RFC 4291, 2.5.6). */
function isLinkLocal(at: u32): bool {
  return (loadU16(at) & 0xffc0) == 0xfe80;
}

/** ff00::/8 (RFC 4291, 2.7). */
function isMulticast(at: u32): bool {
  return load<u8>(at) == 0xff;
}
