/** What authentication needs of the replies to an Access-Request (RFC 2865 4, RFC 2548 2, RFC 3579 3). */
import { HLAK_LENGTH } from '../../crypto/crypto-binding.ts';
import { revealKey } from '../../crypto/radius.ts';
import { parseMsChapV2Failure, parseMsChapV2Success } from '../../wire/chap.ts';
import { type EapCode, parseEapPacket } from '../../wire/eap.ts';
import {
  type Attribute,
  MicrosoftAttribute,
  RadiusAttribute,
  RadiusVendor,
  readInteger,
  textValue,
  vendorAttributes,
} from '../../wire/radius.ts';
import { decodeText } from '../../wire/text.ts';
import { isWireError } from '../../wire/wire-error.ts';

/** What fits into a CHAP Success or Failure behind its other fields, in every client. */
const MAX_MESSAGE_BYTES = 200;
/** Of MS-CHAP2-Success: Ident and `S=` with 40 digits. */
const MS_CHAP2_SUCCESS_LENGTH = 43;
/** Half of a 32-byte key is what pppd 2.4 keeps of it. */
const SHORT_KEY_LENGTH = 16;

/** Text for the user; several Reply-Messages are one text (RFC 2865 5.18). Undefined without any. */
export function replyMessage(attributes: readonly Attribute[]): string | undefined {
  const parts = valuesOf(attributes, RadiusAttribute.ReplyMessage).map(decodeText);
  return parts.length === 0 ? undefined : short(parts.join(' '));
}

export function stateOf(attributes: readonly Attribute[]): Uint8Array | undefined {
  return valuesOf(attributes, RadiusAttribute.State)[0];
}

/** How long the client may take to answer a challenge (RFC 3579 2.6.1). */
export function challengeTimeoutMs(attributes: readonly Attribute[]): number | undefined {
  const seconds = readInteger(valuesOf(attributes, RadiusAttribute.SessionTimeout)[0] ?? new Uint8Array(0));
  return seconds === undefined || seconds === 0 ? undefined : seconds * 1000;
}

/** User-Name in an Access-Accept is the name for accounting (RFC 2865 5.1): who hides behind an anonymous identity. */
export function acceptedUser(attributes: readonly Attribute[]): string | undefined {
  const [value] = valuesOf(attributes, RadiusAttribute.UserName);
  return value === undefined || value.length === 0 ? undefined : decodeText(value);
}

// -- EAP --------------------------------------------------------------------------------------------------------------

/** The EAP packet of a reply. `none`: there is no EAP-Message. `malformed`: it is no EAP packet. */
export function eapPacketOf(attributes: readonly Attribute[]): Uint8Array | 'none' | 'malformed' {
  const parts = valuesOf(attributes, RadiusAttribute.EapMessage);
  if (parts.length === 0) return 'none';
  const packet = Uint8Array.from(Buffer.concat(parts));
  return isWireError(parseEapPacket(packet)) ? 'malformed' : packet;
}

/** A packet that {@link eapPacketOf} gave. */
export function eapCodeOf(packet: Uint8Array): EapCode {
  return packet[0] as EapCode;
}

// -- MS-CHAPv2 --------------------------------------------------------------------------------------------------------

/** `S=` and 40 digits of MS-CHAP2-Success, which the client will check; undefined when they are not there. */
export function authenticatorResponseOf(attributes: readonly Attribute[]): string | undefined {
  const [value] = microsoftValues(attributes, MicrosoftAttribute.MsChap2Success);
  if (value === undefined || value.length < MS_CHAP2_SUCCESS_LENGTH) return undefined;
  const success = parseMsChapV2Success(decodeText(value.slice(1)));
  return isWireError(success) ? undefined : success.authenticatorResponse;
}

export function msChapErrorOf(attributes: readonly Attribute[]): { code?: number; message?: string } {
  const [value] = microsoftValues(attributes, MicrosoftAttribute.MsChapError);
  if (value === undefined) return {};
  // The first byte is the Ident.
  const { code, message } = parseMsChapV2Failure(decodeText(value.slice(1)));
  return { ...(code === undefined ? {} : { code }), ...(message === '' ? {} : { message: short(message) }) };
}

// -- Keys -------------------------------------------------------------------------------------------------------------

export interface SessionKeys {
  /** 32 bytes. */
  readonly hlak: Uint8Array;
  readonly hlakAlternatives: readonly Uint8Array[];
}

/**
 * MS-SSTP 3.2.5.2.2: MS-MPPE-Recv-Key and then MS-MPPE-Send-Key, which the names call from this side, cut to 32 bytes.
 * The two have 16 bytes for MS-CHAPv2 and 32 for the EAP methods over TLS. Of the latter pppd 2.4 keeps 16 of each.
 * `none`: not both are there. `unreadable`: not with this secret.
 */
export function sessionKeysOf(
  attributes: readonly Attribute[],
  requestAuthenticator: Uint8Array,
  secret: Uint8Array,
): SessionKeys | 'none' | 'unreadable' {
  const [receive] = microsoftValues(attributes, MicrosoftAttribute.MsMppeRecvKey);
  const [send] = microsoftValues(attributes, MicrosoftAttribute.MsMppeSendKey);
  if (receive === undefined || send === undefined) return 'none';
  const receiveKey = revealKey(receive, requestAuthenticator, secret);
  const sendKey = revealKey(send, requestAuthenticator, secret);
  if (receiveKey === undefined || sendKey === undefined) return 'unreadable';
  const hlak = fitted(receiveKey, sendKey);
  if (receiveKey.length < HLAK_LENGTH || sendKey.length < HLAK_LENGTH) return { hlak, hlakAlternatives: [] };
  const shortened = fitted(receiveKey.slice(0, SHORT_KEY_LENGTH), sendKey.slice(0, SHORT_KEY_LENGTH));
  return { hlak, hlakAlternatives: [shortened] };
}

function fitted(...keys: readonly Uint8Array[]): Uint8Array {
  const hlak = new Uint8Array(HLAK_LENGTH);
  hlak.set(Buffer.concat(keys).subarray(0, HLAK_LENGTH));
  return hlak;
}

// -- Reading ----------------------------------------------------------------------------------------------------------

function valuesOf(attributes: readonly Attribute[], type: number): Uint8Array[] {
  return attributes.filter(attribute => attribute.type === type).map(({ value }) => value);
}

function microsoftValues(attributes: readonly Attribute[], type: number): Uint8Array[] {
  return attributes
    .filter(attribute => attribute.type === RadiusAttribute.VendorSpecific)
    .flatMap(attribute => {
      const inner = vendorAttributes(attribute);
      return isWireError(inner) ? [] : inner;
    })
    .filter(inner => inner.vendor === RadiusVendor.Microsoft && inner.type === type)
    .map(({ value }) => value);
}

/** One line, for clients show it in a box and CHAP has no other end of a text. */
function short(text: string): string {
  return decodeText(textValue(text.replaceAll(/\p{Cc}+/gu, ' ').trim(), MAX_MESSAGE_BYTES));
}
