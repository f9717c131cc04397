// CHAP, RFC 1994 4: challenge, response, result. The exchange is the same for MD5 and MS-CHAPv2; what a response holds and
// how a failure reads is in a scheme.
import {
  ChapCode,
  chapResult,
  chapValue,
  formatMsChapV2Failure,
  MS_CHAP_CHALLENGE_LENGTH,
  parseChapValue,
  parseMsChapV2Response,
} from '../../wire/chap.ts';
import { decodeCpPacket, encodeCpPacket } from '../../wire/control-protocol.ts';
import { decodeText, encodeText } from '../../wire/text.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { Authenticator, AuthenticatorOptions, AuthenticatorOutput } from './authenticator.ts';
import type { Credentials, FinalVerdict, RejectedVerdict } from './credentials.ts';

export interface ChapScheme {
  /** Bytes. */
  readonly challengeLength: number;
  /** Undefined for a response that is none of this scheme. */
  credentials(user: string, id: number, challenge: Uint8Array, response: Uint8Array): Credentials | undefined;
  /** `challenge` is a fresh one. */
  failureText(rejected: RejectedVerdict, challenge: Uint8Array): string;
}

const MD5_LENGTH = 16;

/** RFC 1994. */
export const CHAP_MD5: ChapScheme = {
  challengeLength: 16,
  credentials: (user, id, challenge, response) =>
    response.length === MD5_LENGTH ? { kind: 'chap', user, id, challenge, response } : undefined,
  failureText: ({ message }) => message,
};

/** RFC 2759. No second try (R=0): a peer that may try again asks its user, and the call's time is limited. */
export const MS_CHAP_V2: ChapScheme = {
  challengeLength: MS_CHAP_CHALLENGE_LENGTH,
  credentials: (user, id, authenticatorChallenge, value) => {
    const response = parseMsChapV2Response(value);
    return isWireError(response) ? undefined : { kind: 'mschapv2', user, id, authenticatorChallenge, ...response };
  },
  failureText: ({ code, message }, challenge) => formatMsChapV2Failure({ code, retry: false, challenge, message }),
};

export class ChapAuthenticator implements Authenticator {
  readonly #scheme: ChapScheme;
  readonly #output: AuthenticatorOutput;
  readonly #options: AuthenticatorOptions;
  readonly #challenge: Uint8Array;
  readonly #id: number;
  #timeoutAt = Number.POSITIVE_INFINITY;
  #retransmitAt = Number.POSITIVE_INFINITY;
  /** Whose response is being verified, or was. */
  #user: string | undefined;
  /** The Success or Failure that was sent, for a peer that missed it. */
  #result: Uint8Array | undefined;

  constructor(scheme: ChapScheme, output: AuthenticatorOutput, options: AuthenticatorOptions) {
    this.#scheme = scheme;
    this.#output = output;
    this.#options = options;
    this.#challenge = options.random(scheme.challengeLength);
    this.#id = options.random(1)[0] ?? 0;
  }

  get deadline(): number {
    return Math.min(this.#timeoutAt, this.#retransmitAt);
  }

  start(now: number): void {
    this.#timeoutAt = now + this.#options.authTimeoutMs;
    this.#sendChallenge(now);
  }

  receive(information: Uint8Array): void {
    const packet = decodeCpPacket(information);
    if (isWireError(packet) || packet.code !== ChapCode.Response || packet.id !== this.#id) return;
    if (this.#result !== undefined) return this.#output.send(this.#result);
    if (this.#user !== undefined) return;
    const response = parseChapValue(packet.data);
    if (isWireError(response)) return;
    const user = decodeText(response.name);
    const credentials = this.#scheme.credentials(user, this.#id, this.#challenge, response.value);
    if (credentials === undefined) return;
    this.#user = user;
    this.#retransmitAt = Number.POSITIVE_INFINITY;
    this.#output.verify(credentials);
  }

  verdict(verdict: FinalVerdict, now: number): void {
    const user = this.#user;
    if (user === undefined || this.#result !== undefined) return;
    this.#timeoutAt = Number.POSITIVE_INFINITY;
    this.#result = this.#encodeResult(verdict);
    this.#output.send(this.#result);
    if (verdict.kind === 'accepted') this.#output.accepted(user, verdict, now);
    else this.#output.rejected(user);
  }

  handleTimeout(now: number): void {
    if (now >= this.#timeoutAt) {
      this.#timeoutAt = Number.POSITIVE_INFINITY;
      this.#retransmitAt = Number.POSITIVE_INFINITY;
      this.#output.timedOut();
    } else if (now >= this.#retransmitAt) {
      this.#sendChallenge(now);
    }
  }

  /** Every copy is the same, so that a response that crosses a retransmission still counts. */
  #sendChallenge(now: number): void {
    this.#retransmitAt = now + this.#options.retransmitMs;
    const challenge = { value: this.#challenge, name: encodeText(this.#options.serverName) };
    this.#output.send(encodeCpPacket(chapValue(ChapCode.Challenge, this.#id, challenge)));
  }

  #encodeResult(verdict: FinalVerdict): Uint8Array {
    if (verdict.kind === 'accepted') return encodeCpPacket(chapResult(ChapCode.Success, this.#id, verdict.message));
    const text = this.#scheme.failureText(verdict, this.#options.random(MS_CHAP_CHALLENGE_LENGTH));
    return encodeCpPacket(chapResult(ChapCode.Failure, this.#id, text));
  }
}
