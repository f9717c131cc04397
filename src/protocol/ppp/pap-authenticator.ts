// PAP, RFC 1334 2: the peer repeats its request until it is answered, so there is nothing to retransmit here.
import { decodeCpPacket, encodeCpPacket } from '../../wire/control-protocol.ts';
import { PapCode, papResult, parsePapRequest } from '../../wire/pap.ts';
import { decodeText, encodeText } from '../../wire/text.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { Authenticator, AuthenticatorOptions, AuthenticatorOutput } from './authenticator.ts';
import type { FinalVerdict } from './credentials.ts';

export class PapAuthenticator implements Authenticator {
  deadline = Number.POSITIVE_INFINITY;
  readonly #output: AuthenticatorOutput;
  readonly #authTimeoutMs: number;
  /** Whose password is being verified, or was. */
  #user: string | undefined;
  /** Of the latest request: repetitions may have new ones, and the answer goes to the last. */
  #requestId = 0;
  #verdict: FinalVerdict | undefined;

  constructor(output: AuthenticatorOutput, { authTimeoutMs }: AuthenticatorOptions) {
    this.#output = output;
    this.#authTimeoutMs = authTimeoutMs;
  }

  start(now: number): void {
    this.deadline = now + this.#authTimeoutMs;
  }

  receive(information: Uint8Array): void {
    const packet = decodeCpPacket(information);
    if (isWireError(packet) || packet.code !== PapCode.AuthenticateRequest) return;
    const request = parsePapRequest(packet.data);
    if (isWireError(request)) return;
    this.#requestId = packet.id;
    if (this.#verdict !== undefined) return this.#answer(this.#verdict);
    if (this.#user !== undefined) return;
    this.#user = decodeText(request.user);
    this.#output.verify({ kind: 'pap', user: this.#user, password: decodeText(request.password) });
  }

  verdict(verdict: FinalVerdict, now: number): void {
    const user = this.#user;
    if (user === undefined || this.#verdict !== undefined) return;
    this.#verdict = verdict;
    this.deadline = Number.POSITIVE_INFINITY;
    this.#answer(verdict);
    if (verdict.kind === 'accepted') this.#output.accepted(user, verdict, now);
    else this.#output.rejected(user);
  }

  handleTimeout(now: number): void {
    if (now < this.deadline) return;
    this.deadline = Number.POSITIVE_INFINITY;
    this.#output.timedOut();
  }

  #answer({ kind, message }: FinalVerdict): void {
    const code = kind === 'accepted' ? PapCode.AuthenticateAck : PapCode.AuthenticateNak;
    this.#output.send(encodeCpPacket(papResult(code, this.#requestId, encodeText(message))));
  }
}
