import type { CpOption } from '../../wire/control-protocol.ts';
import { interfaceIdOption, Ipv6cpOption, parseInterfaceId } from '../../wire/ipv6cp.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { Ipv6Parameters } from './credentials.ts';
import type { PppEndReason } from './end-reason.ts';
import { type Judgement, JudgementBuilder, type OptionPolicy } from './option-policy.ts';

/**
 * IPv6CP of the side that knows which identifiers are to be (RFC 5072). A peer may choose its own, unless the parameters
 * insist; header compression is refused.
 */
export class Ipv6cpServerPolicy implements OptionPolicy {
  readonly failure: PppEndReason = 'ipv6cp-failed';
  readonly #parameters: Ipv6Parameters;
  #announce = true;
  #peerId: bigint;

  constructor(parameters: Ipv6Parameters) {
    this.#parameters = parameters;
    this.#peerId = parameters.interfaceId;
  }

  /** What was agreed on, once IPv6CP is opened. */
  get parameters(): Ipv6Parameters {
    return { ...this.#parameters, interfaceId: this.#peerId };
  }

  restart(): void {
    this.#announce = true;
  }

  request(): readonly CpOption[] {
    return this.#announce ? [interfaceIdOption(this.#parameters.gatewayInterfaceId)] : [];
  }

  acknowledged(): PppEndReason | undefined {
    return undefined;
  }

  /** Ours is in every advertisement; a peer that does not give in meets the limit of requests. */
  naked(): PppEndReason | undefined {
    return undefined;
  }

  rejected(options: readonly CpOption[]): PppEndReason | undefined {
    if (options.some(({ type }) => type === Ipv6cpOption.InterfaceIdentifier)) this.#announce = false;
    return undefined;
  }

  judge(asked: readonly CpOption[], mayNak: boolean): Judgement {
    const { interfaceId } = this.#parameters;
    const answer = new JudgementBuilder(mayNak);
    let agreed: bigint | undefined;
    for (const option of asked) {
      if (option.type !== Ipv6cpOption.InterfaceIdentifier) {
        answer.reject(option);
        continue;
      }
      const wanted = parseInterfaceId(option.value);
      if (isWireError(wanted) || !this.#mayHave(wanted)) answer.nak(option, interfaceIdOption(interfaceId));
      else agreed = wanted;
    }
    if (!asked.some(({ type }) => type === Ipv6cpOption.InterfaceIdentifier)) {
      answer.append(interfaceIdOption(interfaceId));
    }
    // Two ends with the same address, or one that is not the peer's, cannot be had by rejecting the option.
    if (agreed === undefined && !mayNak) return { kind: 'give-up', reason: this.failure };
    const judgement = answer.judgement();
    if (judgement.kind === 'ack' && agreed !== undefined) this.#peerId = agreed;
    return judgement;
  }

  #mayHave(wanted: bigint): boolean {
    const { interfaceId, gatewayInterfaceId, insistsOnInterfaceId } = this.#parameters;
    if (insistsOnInterfaceId === true) return wanted === interfaceId;
    return wanted !== 0n && wanted !== gatewayInterfaceId;
  }
}
