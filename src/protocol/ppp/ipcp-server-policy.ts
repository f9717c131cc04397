import type { CpOption } from '../../wire/control-protocol.ts';
import { addressOption, IpcpOption, parseAddressOption } from '../../wire/ipcp.ts';
import type { Ipv4Parameters } from './credentials.ts';
import type { PppEndReason } from './end-reason.ts';
import { type Judgement, JudgementBuilder, type OptionPolicy } from './option-policy.ts';

/** IPCP of the side that assigns addresses and name servers (RFC 1332, RFC 1877). Header compression is refused. */
export class IpcpServerPolicy implements OptionPolicy {
  readonly failure: PppEndReason = 'ipcp-failed';
  readonly #gateway: CpOption;
  /** What the peer is to ask for, by option type. */
  readonly #assigned: ReadonlyMap<number, number>;
  #announce = true;

  constructor({ address, gateway, dns, nbns }: Ipv4Parameters) {
    this.#gateway = addressOption(IpcpOption.IpAddress, gateway);
    const assigned: readonly [number, number | undefined][] = [
      [IpcpOption.IpAddress, address],
      [IpcpOption.PrimaryDns, dns[0]],
      [IpcpOption.SecondaryDns, dns[1]],
      [IpcpOption.PrimaryNbns, nbns[0]],
      [IpcpOption.SecondaryNbns, nbns[1]],
    ];
    this.#assigned = new Map(assigned.filter((entry): entry is [number, number] => entry[1] !== undefined));
  }

  restart(): void {
    this.#announce = true;
  }

  /** Always our own address: a MikroTik invents one for us otherwise. Nothing else: some clients reject all the rest. */
  request(): readonly CpOption[] {
    return this.#announce ? [this.#gateway] : [];
  }

  acknowledged(): PppEndReason | undefined {
    return undefined;
  }

  /** Our address is not negotiable; a peer that does not give in meets the limit of requests. */
  naked(): PppEndReason | undefined {
    return undefined;
  }

  /** A peer that does not want to know our address can still route to it. */
  rejected(options: readonly CpOption[]): PppEndReason | undefined {
    if (options.some(({ type }) => type === IpcpOption.IpAddress)) this.#announce = false;
    return undefined;
  }

  judge(asked: readonly CpOption[], mayNak: boolean): Judgement {
    const answer = new JudgementBuilder(mayNak);
    let agreed = false;
    for (const option of asked) {
      const assigned = this.#assigned.get(option.type);
      const wanted = parseAddressOption(option.value);
      if (assigned === undefined) answer.reject(option);
      else if (wanted !== assigned) answer.nak(option, addressOption(option.type as IpcpOption, assigned));
      else if (option.type === IpcpOption.IpAddress) agreed = true;
    }
    if (!asked.some(({ type }) => type === IpcpOption.IpAddress)) answer.append(this.#addressToAskFor());
    // The address cannot be rejected as a name server can: without it there is nothing to route.
    if (!agreed && !mayNak) return { kind: 'give-up', reason: this.failure };
    return answer.judgement();
  }

  #addressToAskFor(): CpOption {
    return addressOption(IpcpOption.IpAddress, this.#assigned.get(IpcpOption.IpAddress) ?? 0);
  }
}
