/**
 * Coalescing: packets from the tunnels become super-packets, in place, by the rules of Linux's GRO.
 *
 * 1. `gather` takes the packets of the table one by one. Each either extends the latest super-packet of its flow or begins one.
 * 2. `gatherEnd` (coalesce-end.ts) writes headers, virtio headers and I/O vectors.
 * 3. `gatherReset` forgets them, when the host has written them to the device.
 *
 * Order: super-packets are written in the order of their first packets, and a packet joins only the latest one of its flow. So no packet
 * overtakes another of its flow. One that may not join closes it. One whose flow is out of sight raises the barrier of its source: nothing
 * joins a super-packet that is older than that.
 */
import {
  examine,
  flowHash,
  hasRightChecksums,
  headersLength,
  ipHeaderLength,
  isSameFlow,
  SORT_ALONE,
  SORT_HIDDEN,
  SORT_MERGEABLE,
  SORT_OTHER,
  sourceHash,
} from './coalesce-packet';
import {
  addRecord,
  barrierOf,
  bucketOf,
  clearRecords,
  close,
  endOfRecords,
  extendRecord,
  firstAt,
  hasState,
  isFull,
  nextSequence,
  openRecord,
  packets,
  recordAt,
  segmentLength,
  setState,
  STATE_FIXED_ID,
  STATE_OPEN,
  STATE_PUSH,
  STATE_VERIFIED,
  superLength,
} from './coalesce-record';
import { countReceived } from './counters';
import { IP_PROTOCOL_TCP, ipv4Protocol, ipv6NextHeader, ipVersion } from './ip';
import {
  BARRIER_BITS,
  BARRIERS_AT,
  ENTRY_LENGTH,
  FLOW_BITS,
  FLOW_BUCKETS,
  FLOWS_AT,
  RECORD_LENGTH,
  RECORDS_AT,
  TABLE_AT,
  TABLE_ENTRIES,
} from './memory';
import { loadU16, loadU32 } from './network-order';
import { entryAt, packetAt, packetLength, packetProtocol, PPP_IPV4, PPP_IPV6 } from './table';
import {
  TCP_ACKNOWLEDGMENT,
  TCP_CWR,
  TCP_FLAGS,
  TCP_HEADER_LENGTH,
  TCP_OFFSET_FLAGS_WINDOW,
  TCP_PSH,
  TCP_SEQUENCE,
} from './tcp';

/** As Linux has it for UDP (UDP_GRO_CNT_MAX); for TCP it bounds the I/O vectors. */
const PACKETS_MAX: u32 = 64;
const SUPER_LENGTH_MAX: u32 = 65535;
/**
 * A flow that finds no bucket within so many steps stays unmerged. At a quarter of the buckets in use at most, it takes somebody who
 * chooses ports for their hash to get there; and then the steps are bounded.
 */
const PROBES: u32 = 32;
/** PSH and CWR may differ from the first segment's; all else of data offset, flags and window is equal. Loaded first byte lowest. */
const SAME_FLAGS: u32 = ~((TCP_PSH | TCP_CWR) << 8);
const DONT_FRAGMENT: u32 = 0x4000;

let gatheredEntries: u32 = 0;

/** Takes entries [from, entries) of the table, received from tunnel `slot`, until the records are full. Returns how many packets it took. */
export function gather(entries: u32, from: u32, slot: u32): u32 {
  const end = entryAt(min(entries, TABLE_ENTRIES));
  let entry = entryAt(min(from, TABLE_ENTRIES));
  let taken: u32 = 0;
  let bytes: u32 = 0;
  for (; entry < end; entry += ENTRY_LENGTH) {
    const protocol = packetProtocol(entry);
    if (protocol != PPP_IPV4 && protocol != PPP_IPV6) continue;
    if (isFull()) break;
    const length = packetLength(entry);
    take(packetAt(entry), length);
    bytes += length;
    taken++;
  }
  gatheredEntries = (entry - TABLE_AT) / ENTRY_LENGTH;
  if (taken != 0) countReceived(slot, taken, bytes);
  return taken;
}

/** The entry at which the last {@link gather} stopped. */
export function gathered(): u32 {
  return gatheredEntries;
}

/** Forgets all packets. */
export function gatherReset(): void {
  const end = endOfRecords();
  for (let record = RECORDS_AT; record < end; record += RECORD_LENGTH) {
    const bucket = bucketOf(record);
    if (bucket != 0) store<u16>(bucket, 0);
  }
  clearRecords();
}

function take(at: u32, length: u32): void {
  let sort = examine(at, length);
  if (sort == SORT_OTHER) {
    addRecord(at, length);
    return;
  }
  const barrier = barrierFor(at);
  if (sort == SORT_HIDDEN) {
    store<u32>(barrier, load<u32>(barrier) + 1);
    addRecord(at, length);
    return;
  }
  const bucket = findFlow(at);
  const latest = bucket == 0 ? 0 : recordIn(bucket);
  if (latest != 0 && hasState(latest, STATE_OPEN) && barrierOf(latest) == load<u32>(barrier)) {
    if (sort == SORT_MERGEABLE && mayJoin(latest, at, length) && isVerified(latest)) {
      if (hasRightChecksums(at, length)) {
        join(latest, at, length);
        return;
      }
      sort = SORT_ALONE;
    }
    close(latest);
  }
  const record = addRecord(at, length);
  if (sort == SORT_MERGEABLE && bucket != 0) begin(record, bucket, load<u32>(barrier), length);
}

