/** The attributes of an Access-Request (RFC 2865 4.1, RFC 2548 2.3, RFC 3579 3), but for its Message-Authenticator. */
import { hideUserPassword, MAX_USER_PASSWORD_LENGTH } from '../../crypto/radius.ts';
import type { Credentials } from '../../protocol/ppp/credentials.ts';
import { type Attribute, MAX_ATTRIBUTE_VALUE_LENGTH, MicrosoftAttribute, RadiusAttribute } from '../../wire/radius.ts';
import { encodeText } from '../../wire/text.ts';
import type { AuthRequest, AuthSession } from '../authority.ts';
import type { RadiusOptions } from '../../config/radius-options.ts';
import { integer, microsoft, microsoftAttributes, sessionAttributes } from './request-attributes.ts';
import { radiusUserName } from './user-name.ts';

/** Leaves room in a packet of 4096 bytes for everything else; no PPP frame is that long. */
const MAX_EAP_LENGTH = 2048;
/** By which a fragment of TLS is shorter than a packet of the tunnel: headers of PPP, EAP and TLS, and a reserve. */
const EAP_OVERHEAD = 56;
/** RFC 2865 5.12. */
const SMALLEST_FRAMED_MTU = 64;
const MS_CHAP2_RESPONSE_LENGTH = 50;

/** Why nobody need be asked. */
export type UnaskableReason = 'radius-user-name-length' | 'radius-password-length' | 'radius-eap-length';

export interface AccessRequest {
  readonly userName: string;
  readonly attributes: (requestAuthenticator: Uint8Array, secret: Uint8Array) => readonly Attribute[];
}

/** `state` is what the server sent with its last challenge. */
export function accessRequest(
  { session, credentials }: AuthRequest,
  state: Uint8Array | undefined,
  options: RadiusOptions,
): AccessRequest | UnaskableReason {
  const userName = radiusUserName(credentials, options);
  const name = encodeText(userName);
  if (name.length === 0 || name.length > MAX_ATTRIBUTE_VALUE_LENGTH) return 'radius-user-name-length';
  if (credentials.kind === 'pap' && encodeText(credentials.password).length > MAX_USER_PASSWORD_LENGTH) {
    return 'radius-password-length';
  }
  if (credentials.kind === 'eap' && credentials.packet.length > MAX_EAP_LENGTH) return 'radius-eap-length';
  return {
    userName,
    attributes: (requestAuthenticator, secret) => [
      { type: RadiusAttribute.UserName, value: name },
      ...proof(credentials, session, requestAuthenticator, secret),
      ...(state === undefined ? [] : [{ type: RadiusAttribute.State, value: state }]),
      ...sessionAttributes(session, options),
      ...microsoftAttributes(session),
    ],
  };
}

function proof(
  credentials: Credentials,
  { mtu }: AuthSession,
  requestAuthenticator: Uint8Array,
  secret: Uint8Array,
): Attribute[] {
  if (credentials.kind === 'pap') {
    const hidden = hideUserPassword(encodeText(credentials.password), requestAuthenticator, secret);
    return [{ type: RadiusAttribute.UserPassword, value: hidden }];
  }
  if (credentials.kind === 'chap') {
    const { id, challenge, response } = credentials;
    return [
      { type: RadiusAttribute.ChapPassword, value: Uint8Array.of(id, ...response) },
      { type: RadiusAttribute.ChapChallenge, value: challenge },
    ];
  }
  if (credentials.kind === 'mschapv2') {
    return [
      microsoft(MicrosoftAttribute.MsChapChallenge, credentials.authenticatorChallenge),
      microsoft(MicrosoftAttribute.MsChap2Response, msChap2Response(credentials)),
    ];
  }
  return [
    ...eapMessages(credentials.packet),
    integer(RadiusAttribute.FramedMtu, Math.max(mtu - EAP_OVERHEAD, SMALLEST_FRAMED_MTU)),
  ];
}

/** RFC 2548 2.3.2: Ident, Flags, Peer-Challenge(16), Reserved(8), Response(24). */
function msChap2Response({ id, peerChallenge, ntResponse }: Credentials & { kind: 'mschapv2' }): Uint8Array {
  const value = new Uint8Array(MS_CHAP2_RESPONSE_LENGTH);
  value[0] = id;
  value.set(peerChallenge, 2);
  value.set(ntResponse, 26);
  return value;
}

/** RFC 3579 3.1: in order, one behind the other. */
function eapMessages(packet: Uint8Array): Attribute[] {
  const messages: Attribute[] = [];
  for (let at = 0; at < packet.length; at += MAX_ATTRIBUTE_VALUE_LENGTH) {
    const value = packet.slice(at, at + MAX_ATTRIBUTE_VALUE_LENGTH);
    messages.push({ type: RadiusAttribute.EapMessage, value });
  }
  return messages;
}
