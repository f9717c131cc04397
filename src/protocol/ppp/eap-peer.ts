// EAP, RFC 3748 4, seen from the side that proves who it is, with EAP-MSCHAPv2 as its only type. It never speaks first: what is
// lost, the server repeats. Whether the server knows the password is checked before anything it says counts as success.
import { ChapCode, chapValue, parseChapMessage, parseChapValue } from '../../wire/chap.ts';
import {
  EapCode,
  type EapExchangePacket,
  type EapResultCode,
  EapType,
  encodeEapMsChapV2,
  encodeEapPacket,
  parseEapMsChapV2,
  parseEapPacket,
} from '../../wire/eap.ts';
import { encodeText } from '../../wire/text.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { AuthFailure, AuthPeer, AuthPeerOptions, AuthPeerOutput } from './auth-peer.ts';
import { MsChapV2Prover } from './chap-peer.ts';
import type { PppEndReason } from './end-reason.ts';

/** Answers that are kept for copies of their requests. A whole conversation has four. */
const MAX_ANSWERS = 8;

interface Answer {
  readonly request: Uint8Array;
  readonly response: Uint8Array;
}

/** The type and data of a response. */
type Reply = Pick<EapExchangePacket, 'type' | 'data'>;

export class EapPeer implements AuthPeer {
  readonly #prover: MsChapV2Prover;
  readonly #output: AuthPeerOutput;
  readonly #options: AuthPeerOptions;
  #answers: readonly Answer[] = [];
  /** The server has asked for our type, and not only for others. */
  #hasMethod = false;
  /** The key, once the server has proved that it knows the password. */
  #hlak: Uint8Array | undefined;
  #decided = false;
  #timeoutAt = Number.POSITIVE_INFINITY;
  #silentAt = Number.POSITIVE_INFINITY;

  constructor(output: AuthPeerOutput, options: AuthPeerOptions) {
    this.#output = output;
    this.#options = options;
    this.#prover = new MsChapV2Prover(options);
  }

  get deadline(): number {
    return Math.min(this.#timeoutAt, this.#silentAt);
  }

  start(now: number): void {
    this.#timeoutAt = now + this.#options.authTimeoutMs;
  }

  receive(information: Uint8Array, now: number): void {
    const packet = parseEapPacket(information);
    if (isWireError(packet) || packet.code === EapCode.Response) return;
    if (packet.code === EapCode.Request) this.#receiveRequest(packet, now);
    else if (!this.#decided) this.#receiveResult(packet.code, now);
  }

  handleTimeout(now: number): void {
    if (now >= this.#timeoutAt) this.#fail('auth-timeout', undefined);
    // RFC 4137 4.1: a Success is never repeated, and once the server has proved itself its silence means the same.
    else if (now >= this.#silentAt && this.#hlak !== undefined) this.#succeed(this.#hlak, now);
  }

  #receiveRequest(request: EapExchangePacket, now: number): void {
    const bytes = encodeEapPacket(request);
    const response = this.#answers.find(answer => sameBytes(answer.request, bytes))?.response;
    if (response !== undefined) this.#send(response, now);
    else if (this.#hlak === undefined && !this.#decided) this.#receiveNew(request, bytes, now);
  }

  #receiveNew(request: EapExchangePacket, bytes: Uint8Array, now: number): void {
    const reply = this.#reply(request);
    if (reply === undefined) return;
    const response = encodeEapPacket({ code: EapCode.Response, id: request.id, ...reply });
    this.#answers = [...this.#answers.slice(1 - MAX_ANSWERS), { request: bytes, response }];
    this.#send(response, now);
  }

  #send(response: Uint8Array, now: number): void {
    if (this.#hlak !== undefined && !this.#decided) this.#silentAt = now + this.#options.retransmitMs;
    this.#output.send(response);
  }

  #reply({ type, data }: EapExchangePacket): Reply | undefined {
    switch (type) {
      case EapType.Identity:
        return { type, data: encodeText(this.#options.user) };
      case EapType.Notification:
        return { type, data: new Uint8Array(0) };
      case EapType.MsChapV2:
        this.#hasMethod = true;
        return this.#replyToMethod(data);
      default:
        return { type: EapType.Nak, data: Uint8Array.of(EapType.MsChapV2) };
    }
  }

  #replyToMethod(typeData: Uint8Array): Reply | undefined {
    const message = parseEapMsChapV2(typeData);
    if (isWireError(message)) return undefined;
    switch (message.code) {
      case ChapCode.Challenge: {
        const challenge = parseChapValue(message.data);
        const value = isWireError(challenge) ? undefined : this.#prover.respond(message.id, challenge.value);
        if (value === undefined) return undefined;
        const response = chapValue(ChapCode.Response, message.id, { value, name: encodeText(this.#options.user) });
        return { type: EapType.MsChapV2, data: encodeEapMsChapV2(response) };
      }
      case ChapCode.Success:
        this.#hlak = this.#prover.hlak(parseChapMessage(message.data));
        if (this.#hlak !== undefined) return acknowledgement(ChapCode.Success);
        this.#fail('auth-unverified', undefined);
        return undefined;
      case ChapCode.Failure:
        // There is no second try, and so nothing to wait for.
        this.#fail('auth-failed', this.#prover.failure(parseChapMessage(message.data)));
        return acknowledgement(ChapCode.Failure);
      default:
        return undefined;
    }
  }

  #receiveResult(code: EapResultCode, now: number): void {
    if (code === EapCode.Success) {
      if (this.#hlak === undefined) this.#fail('auth-unverified', undefined);
      else this.#succeed(this.#hlak, now);
    } else if (this.#hasMethod) this.#fail('auth-failed', { code: undefined, message: '' });
    else this.#fail('auth-refused', undefined);
  }

  #succeed(hlak: Uint8Array, now: number): void {
    this.#decide();
    this.#output.authenticated(hlak, now);
  }

  #fail(reason: PppEndReason, failure: AuthFailure | undefined): void {
    this.#decide();
    this.#output.failed(reason, failure);
  }

  #decide(): void {
    this.#decided = true;
    this.#timeoutAt = Number.POSITIVE_INFINITY;
    this.#silentAt = Number.POSITIVE_INFINITY;
  }
}

function acknowledgement(opCode: typeof ChapCode.Success | typeof ChapCode.Failure): Reply {
  return { type: EapType.MsChapV2, data: Uint8Array.of(opCode) };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
