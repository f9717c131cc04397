/** Decides which IPv4 packets of a tunnel go on to the network. */
import { clampMssIpv4 } from './clamp-mss';
import {
  destinationPort,
  IP_PROTOCOL_UDP,
  IPV4_HEADER_LENGTH,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4IsFragment,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  ipVersion,
} from './ip';
import { ENTRY_LENGTH, TABLE_ENTRIES } from './memory';
import { route4Find } from './routes';
import {
  entryAt,
  MARK_MALFORMED,
  MARK_SPOOFED,
  MARK_TO_CONTROL,
  packetAt,
  packetLength,
  packetProtocol,
  PPP_IPV4,
  setPacketLength,
  setPacketProtocol,
} from './table';

const BROADCAST: u32 = 0xffffffff;
const DHCP_SERVER_PORT: u32 = 67;
const UDP_HEADER_LENGTH: u32 = 8;

let dhcpServerAddress: u32 = 0;

/** Whose DHCP messages are for the control side, beside broadcast ones; 0 = none are. */
export function dhcpServer(address: u32): void {
  dhcpServerAddress = address;
}

/**
 * Marks refused IPv4 entries and those for the control side, trims the others to their total length and clamps their MSS
 * (`mss` 0 = off). `source` is the tunnel's own address, which nearly every packet has; a network behind it is found by
 * its route to `slot`. 0 accepts every source address. Returns how many IPv4 entries are left.
 */
export function admit(entries: u32, source: u32, slot: i32, mss: u32): u32 {
  const end = entryAt(min(entries, TABLE_ENTRIES));
  let admitted: u32 = 0;
  for (let entry = entryAt(0); entry < end; entry += ENTRY_LENGTH) {
    if (packetProtocol(entry) != PPP_IPV4) continue;
    const at = packetAt(entry);
    const length = packetLength(entry);
    if (!isWholeIpv4(at, length)) {
      setPacketProtocol(entry, MARK_MALFORMED);
    } else if (source != 0 && ipv4Source(at) != source && !isRouted(ipv4Source(at), slot)) {
      setPacketProtocol(entry, MARK_SPOOFED);
    } else {
      const total = ipv4TotalLength(at);
      setPacketLength(entry, total);
      if (isForDhcpServer(at, total)) {
        setPacketProtocol(entry, MARK_TO_CONTROL);
        continue;
      }
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

function isRouted(source: u32, slot: i32): bool {
  return slot >= 0 && route4Find(source) == slot;
}

function isForDhcpServer(at: u32, total: u32): bool {
  if (ipv4Protocol(at) != IP_PROTOCOL_UDP || dhcpServerAddress == 0 || ipv4IsFragment(at)) return false;
  const destination = ipv4Destination(at);
  const headerLength = ipv4HeaderLength(at);
  return (
    (destination == BROADCAST || destination == dhcpServerAddress) &&
    total >= headerLength + UDP_HEADER_LENGTH &&
    destinationPort(at, headerLength) == DHCP_SERVER_PORT
  );
}
