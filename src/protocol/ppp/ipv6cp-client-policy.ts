import { viewOf } from '../../wire/bytes.ts';
import type { CpOption } from '../../wire/control-protocol.ts';
import { interfaceIdOption, Ipv6cpOption, parseInterfaceId } from '../../wire/ipv6cp.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { Ipv6Parameters } from './credentials.ts';
import type { PppEndReason } from './end-reason.ts';
import { type Judgement, JudgementBuilder, type OptionPolicy } from './option-policy.ts';

/** IPv6CP of the side that takes the identifier that the server suggests, and a random one when it suggests none (RFC 5072). */
export class Ipv6cpClientPolicy implements OptionPolicy {
  readonly failure: PppEndReason = 'ipv6cp-failed';
  readonly #random: (length: number) => Uint8Array;
  #own = 0n;
  #server = 0n;

  constructor(random: (length: number) => Uint8Array) {
    this.#random = random;
  }

  /** What was agreed on, once IPv6CP is opened; addresses come by router advertisements. The server's identifier is 0 when it named none. */
  get parameters(): Ipv6Parameters {
    return {
      interfaceId: this.#own,
      gatewayInterfaceId: this.#server,
      prefix: undefined,
      delegated: undefined,
      dns: [],
    };
  }

  restart(): void {
    this.#own = this.#newId(0n);
  }

  request(): readonly CpOption[] {
    return [interfaceIdOption(this.#own)];
  }

  acknowledged(): PppEndReason | undefined {
    return undefined;
  }

  naked(options: readonly CpOption[]): PppEndReason | undefined {
    for (const { type, value } of options) {
      if (type !== Ipv6cpOption.InterfaceIdentifier) continue;
      const suggested = parseInterfaceId(value);
      if (!isWireError(suggested) && suggested !== 0n) this.#own = suggested;
    }
    return undefined;
  }

  rejected(): PppEndReason | undefined {
    return this.failure;
  }

  /** RFC 5072 4.1: zero, and our own, are answered with another one. */
  judge(asked: readonly CpOption[], mayNak: boolean): Judgement {
    const answer = new JudgementBuilder(mayNak);
    let server = 0n;
    for (const option of asked) {
      const wanted = option.type === Ipv6cpOption.InterfaceIdentifier ? parseInterfaceId(option.value) : undefined;
      if (wanted === undefined || isWireError(wanted)) answer.reject(option);
      else if (wanted === 0n || wanted === this.#own) answer.nak(option, interfaceIdOption(this.#newId(this.#own)));
      else server = wanted;
    }
    const judgement = answer.judgement();
    if (judgement.kind === 'ack') this.#server = server;
    return judgement;
  }

  /** Neither zero nor `other`. The bit that would claim it to be unique in the world is clear (RFC 5072 4.1). */
  #newId(other: bigint): bigint {
    const UNIVERSAL = 0x0200_0000_0000_0000n;
    const id = viewOf(this.#random(8)).getBigUint64(0) & ~UNIVERSAL;
    return id === 0n || id === other ? other ^ 1n : id;
  }
}
