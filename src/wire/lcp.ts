// Link Control Protocol: options (RFC 1661 6, RFC 1570, RFC 1990) and the packets that only LCP has.
import { viewOf } from './bytes.ts';
import { ControlCode, CP_HEADER_LENGTH, type CpOption, type CpPacket } from './control-protocol.ts';
import { PppProtocol } from './ppp.ts';
import { WireError } from './wire-error.ts';

export const LcpOption = {
  Mru: 1,
  AsyncControlCharacterMap: 2,
  AuthenticationProtocol: 3,
  QualityProtocol: 4,
  MagicNumber: 5,
  ProtocolFieldCompression: 7,
  AddressAndControlFieldCompression: 8,
  Callback: 13,
  Mrru: 17,
  ShortSequenceNumbers: 18,
  EndpointDiscriminator: 19,
  LinkDiscriminator: 23,
} as const;
export type LcpOption = (typeof LcpOption)[keyof typeof LcpOption];

/** The MRU of a peer that names none, RFC 1661 6.1. */
export const DEFAULT_MRU = 1500;

/** Algorithm field of the Authentication-Protocol option when the protocol is CHAP. */
export const ChapAlgorithm = { Md5: 0x05, MsChapV1: 0x80, MsChapV2: 0x81 } as const;
export type ChapAlgorithm = (typeof ChapAlgorithm)[keyof typeof ChapAlgorithm];

const MAGIC_LENGTH = 4;
const PROTOCOL_LENGTH = 2;

// -- Options: `value` is that of a CpOption ---------------------------------------------------------------------------

/** Bytes, or the negative {@link WireError} `Length`. */
export function parseMru(value: Uint8Array): number {
  return value.length === 2 ? viewOf(value).getUint16(0) : WireError.Length;
}

export function mruOption(mru: number): CpOption {
  const value = new Uint8Array(2);
  viewOf(value).setUint16(0, mru);
  return { type: LcpOption.Mru, value };
}

/** An unsigned 32-bit number, or the negative {@link WireError} `Length`. */
export function parseMagicNumber(value: Uint8Array): number {
  return value.length === MAGIC_LENGTH ? viewOf(value).getUint32(0) : WireError.Length;
}

export function magicNumberOption(magic: number): CpOption {
  const value = new Uint8Array(MAGIC_LENGTH);
  viewOf(value).setUint32(0, magic);
  return { type: LcpOption.MagicNumber, value };
}

export interface AuthenticationProtocol {
  readonly protocol: number;
  /** The {@link ChapAlgorithm} for CHAP, undefined for every other protocol. */
  readonly algorithm: number | undefined;
}

/**
 * `Length` when there is no protocol, and for a CHAP without its one byte of algorithm. Other protocols' data is
 * ignored.
 */
export function parseAuthenticationProtocol(value: Uint8Array): AuthenticationProtocol | WireError {
  if (value.length < PROTOCOL_LENGTH) return WireError.Length;
  const view = viewOf(value);
  const protocol = view.getUint16(0);
  if (protocol !== PppProtocol.Chap) return { protocol, algorithm: undefined };
  return value.length === PROTOCOL_LENGTH + 1
    ? { protocol, algorithm: view.getUint8(PROTOCOL_LENGTH) }
    : WireError.Length;
}

export function authenticationProtocolOption({ protocol, algorithm }: AuthenticationProtocol): CpOption {
  const value = new Uint8Array(algorithm === undefined ? PROTOCOL_LENGTH : PROTOCOL_LENGTH + 1);
  viewOf(value).setUint16(0, protocol);
  if (algorithm !== undefined) value[PROTOCOL_LENGTH] = algorithm;
  return { type: LcpOption.AuthenticationProtocol, value };
}

// -- Echo, Discard-Request, Identification: a magic number and data (RFC 1661 5.8, 5.9, RFC 1570 2.1) -----------------

export interface MagicData {
  /** The sender's magic number, zero when it negotiated none. */
  readonly magic: number;
  readonly data: Uint8Array;
}

export function parseMagicData(data: Uint8Array): MagicData | WireError {
  if (data.length < MAGIC_LENGTH) return WireError.Truncated;
  return { magic: viewOf(data).getUint32(0), data: data.slice(MAGIC_LENGTH) };
}

export function echoRequest(id: number, magic: number): CpPacket {
  return { code: ControlCode.EchoRequest, id, data: encodeMagicData(magic, new Uint8Array(0)) };
}

/** Repeats the request's data, cut so that the whole fits into the peer's MRU: a request may be longer than that. */
export function echoReply(id: number, magic: number, requested: Uint8Array, peerMru: number): CpPacket {
  const room = Math.max(0, peerMru - CP_HEADER_LENGTH - MAGIC_LENGTH);
  return { code: ControlCode.EchoReply, id, data: encodeMagicData(magic, requested.subarray(0, room)) };
}

function encodeMagicData(magic: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(MAGIC_LENGTH + data.length);
  viewOf(bytes).setUint32(0, magic);
  bytes.set(data, MAGIC_LENGTH);
  return bytes;
}

// -- Protocol-Reject, RFC 1661 5.7 ------------------------------------------------------------------------------------

export interface ProtocolReject {
  readonly protocol: number;
  /** As much of the rejected information field as the sender repeated. */
  readonly information: Uint8Array;
}

export function parseProtocolReject(data: Uint8Array): ProtocolReject | WireError {
  if (data.length < PROTOCOL_LENGTH) return WireError.Truncated;
  return { protocol: viewOf(data).getUint16(0), information: data.slice(PROTOCOL_LENGTH) };
}

/** The rejected information is cut so that the whole fits into the peer's MRU. */
export function protocolReject(id: number, protocol: number, information: Uint8Array, peerMru: number): CpPacket {
  const kept = information.subarray(0, Math.max(0, peerMru - CP_HEADER_LENGTH - PROTOCOL_LENGTH));
  const data = new Uint8Array(PROTOCOL_LENGTH + kept.length);
  viewOf(data).setUint16(0, protocol);
  data.set(kept, PROTOCOL_LENGTH);
  return { code: ControlCode.ProtocolReject, id, data };
}
