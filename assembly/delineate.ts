/**
 * Cuts the TLS byte stream into SSTP packets (MS-SSTP 2.2.1) and reads the PPP header of data packets
 * (RFC 1661, section 2; RFC 1662, section 3.2).
 *
 * 1. The common case, a data packet that starts with FF 03 and a two-byte protocol, is recognised by one comparison
 *    under a mask over its first eight bytes; reserved bits are outside of the mask, so they cannot matter.
 * 2. Bulk traffic is runs of packets with the same header. Within a run the header is compared, not decoded: then where
 *    the next packet starts does not wait for this one's length to be loaded.
 * 3. Everything else (control packets, compressed PPP headers, the stream's last few bytes, errors) is read field by
 *    field.
 */
import { ENTRY_LENGTH, TABLE_AT, TABLE_ENTRIES } from './memory';
import { ERROR_CONTROL_LENGTH, ERROR_LENGTH, ERROR_VERSION } from './path-error';
import { MARK_CONTROL, MARK_NO_PPP_HEADER, writeEntry } from './table';

const SSTP_VERSION: u32 = 0x10;
const SSTP_HEADER_LENGTH: u32 = 4;
const SSTP_CONTROL_LENGTH_MIN: u32 = 8;

/** Version and C bit, in the first four bytes as they are loaded, first byte lowest. */
const SSTP_MASK: u64 = 0x0000_01ff;
const SSTP_VALUE: u64 = 0x0000_0010;
/** FF 03, an even high and an odd low byte of the protocol, in the next four. */
const PPP_MASK: u64 = 0x0101_ffff;
const PPP_VALUE: u64 = 0x0100_03ff;
const COMMON_MASK: u64 = SSTP_MASK | (PPP_MASK << 32);
const COMMON_VALUE: u64 = SSTP_VALUE | (PPP_VALUE << 32);
const COMMON_LENGTH: u32 = 8;

/** Starts a frame's address field only: protocol 00FF is reserved, so that the two cannot be confused. */
const PPP_ALL_STATIONS: u32 = 0xff;

let consumedBytes: u32 = 0;

/** Bytes cut by the last {@link delineate}. */
export function consumed(): u32 {
  return consumedBytes;
}

/**
 * Fills the table from [at, end). Returns the number of entries, 0 when there is no whole packet, or a negative code
 * when the first header is malformed; before a later malformed header it stops.
 */
export function delineate(at: u32, end: u32): i32 {
  const tableEnd = TABLE_AT + TABLE_ENTRIES * ENTRY_LENGTH;
  let packet = at;
  let entry = TABLE_AT;
  let error: i32 = 0;
  while (entry < tableEnd) {
    const left = end - packet;
    if (left >= COMMON_LENGTH) {
      const head = load<u64>(packet);
      const length = headLength(head as u32);
      if ((head & COMMON_MASK) == COMMON_VALUE && length >= COMMON_LENGTH) {
        if (length > left) break;
        const protocol = ((((head >> 48) as u32) << 8) & 0xff00) | ((head >> 56) as u32);
        do {
          writeEntry(entry, packet + COMMON_LENGTH, length - COMMON_LENGTH, protocol);
          packet += length;
          entry += ENTRY_LENGTH;
        } while (entry < tableEnd && end - packet >= length && load<u64>(packet) == head);
        continue;
      }
    }
    if (left < SSTP_HEADER_LENGTH) break;
    const head = load<u32>(packet);
    const length = headLength(head);
    error = headError(head, length);
    if (error != 0 || length > left) break;
    if (isControl(head)) writeEntry(entry, packet, length, MARK_CONTROL);
    else writePppEntry(entry, packet + SSTP_HEADER_LENGTH, packet + length);
    packet += length;
    entry += ENTRY_LENGTH;
  }
  consumedBytes = packet - at;
  return entry == TABLE_AT ? error : (((entry - TABLE_AT) / ENTRY_LENGTH) as i32);
}

/** The low 12 bits of the third and fourth byte. */
function headLength(head: u32): u32 {
  return ((head >> 8) & 0x0f00) | (head >> 24);
}

function isControl(head: u32): bool {
  return (head & 0x0100) != 0;
}

function headError(head: u32, length: u32): i32 {
  if ((head & 0xff) != SSTP_VERSION) return ERROR_VERSION;
  if (length < SSTP_HEADER_LENGTH) return ERROR_LENGTH;
  if (isControl(head) && length < SSTP_CONTROL_LENGTH_MIN) return ERROR_CONTROL_LENGTH;
  return 0;
}

/** FF 03 may be missing, and the protocol may be one byte, whatever LCP negotiated. */
function writePppEntry(entry: u32, at: u32, end: u32): void {
  let field = at;
  if (end - field >= 2 && load<u16>(field) == 0x03ff) field += 2;
  if (field < end) {
    const first: u32 = load<u8>(field);
    if (first & 1 && first != PPP_ALL_STATIONS) {
      writeEntry(entry, field + 1, end - field - 1, first);
      return;
    }
    if (!(first & 1) && end - field >= 2) {
      const second: u32 = load<u8>(field, 1);
      if (second & 1) {
        writeEntry(entry, field + 2, end - field - 2, (first << 8) | second);
        return;
      }
    }
  }
  writeEntry(entry, at, end - at, MARK_NO_PPP_HEADER);
}
