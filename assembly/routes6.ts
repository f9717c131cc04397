/**
 * IPv6 prefix -> tunnel slot, the longest prefix first. One table as in routes.ts (open addressing, linear
 * probing, removals shift back) holds the prefixes of all lengths; a lookup tries each length that is present, and a
 * gateway has one or two. IPv4 networks lie here too, as IPv4-mapped prefixes (RFC 4291, 2.5.5.2): no packet has such addresses.
 *
 * An empty bucket has prefix length + 1 = 0.
 */
import { highMask, loadHigh, loadLow, lowMask } from './ipv6-prefix';
import { ROUTE6_BUCKET_LENGTH, ROUTE6_BUCKETS, ROUTE6_COUNTS_AT, ROUTE6_LENGTHS_AT, ROUTES6_AT } from './memory';

const NONE: i32 = -1;
const PREFIX_LENGTH_MAX: u32 = 128;
const INDEX_MASK: u32 = ROUTE6_BUCKETS - 1;
const INDEX_BITS: u64 = 17;
/** 2^64 / golden ratio (Knuth 6.4), in two halves: no number of JavaScript's holds it. */
const MULTIPLIER: u64 = ((0x9e3779b9 as u64) << 32) | 0x7f4a7c15;
/** Three quarters; beyond that runs grow long. */
const ROUTES_MAX: u32 = (ROUTE6_BUCKETS / 4) * 3;

/** Offsets in a bucket: two halves of the prefix, little-endian numbers, then these. */
const LOW: u32 = 8;
const SLOT: u32 = 16;
const LENGTH_PLUS_ONE: u32 = 20;

let routes: u32 = 0;
/** How many different prefix lengths there are; one byte for each lies at ROUTE6_LENGTHS_AT, the longest first. */
let lengths: u32 = 0;

/** 1 when stored (a route that exists is replaced), 0 when refused. Bits behind the prefix do not matter. */
export function route6Add(at: u32, prefixLength: u32, slot: i32): u32 {
  return prefixAdd(loadHigh(at), loadLow(at), prefixLength, slot);
}

/** 1 when there was a route, else 0. */
export function route6Remove(at: u32, prefixLength: u32): u32 {
  return prefixRemove(loadHigh(at), loadLow(at), prefixLength);
}

/** The slot for the address at `at`, or -1. */
export function route6Find(at: u32): i32 {
  const high = loadHigh(at);
  const low = loadLow(at);
  return isMapped(high, low) ? NONE : prefixFind(high, low, 0);
}

/** As `route6Add`, for the address in two halves. */
export function prefixAdd(addressHigh: u64, addressLow: u64, prefixLength: u32, slot: i32): u32 {
  if (prefixLength > PREFIX_LENGTH_MAX || slot < 0) return 0;
  const high = addressHigh & highMask(prefixLength);
  const low = addressLow & lowMask(prefixLength);
  const bucket = find(high, low, prefixLength);
  if (isEmpty(bucket)) {
    if (routes == ROUTES_MAX) return 0;
    routes++;
    changeCount(prefixLength, 1);
  }
  store<u64>(bucket, high);
  store<u64>(bucket, low, LOW);
  store<i32>(bucket, slot, SLOT);
  store<u32>(bucket, prefixLength + 1, LENGTH_PLUS_ONE);
  return 1;
}

/** As `route6Remove`. */
export function prefixRemove(high: u64, low: u64, prefixLength: u32): u32 {
  if (prefixLength > PREFIX_LENGTH_MAX) return 0;
  let hole = find(high & highMask(prefixLength), low & lowMask(prefixLength), prefixLength);
  if (isEmpty(hole)) return 0;
  routes--;
  changeCount(prefixLength, -1);
  let next = hole;
  for (;;) {
    next = following(next);
    if (isEmpty(next)) break;
    // The bucket may move into the hole when its own home is not between the hole and where it is now.
    const home = homeOf(load<u64>(next), load<u64>(next, LOW), load<u32>(next, LENGTH_PLUS_ONE) - 1);
    if (distance(home, next) >= distance(hole, next)) {
      memory.copy(hole, next, ROUTE6_BUCKET_LENGTH);
      hole = next;
    }
  }
  memory.fill(hole, 0, ROUTE6_BUCKET_LENGTH);
  return 1;
}

/** The slot of the longest prefix, of `shortest` bits at least, that the address has, or -1. */
export function prefixFind(high: u64, low: u64, shortest: u32): i32 {
  for (let index: u32 = 0; index < lengths; index++) {
    const prefixLength: u32 = load<u8>(ROUTE6_LENGTHS_AT + index);
    if (prefixLength < shortest) break;
    const bucket = find(high & highMask(prefixLength), low & lowMask(prefixLength), prefixLength);
    if (!isEmpty(bucket)) return load<i32>(bucket, SLOT);
  }
  return NONE;
}

/** ::ffff:0:0/96 */
function isMapped(high: u64, low: u64): bool {
  return high == 0 && low >> 32 == 0xffff;
}

/** The prefix's bucket, or the empty one where it belongs. There always is one: the table is never full. */
function find(high: u64, low: u64, prefixLength: u32): u32 {
  let bucket = homeOf(high, low, prefixLength);
  while (
    !isEmpty(bucket) &&
    (load<u64>(bucket) != high ||
      load<u64>(bucket, LOW) != low ||
      load<u32>(bucket, LENGTH_PLUS_ONE) != prefixLength + 1)
  ) {
    bucket = following(bucket);
  }
  return bucket;
}

function homeOf(high: u64, low: u64, prefixLength: u32): u32 {
  const folded = (high * MULTIPLIER) ^ (low + (prefixLength as u64));
  const mixed = (folded ^ (folded >> 32)) * MULTIPLIER;
  return ROUTES6_AT + ((mixed >> (64 - INDEX_BITS)) as u32) * ROUTE6_BUCKET_LENGTH;
}

function isEmpty(bucket: u32): bool {
  return load<u32>(bucket, LENGTH_PLUS_ONE) == 0;
}

function following(bucket: u32): u32 {
  return ROUTES6_AT + ((bucket - ROUTES6_AT + ROUTE6_BUCKET_LENGTH) & (ROUTE6_BUCKET_LENGTH * ROUTE6_BUCKETS - 1));
}

/** Steps from one bucket forward to another, around the end. */
function distance(from: u32, to: u32): u32 {
  return ((to - from) / ROUTE6_BUCKET_LENGTH) & INDEX_MASK;
}

function countAt(prefixLength: u32): u32 {
  return ROUTE6_COUNTS_AT + prefixLength * 4;
}

/** The list of lengths changes when the first route of a length comes or the last one goes. */
function changeCount(prefixLength: u32, by: i32): void {
  const before = load<u32>(countAt(prefixLength));
  store<u32>(countAt(prefixLength), before + by);
  if (before != 0 && before + by != 0) return;
  lengths = 0;
  for (let candidate: i32 = PREFIX_LENGTH_MAX; candidate >= 0; candidate--) {
    if (load<u32>(countAt(candidate)) == 0) continue;
    store<u8>(ROUTE6_LENGTHS_AT + lengths, candidate as u8);
    lengths++;
  }
}
