// PPP frames as SSTP carries them: one per data packet, without flags, stuffing or checksum (MS-SSTP 2.2.3, RFC 1661
// 2).
//
//   FF 03  Protocol(2)  Information
//
// Sent always in this full form, which every client understands. Accepted also without FF 03 (address and control field
// compression) and with a one-byte protocol (protocol field compression): some peers compress without having been
// asked.
import { putBytes, viewOf } from './bytes.ts';
import { CONTROL_BIT, HEADER_LENGTH, LENGTH_MASK, MAX_PACKET_LENGTH, SSTP_VERSION } from './sstp.ts';
import { WireError } from './wire-error.ts';

export const ADDRESS_AND_CONTROL = 0xff03;
/** FF 03 and the protocol. */
const PPP_HEADER_LENGTH = 4;
/** Everything in front of the information field of a frame that we send. */
export const DATA_HEADER_LENGTH = HEADER_LENGTH + PPP_HEADER_LENGTH;
/** The longest information field that one SSTP data packet holds in the form that we send. */
export const MAX_INFORMATION_LENGTH = MAX_PACKET_LENGTH - DATA_HEADER_LENGTH;

/** IANA PPP DLL protocol numbers, those that an SSTP peer may send. */
export const PppProtocol = {
  Padding: 0x0001,
  Ipv4: 0x0021,
  Multilink: 0x003d,
  Ipv6: 0x0057,
  CompressedDatagram: 0x00fd,
  Ipcp: 0x8021,
  Ipv6cp: 0x8057,
  Ccp: 0x80fd,
  Lcp: 0xc021,
  Pap: 0xc023,
  Lqr: 0xc025,
  Cbcp: 0xc029,
  Chap: 0xc223,
  Eap: 0xc227,
} as const;
export type PppProtocol = (typeof PppProtocol)[keyof typeof PppProtocol];

/** Control frames flow from Call Connect Ack on, data frames only in an established call (MS-SSTP 3.1.7.1). */
export function isControlProtocol(protocol: number): boolean {
  return protocol >= 0x8000;
}

/** The information field is `[at, end)` of the view that was parsed; nothing is copied. */
export interface PppFrame {
  readonly protocol: number;
  readonly at: number;
  readonly end: number;
}

/**
 * Reads the PPP frame in `[at, end)`. Errors: `Truncated`, and `Value` for a protocol number that RFC 1661 2 forbids.
 */
export function parsePppFrame(view: DataView, at: number, end: number): PppFrame | WireError {
  const start = end - at >= 2 && view.getUint16(at) === ADDRESS_AND_CONTROL ? at + 2 : at;
  if (end - start < 1) return WireError.Truncated;
  const first = view.getUint8(start);
  // Protocol numbers are even in the first byte and odd in the second, so that an odd first byte is a compressed one;
  // 00FF does not exist, for it would look like the address field.
  if (first === 0xff) return WireError.Value;
  if ((first & 1) === 1) return { protocol: first, at: start + 1, end };
  if (end - start < 2) return WireError.Truncated;
  const protocol = view.getUint16(start);
  return (protocol & 1) === 1 ? { protocol, at: start + 2, end } : WireError.Value;
}

/** A whole SSTP data packet around one PPP frame. Throws RangeError above {@link MAX_INFORMATION_LENGTH}. */
export function encodeDataPacket(protocol: number, information: Uint8Array): Uint8Array {
  if (information.length > MAX_INFORMATION_LENGTH) {
    throw new RangeError(`a PPP information field of ${information.length} bytes has no encoding in SSTP`);
  }
  const bytes = new Uint8Array(DATA_HEADER_LENGTH + information.length);
  const view = viewOf(bytes);
  view.setUint8(0, SSTP_VERSION);
  view.setUint16(2, bytes.length);
  view.setUint16(HEADER_LENGTH, ADDRESS_AND_CONTROL);
  view.setUint16(HEADER_LENGTH + 2, protocol);
  putBytes(view, DATA_HEADER_LENGTH, information);
  return bytes;
}

/** The PPP frames in whole SSTP packets, one behind the other; those that are control packets have none. Nothing is copied. */
export function* framesOf(packets: Uint8Array): Generator<Uint8Array> {
  const view = viewOf(packets);
  let length: number;
  for (let at = 0; at + HEADER_LENGTH <= packets.length; at += length) {
    length = Math.max(HEADER_LENGTH, view.getUint16(at + 2) & LENGTH_MASK);
    const isControl = (view.getUint8(at + 1) & CONTROL_BIT) !== 0;
    if (!isControl) yield packets.subarray(at + HEADER_LENGTH, at + length);
  }
}
