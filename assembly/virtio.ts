/** `struct virtio_net_hdr` in the ten bytes in front of a packet, as `src/wire/virtio.ts` describes it. Little-endian. */
const HEADER_LENGTH: u32 = 10;
export const GSO_ECN: u32 = 0x80;

export const FLAG_NEEDS_CHECKSUM: u32 = 0x01;
export const GSO_NONE: u32 = 0;
export const GSO_TCP4: u32 = 1;
export const GSO_TCP6: u32 = 4;
export const GSO_UDP_L4: u32 = 5;

export function needsChecksum(packet: u32): bool {
  return (load<u8>(packet - HEADER_LENGTH) & FLAG_NEEDS_CHECKSUM) != 0;
}

/** Without the ECN bit: only the first of several segments keeps CWR in any case. */
export function gsoType(packet: u32): u32 {
  return load<u8>(packet - HEADER_LENGTH, 1) & ~GSO_ECN;
}

/** Payload bytes of each segment but the last. */
export function gsoSize(packet: u32): u32 {
  return load<u16>(packet - HEADER_LENGTH, 4);
}

/** Where summing begins, from the start of the packet. */
export function checksumStart(packet: u32): u32 {
  return load<u16>(packet - HEADER_LENGTH, 6);
}

/** Where the checksum goes, from {@link checksumStart}. */
export function checksumOffset(packet: u32): u32 {
  return load<u16>(packet - HEADER_LENGTH, 8);
}
