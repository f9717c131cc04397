/** Decides which IPv4 packets of a tunnel go on to the network. */
import { clampMssIpv4 } from './clamp-mss';
import { IPV4_HEADER_LENGTH, ipv4HeaderLength, ipv4Source, ipv4TotalLength, ipVersion } from './ip';
import { ENTRY_LENGTH, TABLE_ENTRIES } from './memory';
import {
  entryAt,
  MARK_MALFORMED,
  MARK_SPOOFED,
  packetAt,
  packetLength,
  packetProtocol,
  PPP_IPV4,
  setPacketLength,
  setPacketProtocol,
} from './table';

/**
 * Marks refused IPv4 entries, trims the others to their total length and clamps their MSS (`mss` 0 = off). `source` 0
 * accepts every source address. Returns how many IPv4 entries are left.
 */
export function admit(entries: u32, source: u32, mss: u32): u32 {
  const end = entryAt(min(entries, TABLE_ENTRIES));
  let admitted: u32 = 0;
  for (let entry = entryAt(0); entry < end; entry += ENTRY_LENGTH) {
    if (packetProtocol(entry) != PPP_IPV4) continue;
    const at = packetAt(entry);
    const length = packetLength(entry);
    if (!isWholeIpv4(at, length)) {
      setPacketProtocol(entry, MARK_MALFORMED);
    } else if (source != 0 && ipv4Source(at) != source) {
      setPacketProtocol(entry, MARK_SPOOFED);
    } else {
      const total = ipv4TotalLength(at);
      setPacketLength(entry, total);
      if (mss != 0) clampMssIpv4(at, total, mss);
      admitted++;
    }
  }
  return admitted;
}

/** Bytes behind the total length are padding (RFC 1661, section 2) and allowed. */
function isWholeIpv4(at: u32, length: u32): bool {
  if (length < IPV4_HEADER_LENGTH || ipVersion(at) != 4) return false;
  const headerLength = ipv4HeaderLength(at);
  const total = ipv4TotalLength(at);
  return headerLength >= IPV4_HEADER_LENGTH && headerLength <= total && total <= length;
}
