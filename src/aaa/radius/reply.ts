/** Whether a datagram is the answer to a request. */
import { equal } from '../../crypto/constant-time.ts';
import { checkMessageAuthenticator, responseAuthenticator } from '../../crypto/radius.ts';
import { parseRadiusPacket, RadiusAttribute, RadiusCode, type RadiusPacket } from '../../wire/radius.ts';
import { isWireError } from '../../wire/wire-error.ts';

/** Why a reply is dropped. A wrong secret shows as `wrong-authenticator`. */
export type BadReply =
  | 'malformed'
  | 'unexpected-code'
  | 'wrong-authenticator'
  | 'wrong-message-authenticator'
  | 'no-message-authenticator';

export interface ReplyExpectation {
  readonly requestCode: number;
  readonly requestAuthenticator: Uint8Array;
  readonly secret: Uint8Array;
  readonly requireMessageAuthenticator: boolean;
}

const ACCESS_REPLIES: readonly number[] = [
  RadiusCode.AccessAccept,
  RadiusCode.AccessReject,
  RadiusCode.AccessChallenge,
];
const ACCOUNTING_REPLIES: readonly number[] = [RadiusCode.AccountingResponse];

/** RFC 2865 3, RFC 3579 3.2, and CVE-2024-3596: a reply to an Access-Request needs a Message-Authenticator. */
export function checkReply(datagram: Uint8Array, expectation: ReplyExpectation): RadiusPacket | BadReply {
  const { requestCode, requestAuthenticator, secret, requireMessageAuthenticator } = expectation;
  const packet = parseRadiusPacket(datagram);
  if (isWireError(packet)) return 'malformed';
  const isAccess = requestCode === RadiusCode.AccessRequest;
  if (!(isAccess ? ACCESS_REPLIES : ACCOUNTING_REPLIES).includes(packet.code)) return 'unexpected-code';
  const expected = responseAuthenticator(datagram, requestAuthenticator, secret);
  if (!equal(expected, packet.authenticator)) return 'wrong-authenticator';
  const seal = checkMessageAuthenticator(datagram, secret, requestAuthenticator);
  if (seal === 'wrong') return 'wrong-message-authenticator';
  const hasEap = packet.attributes.some(({ type }) => type === RadiusAttribute.EapMessage);
  const needsSeal = isAccess && (requireMessageAuthenticator || hasEap);
  return seal === 'missing' && needsSeal ? 'no-message-authenticator' : packet;
}
