// What all PPP control and authentication protocols share: the packet frame and configuration options, RFC 1661 5 and
// 6.
//
//   packet  Code(1)  Identifier(1)  Length(2)  Data      Length counts the header; bytes behind it are padding
//   option  Type(1)  Length(1)  Value                    Length counts these two bytes too
import { copyBytes, putBytes, viewOf } from './bytes.ts';
import { WireError } from './wire-error.ts';

export const CP_HEADER_LENGTH = 4;
const OPTION_HEADER_LENGTH = 2;
const MAX_OPTION_LENGTH = 0xff;

/** LCP has all of them (12 and 13 are from RFC 1570), the network control protocols only 1 to 7. */
export const ControlCode = {
  ConfigureRequest: 1,
  ConfigureAck: 2,
  ConfigureNak: 3,
  ConfigureReject: 4,
  TerminateRequest: 5,
  TerminateAck: 6,
  CodeReject: 7,
  ProtocolReject: 8,
  EchoRequest: 9,
  EchoReply: 10,
  DiscardRequest: 11,
  Identification: 12,
  TimeRemaining: 13,
} as const;
export type ControlCode = (typeof ControlCode)[keyof typeof ControlCode];

/** `data` is what follows the header, cut at Length. */
export interface CpPacket {
  readonly code: number;
  readonly id: number;
  readonly data: Uint8Array;
}

/** `value` comes without type and length. */
export interface CpOption {
  readonly type: number;
  readonly value: Uint8Array;
}

/**
 * Reads the packet at `at`; padding up to `end` is ignored. Errors: `Truncated`, and `Length` below the header's own.
 */
export function parseCpPacket(view: DataView, at: number, end: number): CpPacket | WireError {
  if (end - at < CP_HEADER_LENGTH) return WireError.Truncated;
  const length = view.getUint16(at + 2);
  if (length < CP_HEADER_LENGTH) return WireError.Length;
  if (length > end - at) return WireError.Truncated;
  return {
    code: view.getUint8(at),
    id: view.getUint8(at + 1),
    data: copyBytes(view, at + CP_HEADER_LENGTH, at + length),
  };
}

/** {@link parseCpPacket} for a PPP information field that is an array of its own. */
export function decodeCpPacket(information: Uint8Array): CpPacket | WireError {
  return parseCpPacket(viewOf(information), 0, information.length);
}

export function cpPacketLength(packet: CpPacket): number {
  return CP_HEADER_LENGTH + packet.data.length;
}

export function emitCpPacket(view: DataView, at: number, packet: CpPacket): number {
  const length = cpPacketLength(packet);
  if (length > 0xffff) throw new RangeError(`a control packet of ${length} bytes has no encoding`);
  view.setUint8(at, packet.code);
  view.setUint8(at + 1, packet.id);
  view.setUint16(at + 2, length);
  return putBytes(view, at + CP_HEADER_LENGTH, packet.data);
}

/** The packet in a buffer of its own: a PPP information field. */
export function encodeCpPacket(packet: CpPacket): Uint8Array {
  const bytes = new Uint8Array(cpPacketLength(packet));
  emitCpPacket(viewOf(bytes), 0, packet);
  return bytes;
}

/** Reads the data of a Configure packet. Errors: `Truncated`, and `Length` below the option's own header. */
export function parseOptions(data: Uint8Array): CpOption[] | WireError {
  const view = viewOf(data);
  const options: CpOption[] = [];
  let at = 0;
  while (at < data.length) {
    if (data.length - at < OPTION_HEADER_LENGTH) return WireError.Truncated;
    const length = view.getUint8(at + 1);
    if (length < OPTION_HEADER_LENGTH) return WireError.Length;
    if (length > data.length - at) return WireError.Truncated;
    options.push({ type: view.getUint8(at), value: data.slice(at + OPTION_HEADER_LENGTH, at + length) });
    at += length;
  }
  return options;
}

/** The data of a Configure packet. */
export function encodeOptions(options: readonly CpOption[]): Uint8Array {
  const bytes = new Uint8Array(options.reduce((sum, { value }) => sum + OPTION_HEADER_LENGTH + value.length, 0));
  let at = 0;
  for (const { type, value } of options) {
    const length = OPTION_HEADER_LENGTH + value.length;
    if (length > MAX_OPTION_LENGTH) throw new RangeError(`a configuration option of ${length} bytes has no encoding`);
    bytes[at] = type;
    bytes[at + 1] = length;
    bytes.set(value, at + OPTION_HEADER_LENGTH);
    at += length;
  }
  return bytes;
}

/** A Code-Reject repeats the rejected packet, cut so that the whole fits into the peer's MRU (RFC 1661 5.6). */
export function codeReject(id: number, rejected: CpPacket, peerMru: number): CpPacket {
  const copy = encodeCpPacket(rejected);
  return { code: ControlCode.CodeReject, id, data: copy.subarray(0, Math.max(0, peerMru - CP_HEADER_LENGTH)) };
}
