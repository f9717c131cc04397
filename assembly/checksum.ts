/**
 * The Internet checksum's one's-complement sum (RFC 1071).
 *
 * The sum of 16-bit words does not depend on their byte order, except that its own bytes come out swapped (section
 * 2 (B)): words are added little-endian, as SIMD loads them, and a sum stays so until it is stored or leaves the module.
 * Wider words may be added as well: 2^16 and 2^32 are 1 modulo 65535.
 */
const VECTOR: u32 = 16;
const STRIDE: u32 = 4 * VECTOR;
/** A 32-bit lane grows by at most 2 * 65535 per vector, so it has room for 2^15 of them, the four sums taken together. */
const BLOCK: u32 = 32768 * VECTOR;

/** Sum over the bytes plus `initial` (network order, up to 32 bits), folded to 16 bits, not inverted. */
export function checksum(at: u32, length: u32, initial: u32): u32 {
  return foldSum((bswap<u16>(foldSum(sumBytes(at, length)) as u16) as u64) + (initial as u64));
}

/** Little-endian sum, not folded; an odd last byte is padded with zero. */
export function sumBytes(at: u32, length: u32): u64 {
  const end = at + length;
  let sum: u64 = 0;
  let next = at;
  while (end - next >= VECTOR) {
    const vectors = min(end - next, BLOCK) & ~(VECTOR - 1);
    sum += sumVectors(next, next + vectors);
    next += vectors;
  }
  for (; end - next >= 2; next += 2) sum += load<u16>(next);
  if (next < end) sum += load<u8>(next);
  return sum;
}

/**
 * Copies a range that does not overlap and returns its sum like {@link sumBytes}: memory is read once. `length` is at
 * most {@link BLOCK}.
 */
export function copySum(to: u32, from: u32, length: u32): u64 {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  const strides = length & ~(STRIDE - 1);
  let offset: u32 = 0;
  for (; offset < strides; offset += STRIDE) {
    const v0 = v128.load(from + offset);
    const v1 = v128.load(from + offset, VECTOR);
    const v2 = v128.load(from + offset, 2 * VECTOR);
    const v3 = v128.load(from + offset, 3 * VECTOR);
    v128.store(to + offset, v0);
    v128.store(to + offset, v1, VECTOR);
    v128.store(to + offset, v2, 2 * VECTOR);
    v128.store(to + offset, v3, 3 * VECTOR);
    a = i32x4.add(a, i32x4.add(i32x4.extadd_pairwise_i16x8_u(v0), i32x4.extadd_pairwise_i16x8_u(v1)));
    b = i32x4.add(b, i32x4.add(i32x4.extadd_pairwise_i16x8_u(v2), i32x4.extadd_pairwise_i16x8_u(v3)));
  }
  const vectors = length & ~(VECTOR - 1);
  for (; offset < vectors; offset += VECTOR) {
    const v = v128.load(from + offset);
    v128.store(to + offset, v);
    a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v));
  }
  return sumLanes(i32x4.add(a, b)) + copySumTail(to + offset, from + offset, length & (VECTOR - 1));
}

/** Sizes descend, so that each piece starts at an even offset, where 16-bit words do. */
function copySumTail(to: u32, from: u32, length: u32): u64 {
  let sum: u64 = 0;
  let offset: u32 = 0;
  if (length & 8) {
    const word = load<u64>(from);
    store<u64>(to, word);
    sum = (word & 0xffffffff) + (word >> 32);
    offset = 8;
  }
  if (length & 4) {
    const word = load<u32>(from + offset);
    store<u32>(to + offset, word);
    sum += word;
    offset += 4;
  }
  if (length & 2) {
    const word = load<u16>(from + offset);
    store<u16>(to + offset, word);
    sum += word;
    offset += 2;
  }
  if (length & 1) {
    const byte = load<u8>(from + offset);
    store<u8>(to + offset, byte);
    sum += byte;
  }
  return sum;
}

/** Little-endian sum of whole vectors, at most {@link BLOCK} bytes. */
function sumVectors(at: u32, end: u32): u64 {
  let a = i32x4.splat(0);
  let b = i32x4.splat(0);
  let c = i32x4.splat(0);
  let d = i32x4.splat(0);
  let next = at;
  // Four sums hide the latency of the additions.
  for (; end - next >= STRIDE; next += STRIDE) {
    a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v128.load(next)));
    b = i32x4.add(b, i32x4.extadd_pairwise_i16x8_u(v128.load(next, VECTOR)));
    c = i32x4.add(c, i32x4.extadd_pairwise_i16x8_u(v128.load(next, 2 * VECTOR)));
    d = i32x4.add(d, i32x4.extadd_pairwise_i16x8_u(v128.load(next, 3 * VECTOR)));
  }
  for (; next < end; next += VECTOR) a = i32x4.add(a, i32x4.extadd_pairwise_i16x8_u(v128.load(next)));
  return sumLanes(i32x4.add(i32x4.add(a, b), i32x4.add(c, d)));
}

/** The four 32-bit lanes added up. */
function sumLanes(lanes: v128): u64 {
  const pairs = i64x2.add(i64x2.extend_low_i32x4_u(lanes), i64x2.extend_high_i32x4_u(lanes));
  return i64x2.extract_lane(pairs, 0) + i64x2.extract_lane(pairs, 1);
}

/** To 16 bits. Only the sum of nothing but zeros is 0. */
export function foldSum(sum: u64): u32 {
  let folded = (sum & 0xffffffff) + (sum >> 32);
  folded = (folded & 0xffff) + (folded >> 16);
  folded = (folded & 0xffff) + (folded >> 16);
  folded = (folded & 0xffff) + (folded >> 16);
  return folded as u32;
}
