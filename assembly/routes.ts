/**
 * IPv4 address -> tunnel slot: open addressing with linear probing. A removal shifts later buckets of the
 * same run back instead of leaving a tombstone, so lookups stay short however often addresses come and go.
 *
 * An empty bucket has address 0: 0.0.0.0 is never a destination.
 *
 * Networks behind clients are few: they are looked for, among the prefixes of routes6.ts, when the address itself has no route.
 */
import { IPV4_HEADER_LENGTH, IPV6_HEADER_LENGTH, ipv4Destination, ipVersion } from './ip';
import { ROUTE_BUCKET_LENGTH, ROUTE_BUCKETS, ROUTES_AT } from './memory';
import { prefixAdd, prefixFind, prefixRemove, route6Find } from './routes6';

const EMPTY: u32 = 0;
const NONE: i32 = -1;
const IPV6_DESTINATION: u32 = 24;
const INDEX_MASK: u32 = ROUTE_BUCKETS - 1;
const INDEX_BITS: u32 = 17;
/** 2^32 / golden ratio: spreads neighbouring addresses, which is what a pool hands out, evenly (Knuth 6.4). */
const MULTIPLIER: u32 = 0x9e3779b1;
/** Three quarters; beyond that runs grow long. */
const ROUTES_MAX: u32 = (ROUTE_BUCKETS / 4) * 3;

/** The low half of an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) without its IPv4 address. */
const MAPPED: u64 = (0xffff as u64) << 32;
const MAPPED_LENGTH: u32 = 96;
const PREFIX_LENGTH_MAX: u32 = 32;

let routes: u32 = 0;
let networks: u32 = 0;

/** 1 when stored (a route that exists is replaced), 0 when refused. */
export function routeAdd(address: u32, slot: i32): u32 {
  if (address == EMPTY || slot < 0) return 0;
  const index = find(address);
  if (addressIn(index) == EMPTY) {
    if (routes == ROUTES_MAX) return 0;
    routes++;
  }
  writeBucket(index, address, slot);
  return 1;
}

/** 1 when there was a route, else 0. */
export function routeRemove(address: u32): u32 {
  let hole = find(address);
  if (addressIn(hole) == EMPTY) return 0;
  routes--;
  let next = hole;
  for (;;) {
    next = (next + 1) & INDEX_MASK;
    const moving = addressIn(next);
    if (moving == EMPTY) break;
    // The bucket may move into the hole when its own home is not between the hole and where it is now.
    if (distance(home(moving), next) >= distance(hole, next)) {
      writeBucket(hole, moving, slotIn(next));
      hole = next;
    }
  }
  writeBucket(hole, EMPTY, 0);
  return 1;
}

/** 1 when stored (a route that exists is replaced), 0 when refused. Bits behind the prefix do not matter. */
export function networkAdd(address: u32, prefixLength: u32, slot: i32): u32 {
  if (prefixLength > PREFIX_LENGTH_MAX || slot < 0) return 0;
  const removed = prefixRemove(0, mapped(address), MAPPED_LENGTH + prefixLength);
  const added = prefixAdd(0, mapped(address), MAPPED_LENGTH + prefixLength, slot);
  networks += added - removed;
  return added;
}

/** 1 when there was a route, else 0. */
export function networkRemove(address: u32, prefixLength: u32): u32 {
  if (prefixLength > PREFIX_LENGTH_MAX) return 0;
  const removed = prefixRemove(0, mapped(address), MAPPED_LENGTH + prefixLength);
  networks -= removed;
  return removed;
}

/** The slot for the packet's destination, IPv4 or IPv6, or -1. */
export function routeLookup(at: u32, length: u32): i32 {
  if (length < IPV4_HEADER_LENGTH) return NONE;
  const version = ipVersion(at);
  if (version != 4) return version == 6 && length >= IPV6_HEADER_LENGTH ? route6Find(at + IPV6_DESTINATION) : NONE;
  return route4Find(ipv4Destination(at));
}

/** The slot for an address, by the longest prefix, or -1. */
export function route4Find(address: u32): i32 {
  const index = find(address);
  if (addressIn(index) != EMPTY) return slotIn(index);
  return networks == 0 ? NONE : prefixFind(0, mapped(address), MAPPED_LENGTH);
}

function mapped(address: u32): u64 {
  return MAPPED | (address as u64);
}

/**
 * The bucket of `address`, or the empty one where it belongs. There always is one: the table is never full. For 0.0.0.0
 * it is an empty one.
 */
function find(address: u32): u32 {
  let index = home(address);
  let found = addressIn(index);
  while (found != address && found != EMPTY) {
    index = (index + 1) & INDEX_MASK;
    found = addressIn(index);
  }
  return index;
}

function home(address: u32): u32 {
  return (address * MULTIPLIER) >> (32 - INDEX_BITS);
}

/** Steps from one bucket forward to another, around the end. */
function distance(from: u32, to: u32): u32 {
  return (to - from) & INDEX_MASK;
}

function bucketAt(index: u32): u32 {
  return ROUTES_AT + index * ROUTE_BUCKET_LENGTH;
}

function addressIn(index: u32): u32 {
  return load<u32>(bucketAt(index));
}

function slotIn(index: u32): i32 {
  return load<i32>(bucketAt(index), 4);
}

function writeBucket(index: u32, address: u32, slot: i32): void {
  store<u32>(bucketAt(index), address);
  store<i32>(bucketAt(index), slot, 4);
}
