// The authenticator's part of EAP that is the same whoever judges, RFC 3748 4: asks for the identity itself, keeps one request
// outstanding, repeats it unchanged until it is answered, and answers a late copy of the last response with the result.
import {
  EapCode,
  type EapExchangePacket,
  type EapResultCode,
  type EapResultPacket,
  EapType,
  encodeEapPacket,
  parseEapPacket,
} from '../../wire/eap.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { Authenticator, AuthenticatorOptions, AuthenticatorOutput } from './authenticator.ts';
import type { Credentials, FinalVerdict } from './credentials.ts';

export abstract class EapAuthenticator implements Authenticator {
  protected readonly output: AuthenticatorOutput;
  protected readonly options: AuthenticatorOptions;
  #id: number;
  #request: { readonly packet: EapExchangePacket; readonly patienceMs: number } | undefined;
  #isVerifying = false;
  /** The Success or Failure that was sent, for a peer that missed it. */
  #result: Uint8Array | undefined;
  #timeoutAt = Number.POSITIVE_INFINITY;
  #retransmitAt = Number.POSITIVE_INFINITY;

  constructor(output: AuthenticatorOutput, options: AuthenticatorOptions) {
    this.output = output;
    this.options = options;
    this.#id = options.random(1)[0] ?? 0;
  }

  get deadline(): number {
    return Math.min(this.#timeoutAt, this.#retransmitAt);
  }

  start(now: number): void {
    this.#timeoutAt = now + this.options.authTimeoutMs;
    this.request(EapType.Identity, new Uint8Array(0), now);
  }

  receive(information: Uint8Array, now: number): void {
    const response = parseEapPacket(information);
    if (isWireError(response) || response.code !== EapCode.Response || response.id !== this.requestId) return;
    if (this.#result !== undefined) return this.output.send(this.#result);
    if (this.#isVerifying) return;
    if (response.type === EapType.Nak) this.naked(response, now);
    // RFC 3748 4.1: any other type is no answer to this request.
    else if (response.type === this.#request?.packet.type) this.answered(response, now);
  }

  verdict(verdict: FinalVerdict, now: number): void {
    if (this.#isVerifying) this.judged(verdict, now);
  }

  handleTimeout(now: number): void {
    if (now >= this.#timeoutAt) {
      this.#stopTimers();
      this.output.timedOut();
    } else if (now >= this.#retransmitAt) {
      this.unanswered(now);
    }
  }

  /** The peer's answer to the outstanding request. One that is ignored leaves the request outstanding. */
  protected abstract answered(response: EapExchangePacket, now: number): void;

  /** The peer does not want the type of the outstanding request. */
  protected abstract naked(nak: EapExchangePacket, now: number): void;

  /** The answer to `verify`. */
  protected abstract judged(verdict: FinalVerdict, now: number): void;

  /** Nothing came for the time that the outstanding request has. */
  protected unanswered(now: number): void {
    if (this.#request !== undefined) this.#send(this.#request, now);
  }

  protected get isVerifying(): boolean {
    return this.#isVerifying;
  }

  /** Of the outstanding request, or of the last one; undefined before `start`. */
  protected get requestId(): number | undefined {
    return this.#request?.packet.id;
  }

  /** The next request of our own. */
  protected request(type: number, data: Uint8Array, now: number): void {
    this.#id = (this.#id + 1) & 0xff;
    this.relay({ code: EapCode.Request, id: this.#id, type, data }, this.options.retransmitMs, now);
  }

  /** A request that comes with its identifier, and is repeated after `patienceMs`. */
  protected relay(packet: EapExchangePacket, patienceMs: number, now: number): void {
    this.#isVerifying = false;
    this.#request = { packet, patienceMs };
    this.#send(this.#request, now);
  }

  protected verify(credentials: Credentials): void {
    this.#isVerifying = true;
    this.#retransmitAt = Number.POSITIVE_INFINITY;
    this.output.verify(credentials);
  }

  /** The last packet, with the identifier of the response that it answers unless it has one of its own. */
  protected conclude(code: EapResultCode, given?: EapResultPacket): void {
    this.#isVerifying = false;
    this.#stopTimers();
    this.#result = encodeEapPacket(given ?? { code, id: this.requestId ?? 0 });
    this.output.send(this.#result);
  }

  /** No type that the peer wants can be had. Without another method to go on with it is told in EAP's words. */
  protected refuse(): void {
    this.#stopTimers();
    if (!this.output.refused()) this.conclude(EapCode.Failure);
  }

  #send({ packet, patienceMs }: { packet: EapExchangePacket; patienceMs: number }, now: number): void {
    this.#retransmitAt = now + patienceMs;
    this.output.send(encodeEapPacket(packet));
  }

  #stopTimers(): void {
    this.#timeoutAt = Number.POSITIVE_INFINITY;
    this.#retransmitAt = Number.POSITIVE_INFINITY;
  }
}
