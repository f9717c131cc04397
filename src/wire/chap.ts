// Challenge Handshake Authentication Protocol, RFC 1994 4, and what MS-CHAPv2 puts into it, RFC 2759 3 to 6. The frame
// is that of every control protocol; `data` is a CpPacket's. Success and Failure carry nothing but text.
import { putBytes, viewOf } from './bytes.ts';
import type { CpPacket } from './control-protocol.ts';
import { decodeText, encodeText } from './text.ts';
import { WireError } from './wire-error.ts';

export const ChapCode = { Challenge: 1, Response: 2, Success: 3, Failure: 4, ChangePassword: 7 } as const;
export type ChapCode = (typeof ChapCode)[keyof typeof ChapCode];

/** Both challenges of MS-CHAPv2. */
export const MS_CHAP_CHALLENGE_LENGTH = 16;
/** Value-Size of an MS-CHAPv2 Response: Peer-Challenge(16) Reserved(8) NT-Response(24) Flags(1). */
const MS_CHAP_RESPONSE_LENGTH = 49;
const NT_RESPONSE_AT = 24;
const NT_RESPONSE_LENGTH = 24;

// -- Challenge and Response -------------------------------------------------------------------------------------------

/** Challenge and Response look alike: Value-Size(1), Value, Name up to the end of the packet. */
export interface ChapValue {
  readonly value: Uint8Array;
  /** Who sends it, as sent: the authenticator's name in a Challenge, the user's in a Response. */
  readonly name: Uint8Array;
}

/** Errors: `Truncated`; `Length` for an empty value, which RFC 1994 4.1 forbids. */
export function parseChapValue(data: Uint8Array): ChapValue | WireError {
  const size = data[0];
  if (size === undefined) return WireError.Truncated;
  if (size === 0) return WireError.Length;
  if (data.length - 1 < size) return WireError.Truncated;
  return { value: data.slice(1, 1 + size), name: data.slice(1 + size) };
}

export function chapValue(
  code: typeof ChapCode.Challenge | typeof ChapCode.Response,
  id: number,
  { value, name }: ChapValue,
): CpPacket {
  if (value.length === 0 || value.length > 0xff) {
    throw new RangeError(`a CHAP value of ${value.length} bytes has no encoding`);
  }
  const data = new Uint8Array(1 + value.length + name.length);
  data[0] = value.length;
  data.set(value, 1);
  data.set(name, 1 + value.length);
  return { code, id, data };
}

// -- Success and Failure ----------------------------------------------------------------------------------------------

export function chapResult(
  code: typeof ChapCode.Success | typeof ChapCode.Failure,
  id: number,
  message: string,
): CpPacket {
  return { code, id, data: encodeText(message) };
}

/** The text of a Success or Failure. */
export function parseChapMessage(data: Uint8Array): string {
  return decodeText(data);
}

// -- MS-CHAPv2 Response value, RFC 2759 4 -----------------------------------------------------------------------------

export interface MsChapV2Response {
  /** {@link MS_CHAP_CHALLENGE_LENGTH} bytes. */
  readonly peerChallenge: Uint8Array;
  /** 24 bytes. */
  readonly ntResponse: Uint8Array;
}

/** Reads a Response's value. Reserved bytes and flags are not looked at. Error: `Length`. */
export function parseMsChapV2Response(value: Uint8Array): MsChapV2Response | WireError {
  if (value.length !== MS_CHAP_RESPONSE_LENGTH) return WireError.Length;
  return {
    peerChallenge: value.slice(0, MS_CHAP_CHALLENGE_LENGTH),
    ntResponse: value.slice(NT_RESPONSE_AT, NT_RESPONSE_AT + NT_RESPONSE_LENGTH),
  };
}

