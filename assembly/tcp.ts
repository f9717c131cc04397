/** What the packet path reads of a TCP header (RFC 9293, section 3.1). Callers have checked that the bytes are there. */

export const TCP_HEADER_LENGTH: u32 = 20;
export const TCP_SEQUENCE: u32 = 4;
export const TCP_ACKNOWLEDGMENT: u32 = 8;
/** The word of data offset, flags and window. */
export const TCP_OFFSET_FLAGS_WINDOW: u32 = 12;
export const TCP_FLAGS: u32 = 13;
export const TCP_CHECKSUM: u32 = 16;

export const TCP_FIN: u32 = 0x01;
export const TCP_SYN: u32 = 0x02;
const TCP_RST: u32 = 0x04;
export const TCP_PSH: u32 = 0x08;
export const TCP_ACK: u32 = 0x10;
const TCP_URG: u32 = 0x20;
export const TCP_CWR: u32 = 0x80;
/** A segment with one of these is never merged. */
export const TCP_SINGLE: u32 = TCP_FIN | TCP_SYN | TCP_RST | TCP_URG;

/** From the data offset, which may be wrong. */
export function tcpHeaderLength(at: u32): u32 {
  return ((load<u8>(at, 12) >> 4) as u32) << 2;
}
