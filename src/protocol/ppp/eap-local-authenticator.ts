// EAP that ends here: EAP-MSCHAPv2, whose response is verified like one of plain MS-CHAPv2. Challenge, result and the peer's
// acknowledgement of the result; only then Success or Failure of EAP itself.
import { ChapCode, chapResult, chapValue, MS_CHAP_CHALLENGE_LENGTH, parseChapValue } from '../../wire/chap.ts';
import type { CpPacket } from '../../wire/control-protocol.ts';
import {
  EapCode,
  type EapExchangePacket,
  eapMsChapV2OpCode,
  EapType,
  encodeEapMsChapV2,
  parseEapMsChapV2,
  wantedEapTypes,
} from '../../wire/eap.ts';
import { decodeText, encodeText } from '../../wire/text.ts';
import { isWireError } from '../../wire/wire-error.ts';
import { MS_CHAP_V2 } from './chap-authenticator.ts';
import type { AcceptedVerdict, FinalVerdict } from './credentials.ts';
import { EapAuthenticator } from './eap-authenticator.ts';

/** A peer may ask for MS-CHAPv2 in a Nak of MS-CHAPv2, but not for ever. */
const MAX_CHALLENGES = 3;

type Step =
  | { readonly kind: 'identity' }
  | { readonly kind: 'challenge'; readonly challenge: Uint8Array; readonly id: number }
  /** The owner's verdict is on its way to the peer, which has to confirm it. */
  | { readonly kind: 'success'; readonly user: string; readonly verdict: AcceptedVerdict }
  | { readonly kind: 'failure'; readonly user: string };

export class EapLocalAuthenticator extends EapAuthenticator {
  #step: Step = { kind: 'identity' };
  #challenges = 0;
  /** Whose response is being verified. */
  #user = '';

  protected override answered({ data }: EapExchangePacket, now: number): void {
    const step = this.#step;
    switch (step.kind) {
      case 'identity':
        // Who the peer is stands in its response again, and that is the name it proves.
        return this.#challenge(now);
      case 'challenge':
        return this.#verify(data, step.challenge, step.id);
      case 'success':
        if (eapMsChapV2OpCode(data) === ChapCode.Failure) return this.#reject(step.user);
        if (eapMsChapV2OpCode(data) !== ChapCode.Success) return undefined;
        this.conclude(EapCode.Success);
        return this.output.accepted(step.user, step.verdict, now);
      case 'failure':
        return this.#reject(step.user);
    }
  }

  protected override naked({ data }: EapExchangePacket, now: number): void {
    const { kind } = this.#step;
    if (kind !== 'identity' && kind !== 'challenge') return;
    const wantsOurs = wantedEapTypes(data).includes(EapType.MsChapV2);
    if (wantsOurs && this.#challenges < MAX_CHALLENGES) this.#challenge(now);
    else this.refuse();
  }

  protected override judged(verdict: FinalVerdict, now: number): void {
    if (this.#step.kind !== 'challenge') return;
    const [user, { id }] = [this.#user, this.#step];
    if (verdict.kind === 'accepted') {
      this.#step = { kind: 'success', user, verdict };
      this.#say(chapResult(ChapCode.Success, id, verdict.message), now);
    } else {
      this.#step = { kind: 'failure', user };
      const text = MS_CHAP_V2.failureText(verdict, this.options.random(MS_CHAP_CHALLENGE_LENGTH));
      this.#say(chapResult(ChapCode.Failure, id, text), now);
    }
  }

  protected override unanswered(now: number): void {
    // Many a peer has nothing more to say after a failure.
    if (this.#step.kind === 'failure') this.#reject(this.#step.user);
    else super.unanswered(now);
  }

  #challenge(now: number): void {
    this.#challenges += 1;
    const [challenge, [id = 0]] = [this.options.random(MS_CHAP_CHALLENGE_LENGTH), this.options.random(1)];
    this.#step = { kind: 'challenge', challenge, id };
    const name = encodeText(this.options.serverName);
    this.#say(chapValue(ChapCode.Challenge, id, { value: challenge, name }), now);
  }

  #verify(data: Uint8Array, challenge: Uint8Array, id: number): void {
    const message = parseEapMsChapV2(data);
    if (isWireError(message) || message.code !== ChapCode.Response) return;
    const response = parseChapValue(message.data);
    if (isWireError(response)) return;
    const user = decodeText(response.name);
    const credentials = MS_CHAP_V2.credentials(user, id, challenge, response.value);
    if (credentials === undefined) return;
    this.#user = user;
    this.verify(credentials);
  }

  #reject(user: string): void {
    this.conclude(EapCode.Failure);
    this.output.rejected(user);
  }

  #say(message: CpPacket, now: number): void {
    this.request(EapType.MsChapV2, encodeEapMsChapV2(message), now);
  }
}
