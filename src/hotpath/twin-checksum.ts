/** The one's-complement sum of `[at, end)` and `initial` (up to 32 bits), folded to 16 bits, not inverted (RFC 1071). */
export function onesComplementSum(view: DataView, at: number, end: number, initial: number): number {
  let sum = (initial >>> 16) + (initial & 0xffff);
  let next = at;
  // Two words a read: this halves the time.
  for (; next + 4 <= end; next += 4) {
    const words = view.getInt32(next);
    sum += (words >>> 16) + (words & 0xffff);
  }
  for (; next + 2 <= end; next += 2) sum += view.getUint16(next);
  if (next < end) sum += view.getUint8(next) << 8;
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}
