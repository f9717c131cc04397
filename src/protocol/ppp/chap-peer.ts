// CHAP, RFC 1994 4, seen from the side that proves who it is. The exchange is the same for MD5 and MS-CHAPv2; a prover
// computes the response, and with MS-CHAPv2 it also checks the server's own proof.
import { chapMd5 } from '../../crypto/chap-md5.ts';
import { hlakFromMsChapV2, ZERO_HLAK } from '../../crypto/crypto-binding.ts';
import {
  type MsChapV2Exchange,
  ntPasswordHash,
  ntResponse,
  provesPassword,
  withoutDomain,
} from '../../crypto/ms-chap-v2.ts';
import {
  ChapCode,
  chapValue,
  encodeMsChapV2Response,
  MS_CHAP_CHALLENGE_LENGTH,
  parseChapMessage,
  parseChapValue,
  parseMsChapV2Failure,
  parseMsChapV2Success,
} from '../../wire/chap.ts';
import { type CpPacket, decodeCpPacket, encodeCpPacket } from '../../wire/control-protocol.ts';
import { encodeText } from '../../wire/text.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { AuthFailure, AuthPeer, AuthPeerOptions, AuthPeerOutput } from './auth-peer.ts';

interface ChapProver {
  /** The value of the Response, or undefined for a challenge that this method cannot have. */
  respond(id: number, challenge: Uint8Array): Uint8Array | undefined;
  /** The key for the crypto binding, or undefined when the server does not prove that it knows the password. */
  hlak(successText: string): Uint8Array | undefined;
  failure(text: string): AuthFailure;
}

/** RFC 1994: the server proves nothing, and there is no key. */
export class ChapMd5Prover implements ChapProver {
  readonly #secret: Uint8Array;

  constructor({ password }: AuthPeerOptions) {
    this.#secret = encodeText(password);
  }

  respond(id: number, challenge: Uint8Array): Uint8Array {
    return chapMd5(id, this.#secret, challenge);
  }

  hlak(): Uint8Array {
    return ZERO_HLAK;
  }

  failure(message: string): AuthFailure {
    return { code: undefined, message };
  }
}

/** RFC 2759. */
export class MsChapV2Prover implements ChapProver {
  readonly #ntHash: Uint8Array;
  /** The name as it goes into the hash: without its domain, RFC 2759 4. */
  readonly #user: string;
  readonly #random: (length: number) => Uint8Array;
  #sent: { readonly exchange: MsChapV2Exchange; readonly response: Uint8Array } | undefined;

  constructor({ user, password, random }: AuthPeerOptions) {
    this.#ntHash = ntPasswordHash(password);
    this.#user = withoutDomain(user);
    this.#random = random;
  }

  respond(_id: number, authenticatorChallenge: Uint8Array): Uint8Array | undefined {
    if (authenticatorChallenge.length !== MS_CHAP_CHALLENGE_LENGTH) return undefined;
    const peerChallenge = this.#random(MS_CHAP_CHALLENGE_LENGTH);
    const exchange = { user: this.#user, authenticatorChallenge, peerChallenge };
    const response = ntResponse(this.#ntHash, exchange);
    this.#sent = { exchange, response };
    return encodeMsChapV2Response({ peerChallenge, ntResponse: response });
  }

  hlak(successText: string): Uint8Array | undefined {
    const success = parseMsChapV2Success(successText);
    if (isWireError(success) || this.#sent === undefined) return undefined;
    const { exchange, response } = this.#sent;
    if (!provesPassword(success.authenticatorResponse, this.#ntHash, response, exchange)) return undefined;
    return hlakFromMsChapV2(this.#ntHash, response);
  }

  failure(text: string): AuthFailure {
    const { code, message } = parseMsChapV2Failure(text);
    return { code, message };
  }
}

export class ChapPeer implements AuthPeer {
  readonly #prover: ChapProver;
  readonly #output: AuthPeerOutput;
  readonly #options: AuthPeerOptions;
  #timeoutAt = Number.POSITIVE_INFINITY;
  #retransmitAt = Number.POSITIVE_INFINITY;
  /** The challenge that was answered last; a copy of it gets a copy of the response. */
  #challenge: CpPacket | undefined;
  #response: Uint8Array | undefined;
  #decided = false;

  constructor(prover: ChapProver, output: AuthPeerOutput, options: AuthPeerOptions) {
    this.#prover = prover;
    this.#output = output;
    this.#options = options;
  }

  get deadline(): number {
    return Math.min(this.#timeoutAt, this.#retransmitAt);
  }

  start(now: number): void {
    this.#timeoutAt = now + this.#options.authTimeoutMs;
  }

  receive(information: Uint8Array, now: number): void {
    const packet = decodeCpPacket(information);
    if (isWireError(packet)) return;
    if (packet.code === ChapCode.Challenge) this.#receiveChallenge(packet, now);
    else if (packet.id === this.#challenge?.id && !this.#decided) this.#receiveResult(packet, now);
  }

  handleTimeout(now: number): void {
    if (now >= this.#timeoutAt) this.#fail('auth-timeout', undefined);
    else if (now >= this.#retransmitAt) this.#sendResponse(now);
  }

  /** A challenge may come at any time, also long after the first success (RFC 1994 2). */
  #receiveChallenge(packet: CpPacket, now: number): void {
    const last = this.#challenge;
    if (last === undefined || last.id !== packet.id || !sameData(last, packet)) {
      const challenge = parseChapValue(packet.data);
      const value = isWireError(challenge) ? undefined : this.#prover.respond(packet.id, challenge.value);
      if (value === undefined) return;
      this.#challenge = packet;
      const response = { value, name: encodeText(this.#options.user) };
      this.#response = encodeCpPacket(chapValue(ChapCode.Response, packet.id, response));
      if (this.#decided) this.#timeoutAt = now + this.#options.authTimeoutMs;
      this.#decided = false;
    }
    this.#sendResponse(now);
  }

  #receiveResult(packet: CpPacket, now: number): void {
    const text = parseChapMessage(packet.data);
    if (packet.code === ChapCode.Failure) return this.#fail('auth-failed', this.#prover.failure(text));
    if (packet.code !== ChapCode.Success) return;
    const hlak = this.#prover.hlak(text);
    if (hlak === undefined) return this.#fail('auth-unverified', undefined);
    this.#decide();
    this.#output.authenticated(hlak, now);
  }

  #sendResponse(now: number): void {
    if (this.#response === undefined) return;
    this.#retransmitAt = this.#decided ? Number.POSITIVE_INFINITY : now + this.#options.retransmitMs;
    this.#output.send(this.#response);
  }

  #fail(reason: 'auth-failed' | 'auth-timeout' | 'auth-unverified', failure: AuthFailure | undefined): void {
    this.#decide();
    this.#output.failed(reason, failure);
  }

  #decide(): void {
    this.#decided = true;
    this.#timeoutAt = Number.POSITIVE_INFINITY;
    this.#retransmitAt = Number.POSITIVE_INFINITY;
  }
}

function sameData(a: CpPacket, b: CpPacket): boolean {
  return a.data.length === b.data.length && a.data.every((byte, at) => byte === b.data[at]);
}
