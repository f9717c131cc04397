/** Decides which IPv6 packets of a tunnel go on to the network. */
import { clampMssIpv6 } from './clamp-mss';
import { IPV6_HEADER_LENGTH, ipv6PayloadLength, ipVersion } from './ip';
import { loadHigh, loadLow } from './ipv6-prefix';
import { ENTRY_LENGTH, TABLE_ENTRIES } from './memory';
import { loadU16 } from './network-order';
import { route6Find } from './routes6';
import {
  entryAt,
  MARK_MALFORMED,
  MARK_SPOOFED,
  MARK_TO_CONTROL,
  packetAt,
  packetLength,
  packetProtocol,
  PPP_IPV6,
  setPacketLength,
  setPacketProtocol,
} from './table';

const SOURCE: u32 = 8;
const DESTINATION: u32 = 24;
/** The widest scope that a router does not pass on (RFC 4291, 2.7). */
const SCOPE_LINK: u32 = 2;

/** The source that was found good last: bulk traffic has one, and a lookup for each of its packets would be waste. */
let goodHigh: u64 = 0;
let goodLow: u64 = 0;

/** As `admit`, for the IPv6 entries of a tunnel to which all of its source addresses are routed. A slot below 0 accepts every source. */
export function admit6(entries: u32, slot: i32, mss: u32): u32 {
  const end = entryAt(min(entries, TABLE_ENTRIES));
  let admitted: u32 = 0;
  goodHigh = 0;
  goodLow = 0;
  for (let entry = entryAt(0); entry < end; entry += ENTRY_LENGTH) {
    if (packetProtocol(entry) != PPP_IPV6) continue;
    const at = packetAt(entry);
    const mark = judge(at, packetLength(entry), slot);
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
function judge(at: u32, length: u32, slot: i32): u32 {
  // Bytes behind the payload length are padding (RFC 1661, section 2) and allowed.
  if (length < IPV6_HEADER_LENGTH || ipVersion(at) != 6) return MARK_MALFORMED;
  if (IPV6_HEADER_LENGTH + ipv6PayloadLength(at) > length) return MARK_MALFORMED;
  const staysOnLink = isLinkLocal(at + DESTINATION) || isLinkMulticast(at + DESTINATION);
  if (staysOnLink && isNeighbour(at + SOURCE)) return MARK_TO_CONTROL;
  if (slot >= 0 && !isRouted(at + SOURCE, slot)) return MARK_SPOOFED;
  return staysOnLink ? MARK_TO_CONTROL : PPP_IPV6;
}

function isRouted(at: u32, slot: i32): bool {
  const high = loadHigh(at);
  const low = loadLow(at);
  if (high == goodHigh && low == goodLow && (high | low) != 0) return true;
  if (route6Find(at) != slot) return false;
  goodHigh = high;
  goodLow = low;
  return true;
}

/** A link-local address, or none yet: who looks whether an address is free has none (RFC 4862, 5.4.2). */
function isNeighbour(at: u32): bool {
  return isLinkLocal(at) || (loadHigh(at) | loadLow(at)) == 0;
}

/** fe80::/10 (RFC 4291, 2.5.6). */
function isLinkLocal(at: u32): bool {
  return (loadU16(at) & 0xffc0) == 0xfe80;
}

function isLinkMulticast(at: u32): bool {
  return (loadU16(at) & 0xff0f) - 0xff00 <= SCOPE_LINK;
}
