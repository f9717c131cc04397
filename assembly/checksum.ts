/**
 * The Internet checksum's one's-complement sum (RFC 1071).
 *
 * The sum of 16-bit words does not depend on their byte order, except that its own bytes come out swapped (section
 * 2 (B)): words are added little-endian, as SIMD loads them, and the folded sum is swapped once.
 */
const VECTOR: u32 = 16;
const STRIDE: u32 = 4 * VECTOR;
/** A 32-bit lane grows by at most 2 * 65535 per vector, so it has room for 2^15 of them, the four sums taken together. */
const BLOCK: u32 = 32768 * VECTOR;

/** Sum over the bytes plus `initial` (network order, up to 32 bits), folded to 16 bits, not inverted. */
export function checksum(at: u32, length: u32, initial: u32): u32 {
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
  return fold((bswap<u16>(fold(sum) as u16) as u64) + (initial as u64));
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

function sumLanes(lanes: v128): u64 {
  const pairs = i64x2.add(i64x2.extend_low_i32x4_u(lanes), i64x2.extend_high_i32x4_u(lanes));
  return i64x2.extract_lane(pairs, 0) + i64x2.extract_lane(pairs, 1);
}

function fold(sum: u64): u32 {
  let folded = (sum & 0xffffffff) + (sum >> 32);
  folded = (folded & 0xffff) + (folded >> 16);
  folded = (folded & 0xffff) + (folded >> 16);
  folded = (folded & 0xffff) + (folded >> 16);
  return folded as u32;
}
