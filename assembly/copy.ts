const VECTOR: u32 = 16;

/** Copies a short range that does not overlap: the engine's own bulk copy is a call, which costs more than a header. */
export function copyBytes(to: u32, from: u32, length: u32): void {
  const vectors = length & ~(VECTOR - 1);
  for (let offset: u32 = 0; offset < vectors; offset += VECTOR) v128.store(to + offset, v128.load(from + offset));
  let offset = vectors;
  if (length & 8) {
    store<u64>(to + offset, load<u64>(from + offset));
    offset += 8;
  }
  if (length & 4) {
    store<u32>(to + offset, load<u32>(from + offset));
    offset += 4;
  }
  if (length & 2) {
    store<u16>(to + offset, load<u16>(from + offset));
    offset += 2;
  }
  if (length & 1) store<u8>(to + offset, load<u8>(from + offset));
}
