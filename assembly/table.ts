/**
 * The table of what `delineate` found: u32 at, u16 length, u16 protocol, little-endian.
 *
 * A PPP protocol number is odd (RFC 1661, section 2), so the even values are free to say what else an entry is.
 */
import { ENTRY_LENGTH, TABLE_AT } from './memory';

export const MARK_CONTROL: u32 = 0x0000;
export const MARK_NO_PPP_HEADER: u32 = 0x0002;
export const MARK_MALFORMED: u32 = 0x0004;
export const MARK_SPOOFED: u32 = 0x0006;
export const MARK_TO_CONTROL: u32 = 0x0008;

export const PPP_IPV4: u32 = 0x0021;
export const PPP_IPV6: u32 = 0x0057;

export function entryAt(index: u32): u32 {
  return TABLE_AT + index * ENTRY_LENGTH;
}

/** All fields in one store: the table is written once per packet. */
export function writeEntry(entry: u32, at: u32, length: u32, protocol: u32): void {
  store<u64>(entry, (at as u64) | ((length as u64) << 32) | ((protocol as u64) << 48));
}

export function packetAt(entry: u32): u32 {
  return load<u32>(entry);
}

export function packetLength(entry: u32): u32 {
  return load<u16>(entry, 4);
}

export function setPacketLength(entry: u32, length: u32): void {
  store<u16>(entry, length as u16, 4);
}

export function packetProtocol(entry: u32): u32 {
  return load<u16>(entry, 6);
}

export function setPacketProtocol(entry: u32, protocol: u32): void {
  store<u16>(entry, protocol as u16, 6);
}
