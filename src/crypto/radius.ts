// What RADIUS computes with the secret that a server and its client share.
import {
  attributeOffset,
  encodeRadiusPacket,
  RADIUS_AUTHENTICATOR_LENGTH,
  RADIUS_HEADER_LENGTH,
  RadiusAttribute,
  type RadiusPacket,
} from '../wire/radius.ts';
import { equal } from './constant-time.ts';
import { digest, hmac } from './digest.ts';

/** RFC 2865 5.2. */
export const MAX_USER_PASSWORD_LENGTH = 128;

const BLOCK_LENGTH = 16;
const AUTHENTICATOR_AT = 4;
const MESSAGE_AUTHENTICATOR_LENGTH = 18;
const SALT_LENGTH = 2;
const NO_AUTHENTICATOR = new Uint8Array(RADIUS_AUTHENTICATOR_LENGTH);

// -- Authenticators. Packets are as parseRadiusPacket has accepted them; padding behind Length does not count ----------

/** RFC 2865 3: MD5(Code, Identifier, Length, Request Authenticator, Attributes, Secret), whatever stands in the field. */
export function responseAuthenticator(
  packet: Uint8Array,
  requestAuthenticator: Uint8Array,
  secret: Uint8Array,
): Uint8Array {
  const attributes = trimmed(packet).subarray(RADIUS_HEADER_LENGTH);
  return digest('md5', packet.subarray(0, AUTHENTICATOR_AT), requestAuthenticator, attributes, secret);
}

/** RFC 2866 3, RFC 5176 2.3: of Accounting-Request, CoA-Request and Disconnect-Request. */
export function accountingRequestAuthenticator(packet: Uint8Array, secret: Uint8Array): Uint8Array {
  return responseAuthenticator(packet, NO_AUTHENTICATOR, secret);
}

/**
 * RFC 3579 3.2: HMAC-MD5 of the packet with `authenticator` in its header and zeros in its first
 * Message-Authenticator. Undefined when there is none of 16 bytes. `authenticator` is the packet's own for an
 * Access-Request, the request's for any reply, undefined (zeros) for the requests of accounting, CoA and Disconnect.
 */
export function messageAuthenticator(
  packet: Uint8Array,
  secret: Uint8Array,
  authenticator: Uint8Array = NO_AUTHENTICATOR,
): Uint8Array | undefined {
  const at = attributeOffset(packet, RadiusAttribute.MessageAuthenticator);
  if (at < 0 || packet[at + 1] !== MESSAGE_AUTHENTICATOR_LENGTH) return undefined;
  // Not slice(): of a Buffer, which a socket gives, it is no copy.
  const message = Uint8Array.from(trimmed(packet));
  message.set(authenticator, AUTHENTICATOR_AT);
  message.fill(0, at + 2, at + MESSAGE_AUTHENTICATOR_LENGTH);
  return hmac('md5', secret, message);
}

/** `authenticator` as for {@link messageAuthenticator}. */
export function checkMessageAuthenticator(
  packet: Uint8Array,
  secret: Uint8Array,
  authenticator?: Uint8Array,
): 'good' | 'wrong' | 'missing' {
  const at = attributeOffset(packet, RadiusAttribute.MessageAuthenticator);
  if (at < 0) return 'missing';
  const expected = messageAuthenticator(packet, secret, authenticator);
  if (expected === undefined) return 'wrong';
  return equal(expected, packet.subarray(at + 2, at + MESSAGE_AUTHENTICATOR_LENGTH)) ? 'good' : 'wrong';
}

// -- Sealing: the bytes of a packet, an unsealed Message-Authenticator filled in ---------------------------------------

/** The packet's authenticator is random and stays. */
export function sealAccessRequest(packet: RadiusPacket, secret: Uint8Array): Uint8Array {
  const bytes = encodeRadiusPacket(packet);
  fillMessageAuthenticator(bytes, secret, packet.authenticator);
  return bytes;
}