/** Opens the record of a mergeable packet. Its checksums are looked at when a second one wants to join: most packets stay alone. */
function begin(record: u32, bucket: u32, barrier: u32, length: u32): void {
  const transport = firstAt(record) + ipHeaderLength;
  const segment = length - headersLength;
  if (isTcp(firstAt(record))) {
    if (load<u8>(transport, TCP_FLAGS) & TCP_PSH) return;
    openRecord(record, bucket, barrier, segment, loadU32(transport + TCP_SEQUENCE) + segment);
  } else {
    openRecord(record, bucket, barrier, segment, 0);
  }
  store<u16>(bucket, ((record - RECORDS_AT) / RECORD_LENGTH + 1) as u16);
}

function isVerified(record: u32): bool {
  if (hasState(record, STATE_VERIFIED)) return true;
  if (!hasRightChecksums(firstAt(record), superLength(record))) return false;
  setState(record, STATE_VERIFIED);
  return true;
}

/** Whether the packet follows on the record's: inet_gro_receive, ipv6_gro_receive, tcp_gro_receive and udp_gro_receive of Linux. */
function mayJoin(record: u32, at: u32, length: u32): bool {
  const payload = length - headersLength;
  if (payload > segmentLength(record)) return false;
  if (packets(record) == PACKETS_MAX || superLength(record) + payload > SUPER_LENGTH_MAX) return false;
  const first = firstAt(record);
  const hasSameIp = ipVersion(at) == 4 ? followsIpv4(record, first, at) : hasSameIpv6(first, at);
  return hasSameIp && (!isTcp(at) || followsTcp(record, first + ipHeaderLength, at + ipHeaderLength));
}

/** Type of service, DF and time to live are equal; identifications count on, or, where DF makes them meaningless, stay the same. */
function followsIpv4(record: u32, first: u32, at: u32): bool {
  const step = (loadU16(at + 4) - loadU16(first + 4)) & 0xffff;
  const count = packets(record);
  const hasFixedId = hasState(record, STATE_FIXED_ID);
  const mayBeFixed = count == 1 && (loadU16(at + 6) & DONT_FRAGMENT) != 0;
  return (
    load<u8>(first, 1) == load<u8>(at, 1) &&
    load<u16>(first, 6) == load<u16>(at, 6) &&
    load<u8>(first, 8) == load<u8>(at, 8) &&
    (step == (hasFixedId ? 0 : count) || (mayBeFixed && step == 0))
  );
}

/** Traffic class, flow label and hop limit are equal. */
function hasSameIpv6(first: u32, at: u32): bool {
  return load<u32>(first) == load<u32>(at) && load<u8>(first, 7) == load<u8>(at, 7);
}

function followsTcp(record: u32, first: u32, tcp: u32): bool {
  const flags = load<u32>(first, TCP_OFFSET_FLAGS_WINDOW) ^ load<u32>(tcp, TCP_OFFSET_FLAGS_WINDOW);
  if (
    loadU32(tcp + TCP_SEQUENCE) != nextSequence(record) ||
    load<u32>(first, TCP_ACKNOWLEDGMENT) != load<u32>(tcp, TCP_ACKNOWLEDGMENT) ||
    (flags & SAME_FLAGS) != 0 ||
    (load<u8>(tcp, TCP_FLAGS) & TCP_CWR) != 0
  ) {
    return false;
  }
  const options = headersLength - ipHeaderLength;
  for (let offset = TCP_HEADER_LENGTH; offset < options; offset += 4) {
    if (load<u32>(first + offset) != load<u32>(tcp + offset)) return false;
  }
  return true;
}

/** A shorter segment, or one with PSH, is the last of its super-packet. */
function join(record: u32, at: u32, length: u32): void {
  if (ipVersion(at) == 4 && load<u16>(at, 4) == load<u16>(firstAt(record), 4)) setState(record, STATE_FIXED_ID);
  const payload = length - headersLength;
  extendRecord(record, at + headersLength, payload);
  const isPush = isTcp(at) && (load<u8>(at + ipHeaderLength, TCP_FLAGS) & TCP_PSH) != 0;
  if (isPush) setState(record, STATE_PUSH);
  if (isPush || payload < segmentLength(record)) close(record);
}

function isTcp(at: u32): bool {
  return (ipVersion(at) == 4 ? ipv4Protocol(at) : ipv6NextHeader(at)) == IP_PROTOCOL_TCP;
}

/** The bucket of the packet's flow, an empty one for it, or 0. Buckets never empty before the reset, so a full run stays full. */
function findFlow(at: u32): u32 {
  let index = (flowHash(at) >> (64 - FLOW_BITS)) as u32;
  for (let probe: u32 = 0; probe < PROBES; probe++) {
    const bucket = FLOWS_AT + index * 2;
    const record = recordIn(bucket);
    if (record == 0 || isSameFlow(firstAt(record), at)) return bucket;
    index = (index + 1) & (FLOW_BUCKETS - 1);
  }
  return 0;
}

function recordIn(bucket: u32): u32 {
  const held: u32 = load<u16>(bucket);
  return held == 0 ? 0 : recordAt(held - 1);
}

/** Sources that share one barrier only lose a chance to merge. */
function barrierFor(at: u32): u32 {
  return BARRIERS_AT + ((sourceHash(at) >> (64 - BARRIER_BITS)) as u32) * 4;
}
