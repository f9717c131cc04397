import type { CpOption } from '../../wire/control-protocol.ts';
import { addressOption, IpcpOption, parseAddressOption } from '../../wire/ipcp.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { Ipv4Parameters } from './credentials.ts';
import type { PppEndReason } from './end-reason.ts';
import { type Judgement, JudgementBuilder, type OptionPolicy } from './option-policy.ts';

const DNS_OPTIONS: readonly IpcpOption[] = [IpcpOption.PrimaryDns, IpcpOption.SecondaryDns];
const NBNS_OPTIONS: readonly IpcpOption[] = [IpcpOption.PrimaryNbns, IpcpOption.SecondaryNbns];

export interface Ipv4Wishes {
  /** 0 for "any". The server has the last word. */
  readonly address: number;
  readonly dns: boolean;
  readonly nbns: boolean;
}

/** IPCP of the side that is told its address and name servers (RFC 1332, RFC 1877). */
export class IpcpClientPolicy implements OptionPolicy {
  readonly failure: PppEndReason = 'ipcp-failed';
  readonly #wishes: Ipv4Wishes;
  /** The values of our next request by option type; in a Map, which keeps the order in which they are asked for. */
  readonly #values = new Map<IpcpOption, number>();
  #gateway = 0;

  constructor(wishes: Ipv4Wishes) {
    this.#wishes = wishes;
  }

  /** What was agreed on, once IPCP is opened. `gateway` is 0 when the server did not name its address. */
  get parameters(): Ipv4Parameters {
    return {
      address: this.#values.get(IpcpOption.IpAddress) ?? 0,
      gateway: this.#gateway,
      dns: this.#servers(DNS_OPTIONS),
      nbns: this.#servers(NBNS_OPTIONS),
    };
  }

  restart(): void {
    this.#values.clear();
    this.#values.set(IpcpOption.IpAddress, this.#wishes.address);
    if (this.#wishes.dns) for (const type of DNS_OPTIONS) this.#values.set(type, 0);
    if (this.#wishes.nbns) for (const type of NBNS_OPTIONS) this.#values.set(type, 0);
  }

  request(): readonly CpOption[] {
    return Array.from(this.#values, ([type, value]) => addressOption(type, value));
  }

  /** A server that agrees to "any address" has none to give. */
  acknowledged(): PppEndReason | undefined {
    return this.#values.get(IpcpOption.IpAddress) === 0 ? this.failure : undefined;
  }

  naked(options: readonly CpOption[]): PppEndReason | undefined {
    for (const { type, value } of options) {
      const known = type as IpcpOption;
      const suggested = parseAddressOption(value);
      if (this.#values.has(known) && !isWireError(suggested)) this.#values.set(known, suggested);
    }
    return undefined;
  }

  rejected(options: readonly CpOption[]): PppEndReason | undefined {
    for (const { type } of options) {
      if (type === IpcpOption.IpAddress) return this.failure;
      this.#values.delete(type as IpcpOption);
    }
    return undefined;
  }

  /** Takes whatever address the server has for itself, even none, and nothing else. */
  judge(asked: readonly CpOption[], mayNak: boolean): Judgement {
    const answer = new JudgementBuilder(mayNak);
    let gateway = 0;
    for (const option of asked) {
      const address = option.type === IpcpOption.IpAddress ? parseAddressOption(option.value) : undefined;
      if (address === undefined || isWireError(address)) answer.reject(option);
      else gateway = address;
    }
    const judgement = answer.judgement();
    if (judgement.kind === 'ack') this.#gateway = gateway;
    return judgement;
  }

  #servers(types: readonly IpcpOption[]): number[] {
    return types.map(type => this.#values.get(type) ?? 0).filter(address => address !== 0);
  }
}
