/** IPv6 addresses as two halves in network order, and prefixes of 0 to 128 bits. */

export function loadHigh(at: u32): u64 {
  return bswap<u64>(load<u64>(at));
}

export function loadLow(at: u32): u64 {
  return bswap<u64>(load<u64>(at, 8));
}

/** The bits of the first half that belong to a prefix. A shift by 64 would be one by 0. */
export function highMask(prefixLength: u32): u64 {
  if (prefixLength == 0) return 0;
  return prefixLength >= 64 ? u64.MAX_VALUE : ~(u64.MAX_VALUE >> (prefixLength as u64));
}

export function lowMask(prefixLength: u32): u64 {
  return prefixLength <= 64 ? 0 : highMask(prefixLength - 64);
}
