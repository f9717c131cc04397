// EAP that ends elsewhere (RFC 3579 2): whoever answers `verify` leads the conversation, with any type. Of its packets nothing
// is understood here but code and identifier.
import {
  EapCode,
  type EapExchangePacket,
  type EapResultCode,
  type EapResultPacket,
  EapType,
  encodeEapPacket,
  parseEapPacket,
} from '../../wire/eap.ts';
import { MAX_INFORMATION_LENGTH } from '../../wire/ppp.ts';
import { decodeText } from '../../wire/text.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { ChallengeVerdict, FinalVerdict } from './credentials.ts';
import { EapAuthenticator } from './eap-authenticator.ts';

export class EapRelayAuthenticator extends EapAuthenticator {
  /** What the peer called itself; without that there is nobody to ask about. */
  #user: string | undefined;
  #hasNaked = false;

  challenge({ packet, timeoutMs = 0 }: ChallengeVerdict, now: number): void {
    if (!this.isVerifying) return;
    const request = parseEapPacket(packet);
    const isUsable = !isWireError(request) && request.code === EapCode.Request;
    if (!isUsable || packet.length > MAX_INFORMATION_LENGTH) return this.#reject(undefined);
    this.relay(request, Math.max(timeoutMs, this.options.retransmitMs), now);
  }

  protected override answered(response: EapExchangePacket): void {
    // The first answer is to our request for the identity: no other type gets here before.
    this.#user ??= decodeText(response.data);
    this.#ask(this.#user, response);
  }

  /** The leader knows which types it could offer instead. */
  protected override naked(nak: EapExchangePacket): void {
    if (this.#user === undefined) this.refuse();
    else this.#ask(this.#user, nak);
  }

  protected override judged(verdict: FinalVerdict, now: number): void {
    if (verdict.kind === 'accepted') {
      this.conclude(EapCode.Success, resultOf(EapCode.Success, verdict.packet));
      this.output.accepted(this.#user ?? '', verdict, now);
      // It judged nothing but the types that the peer wants: no secret was tried yet.
    } else if (this.#hasNaked) this.refuse();
    else this.#reject(verdict.packet);
  }

  #ask(user: string, response: EapExchangePacket): void {
    this.#hasNaked = response.type === EapType.Nak;
    this.verify({ kind: 'eap', user, packet: encodeEapPacket(response) });
  }

  #reject(packet: Uint8Array | undefined): void {
    this.conclude(EapCode.Failure, resultOf(EapCode.Failure, packet));
    this.output.rejected(this.#user ?? '');
  }
}

/** The leader's own packet, unless it says something else than its verdict (RFC 3579 2.6.3: the verdict counts). */
function resultOf(code: EapResultCode, packet: Uint8Array | undefined): EapResultPacket | undefined {
  const given = packet === undefined ? undefined : parseEapPacket(packet);
  return given === undefined || isWireError(given) || given.code !== code ? undefined : { code, id: given.id };
}
