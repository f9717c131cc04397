// What both modes of `connect` watch their tunnel for, and say about it.
import { describeEnd } from '../client/end-message.ts';
import type { SstpClient } from '../client/sstp-client.ts';
import type { TunnelEndReason } from '../protocol/end-reason.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { CommandError } from './command-error.ts';

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
  const { address, gateway, dns } = client.network;
  return {
    address: formatIpv4(address),
    gateway: gateway === 0 ? null : formatIpv4(gateway),
    dns: dns.map(formatIpv4),
    mtu: client.mtu,
  };
}