/** Accounting-Request, CoA-Request, Disconnect-Request: the packet's authenticator is replaced. */
export function sealAccountingRequest(packet: Omit<RadiusPacket, 'authenticator'>, secret: Uint8Array): Uint8Array {
  const bytes = encodeRadiusPacket({ ...packet, authenticator: NO_AUTHENTICATOR });
  fillMessageAuthenticator(bytes, secret, NO_AUTHENTICATOR);
  bytes.set(accountingRequestAuthenticator(bytes, secret), AUTHENTICATOR_AT);
  return bytes;
}

/** Any reply: the packet's authenticator is the request's, and is replaced. */
export function sealReply(packet: RadiusPacket, secret: Uint8Array): Uint8Array {
  const bytes = encodeRadiusPacket(packet);
  fillMessageAuthenticator(bytes, secret, packet.authenticator);
  bytes.set(responseAuthenticator(bytes, packet.authenticator, secret), AUTHENTICATOR_AT);
  return bytes;
}

// -- Hidden values ----------------------------------------------------------------------------------------------------

/**
 * User-Password, RFC 2865 5.2: `password` padded to blocks of 16 bytes, each xored with a digest that hangs on the
 * block before. @throws RangeError above {@link MAX_USER_PASSWORD_LENGTH} bytes.
 */
export function hideUserPassword(
  password: Uint8Array,
  requestAuthenticator: Uint8Array,
  secret: Uint8Array,
): Uint8Array {
  if (password.length > MAX_USER_PASSWORD_LENGTH) {
    throw new RangeError(`a User-Password of ${password.length} bytes has no encoding`);
  }
  const hidden = new Uint8Array(Math.max(1, Math.ceil(password.length / BLOCK_LENGTH)) * BLOCK_LENGTH);
  hidden.set(password);
  let previous = requestAuthenticator;
  for (let at = 0; at < hidden.length; at += BLOCK_LENGTH) {
    const block = hidden.subarray(at, at + BLOCK_LENGTH);
    xorInto(block, digest('md5', secret, previous));
    previous = block;
  }
  return hidden;
}

/**
 * MS-MPPE-Send-Key and MS-MPPE-Recv-Key, RFC 2548 2.4.2: Salt(2), then blocks of 16 bytes hidden as a User-Password
 * is, which hold Length(1), the key and padding. Undefined for what cannot be one, as after a wrong secret.
 */
export function revealKey(
  value: Uint8Array,
  requestAuthenticator: Uint8Array,
  secret: Uint8Array,
): Uint8Array | undefined {
  const hidden = value.subarray(SALT_LENGTH);
  if (hidden.length === 0 || hidden.length % BLOCK_LENGTH !== 0) return undefined;
  const plain = Uint8Array.from(hidden);
  let previous: readonly Uint8Array[] = [requestAuthenticator, value.subarray(0, SALT_LENGTH)];
  for (let at = 0; at < hidden.length; at += BLOCK_LENGTH) {
    xorInto(plain.subarray(at, at + BLOCK_LENGTH), digest('md5', secret, ...previous));
    previous = [hidden.subarray(at, at + BLOCK_LENGTH)];
  }
  const length = plain[0] ?? 0;
  return length > 0 && length < plain.length ? plain.slice(1, 1 + length) : undefined;
}

function fillMessageAuthenticator(packet: Uint8Array, secret: Uint8Array, authenticator: Uint8Array): void {
  const mac = messageAuthenticator(packet, secret, authenticator);
  if (mac !== undefined) packet.set(mac, attributeOffset(packet, RadiusAttribute.MessageAuthenticator) + 2);
}

/** Without the padding behind Length. */
function trimmed(packet: Uint8Array): Uint8Array {
  return packet.subarray(0, ((packet[2] ?? 0) << 8) | (packet[3] ?? 0));
}

function xorInto(target: Uint8Array, mask: Uint8Array): void {
  for (let at = 0; at < target.length; at++) target[at] = (target[at] ?? 0) ^ (mask[at] ?? 0);
}
