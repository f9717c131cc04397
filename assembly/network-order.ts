/** Big-endian fields: WebAssembly loads and stores little-endian. */

export function loadU16(at: u32): u32 {
  return bswap<u16>(load<u16>(at));
}

export function loadU32(at: u32): u32 {
  return bswap<u32>(load<u32>(at));
}

export function storeU16(at: u32, value: u32): void {
  store<u16>(at, bswap<u16>(value as u16));
}