export function encodeMsChapV2Response({ peerChallenge, ntResponse }: MsChapV2Response): Uint8Array {
  if (peerChallenge.length !== MS_CHAP_CHALLENGE_LENGTH || ntResponse.length !== NT_RESPONSE_LENGTH) {
    throw new RangeError(
      `an MS-CHAPv2 response of ${peerChallenge.length} + ${ntResponse.length} bytes has no encoding`,
    );
  }
  const value = new Uint8Array(MS_CHAP_RESPONSE_LENGTH);
  const view = viewOf(value);
  putBytes(view, 0, peerChallenge);
  putBytes(view, NT_RESPONSE_AT, ntResponse);
  return value;
}

// -- MS-CHAPv2 Success and Failure texts, RFC 2759 5 and 6 ------------------------------------------------------------

export interface MsChapV2Success {
  /** `S=` and 40 upper-case hexadecimal digits. */
  readonly authenticatorResponse: string;
  readonly message: string;
}

/**
 * `S=<40 hex> M=<text>`. Tolerant where servers differ: lower-case digits, no message, no space in front of it,
 * anything else behind the digits. Error: `Value` when the authenticator response itself is not there.
 */
export function parseMsChapV2Success(text: string): MsChapV2Success | WireError {
  const match = /^S=([0-9A-F]{40})(.*)$/is.exec(text);
  if (match === null) return WireError.Value;
  const [, digits = '', rest = ''] = match;
  return { authenticatorResponse: `S=${digits.toUpperCase()}`, message: messageOf(rest) };
}

export function formatMsChapV2Success({ authenticatorResponse, message }: MsChapV2Success): string {
  return `${authenticatorResponse} M=${message}`;
}

/** Failure codes, RFC 2759 6. */
export const MsChapFailureCode = {
  RestrictedLogonHours: 646,
  AccountDisabled: 647,
  PasswordExpired: 648,
  NoDialInPermission: 649,
  AuthenticationFailure: 691,
  ChangingPassword: 709,
} as const;
export type MsChapFailureCode = (typeof MsChapFailureCode)[keyof typeof MsChapFailureCode];

export interface MsChapV2Failure {
  /** A {@link MsChapFailureCode}, another number, or undefined when the text has none. */
  readonly code: number | undefined;
  /** True when the authenticator allows one more try with `challenge`. */
  readonly retry: boolean;
  /** {@link MS_CHAP_CHALLENGE_LENGTH} bytes, when the text has them. */
  readonly challenge: Uint8Array | undefined;
  readonly message: string;
}

/**
 * `E=691 R=0 C=<32 hex> V=3 M=<text>`. Never an error: a Failure is one whatever its text says; each field is optional.
 */
export function parseMsChapV2Failure(text: string): MsChapV2Failure {
  const message = messageOf(text);
  const fields = /(?:^|\s)M=/.exec(text)?.index ?? text.length;
  const head = text.slice(0, fields);
  const code = /(?:^|\s)E=(\d{1,10})(?!\d)/.exec(head)?.[1];
  const challenge = /(?:^|\s)C=([0-9A-F]{32})(?![0-9A-F])/i.exec(head)?.[1];
  return {
    code: code === undefined ? undefined : Number(code),
    retry: /(?:^|\s)R=1(?!\d)/.test(head),
    challenge: challenge === undefined ? undefined : hexBytes(challenge),
    message,
  };
}

/**
 * Always with the fields of version 3, which Windows wants to see; `challenge` is what a retry would have to answer.
 */
export function formatMsChapV2Failure(failure: {
  readonly code: number;
  readonly retry: boolean;
  readonly challenge: Uint8Array;
  readonly message: string;
}): string {
  const digits = Array.from(failure.challenge, byte => byte.toString(16).padStart(2, '0')).join('');
  return `E=${failure.code} R=${failure.retry ? 1 : 0} C=${digits.toUpperCase()} V=3 M=${failure.message}`;
}

function messageOf(text: string): string {
  return /(?:^|\s)M=(.*)$/s.exec(text)?.[1] ?? '';
}

function hexBytes(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}
