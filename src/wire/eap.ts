// Extensible Authentication Protocol, RFC 3748 4 and 5, and EAP-MSCHAPv2 inside it (draft-kamath-pppext-eap-mschapv2).
// The frame is that of every control protocol, here with a Type in front of the data of Request and Response:
//
//   packet   Code(1)  Identifier(1)  Length(2)  [ Type(1)  Type-Data ]      bytes behind Length are padding
//   type 26  OpCode(1)  MS-CHAPv2-ID(1)  MS-Length(2)  Data                 as Type-Data; MS-Length counts from OpCode
import { type CpPacket, CP_HEADER_LENGTH, decodeCpPacket, encodeCpPacket } from './control-protocol.ts';
import { isWireError, WireError } from './wire-error.ts';

export const EapCode = { Request: 1, Response: 2, Success: 3, Failure: 4 } as const;
export type EapCode = (typeof EapCode)[keyof typeof EapCode];

export const EapType = {
  Identity: 1,
  Notification: 2,
  Nak: 3,
  MsChapV2: 26,
  Expanded: 254,
} as const;
export type EapType = (typeof EapType)[keyof typeof EapType];

type EapExchangeCode = typeof EapCode.Request | typeof EapCode.Response;
export type EapResultCode = typeof EapCode.Success | typeof EapCode.Failure;

/** A Request or Response. */
export interface EapExchangePacket {
  readonly code: EapExchangeCode;
  readonly id: number;
  /** An {@link EapType} or another number. */
  readonly type: number;
  /** What follows the type, cut at Length. */
  readonly data: Uint8Array;
}

/** A Success or Failure. */
export interface EapResultPacket {
  readonly code: EapResultCode;
  readonly id: number;
}

export type EapPacket = EapExchangePacket | EapResultPacket;

/** Errors: those of a control packet, `Truncated` without the type that its code demands, `Value` for an unknown code. */
export function parseEapPacket(information: Uint8Array): EapPacket | WireError {
  const packet = decodeCpPacket(information);
  if (isWireError(packet)) return packet;
  const { code, id, data } = packet;
  switch (code) {
    case EapCode.Request:
    case EapCode.Response: {
      const [type] = data;
      return type === undefined ? WireError.Truncated : { code, id, type, data: data.slice(1) };
    }
    case EapCode.Success:
    case EapCode.Failure:
      return { code, id };
    default:
      return WireError.Value;
  }
}

/** The whole packet in a buffer of its own: a PPP information field. */
export function encodeEapPacket(packet: EapPacket): Uint8Array {
  const data = 'type' in packet ? Uint8Array.of(packet.type, ...packet.data) : new Uint8Array(0);
  return encodeCpPacket({ code: packet.code, id: packet.id, data });
}

/** What a Nak (RFC 3748 5.3.1) wants instead; without a wish it has no byte or one zero. */
export function wantedEapTypes(nakData: Uint8Array): number[] {
  return [...nakData].filter(type => type !== 0);
}

// -- EAP-MSCHAPv2: OpCodes are the codes of CHAP, and so is the data of its messages ----------------------------------

/** Undefined for no bytes at all. The answers to Success and Failure consist of nothing else. */
export function eapMsChapV2OpCode(typeData: Uint8Array): number | undefined {
  return typeData[0];
}

/**
 * A message with a header: challenge, response, and the authenticator's success and failure. MS-Length is not looked at:
 * it says nothing that EAP's own Length does not, and some peers compute it wrongly. Error: `Truncated`.
 */
export function parseEapMsChapV2(typeData: Uint8Array): CpPacket | WireError {
  const [code, id] = typeData;
  if (code === undefined || id === undefined || typeData.length < CP_HEADER_LENGTH) return WireError.Truncated;
  return { code, id, data: typeData.slice(CP_HEADER_LENGTH) };
}

/** Type-Data of such a message. */
export function encodeEapMsChapV2(message: CpPacket): Uint8Array {
  return encodeCpPacket(message);
}
