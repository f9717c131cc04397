// What both modes of `connect` watch their tunnel for, and say about it.
import { describeEnd } from '../client/end-message.ts';
import type { SstpClient } from '../client/sstp-client.ts';
import type { TunnelEndReason } from '../protocol/end-reason.ts';
import type { Ipv6Host } from '../protocol/link/ipv6-host.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { formatIpv6 } from '../wire/ipv6.ts';
import { CommandError } from './command-error.ts';

/** How long IPv4 and IPv6 may take to be there, one behind the other; a router is asked three times in this. */
export const CONFIGURATION_LIMIT_MS = 10_000;

/** Turns the loss of a tunnel and the user's interruption, whenever they come, into something to wait for. */
export class TunnelWatch {
  readonly #signal: AbortSignal;
  readonly #lost: Promise<string>;
  #lose: (why: string) => void = () => {};

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    this.#lost = new Promise(resolve => (this.#lose = resolve));
  }

  ended(reason: TunnelEndReason): void {
    this.#lose(`the tunnel is gone: ${describeEnd(reason)}`);
  }

  failed(error: Error): void {
    this.#lose(error.message);
  }

  /** Resolves when the user interrupts. @throws CommandError when the tunnel is lost before that */
  untilInterrupted(): Promise<void> {
    const signal = this.#signal;
    return this.orLost(
      new Promise(resolve => {
        signal.addEventListener('abort', () => resolve(), { once: true });
        if (signal.aborted) resolve();
      }),
    );
  }

  /** @throws CommandError when the tunnel is lost before `work` is done */
  async orLost<T>(work: Promise<T>): Promise<T> {
    const lost = this.#lost.then(why => {
      throw new CommandError(why);
    });
    return Promise.race([work, lost]);
  }
}

/** What the server assigned, for `--json`. */
export function networkFacts(client: SstpClient): Readonly<Record<string, unknown>> {
  const { ipv4, ipv6 } = client;
  return {
    address: ipv4 === undefined ? null : formatIpv4(ipv4.address),
    gateway: ipv4 === undefined || ipv4.gateway === 0 ? null : formatIpv4(ipv4.gateway),
    dns: (ipv4?.dns ?? []).map(formatIpv4),
    ...(ipv6 === undefined ? {} : { ipv6: ipv6Facts(ipv6) }),
    mtu: client.mtu,
  };
}

function ipv6Facts({ linkLocal, gateway, configuration }: Ipv6Host): Readonly<Record<string, unknown>> {
  return {
    address: configuration?.address === undefined ? null : formatIpv6(configuration.address),
    linkLocal: formatIpv6(linkLocal),
    gateway: gateway === undefined ? null : formatIpv6(gateway),
    dns: (configuration?.dns ?? []).map(formatIpv6),
  };
}

/** What the server assigned, for people: a line for each family, the first one with the MTU, and one for the name servers. */
export function networkLines(client: SstpClient, mtu: number): string[] {
  const { ipv4, ipv6 } = client;
  const lines: string[] = [];
  if (ipv4 !== undefined) {
    const gateway = ipv4.gateway === 0 ? 'a server that does not name its own' : `gateway ${formatIpv4(ipv4.gateway)}`;
    lines.push(`address ${formatIpv4(ipv4.address)}, ${gateway}`);
  }
  if (ipv6 !== undefined) {
    const gateway = ipv6.gateway === undefined ? '' : `, gateway ${formatIpv6(ipv6.gateway)}`;
    lines.push(`address ${formatIpv6(ipv6.configuration?.address ?? ipv6.linkLocal)}${gateway}`);
  }
  lines[0] += `, MTU ${mtu}`;
  const dns = [...(ipv4?.dns ?? []).map(formatIpv4), ...(ipv6?.configuration?.dns ?? []).map(formatIpv6)];
  if (dns.length > 0) lines.push(`DNS ${dns.join(', ')}`);
  return lines;
}
