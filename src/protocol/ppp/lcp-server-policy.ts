import type { CpOption } from '../../wire/control-protocol.ts';
import { authMethodOf, authOption } from './auth-protocol.ts';
import type { AuthMethod } from './credentials.ts';
import type { PppEndReason } from './end-reason.ts';
import { LcpPolicy } from './lcp-policy.ts';
import type { JudgementBuilder } from './option-policy.ts';

/** LCP of the side that authenticates the other one: offers its methods in order until the peer takes one. */
export class LcpServerPolicy extends LcpPolicy {
  #methods: readonly AuthMethod[];
  #left: AuthMethod[];

  /** `methods` must not be empty. */
  constructor(mru: number, methods: readonly AuthMethod[], random: (length: number) => Uint8Array) {
    super(mru, random);
    if (methods.length === 0) throw new RangeError('an SSTP server must authenticate its clients');
    this.#methods = methods;
    this.#left = [...methods];
  }

  /** The method that was agreed on, once LCP is opened. */
  get method(): AuthMethod | undefined {
    return this.#left[0];
  }

  /** The agreed method leads nowhere: it is not offered again. False when no other one is left. */
  abandonMethod(): boolean {
    this.#methods = this.#methods.filter(method => method !== this.method);
    return this.#methods.length > 0;
  }

  protected override restartAuthentication(): void {
    this.#left = [...this.#methods];
  }

  protected override authenticationRequest(): CpOption | undefined {
    return this.method === undefined ? undefined : authOption(this.method);
  }

  /** Takes the peer's suggestion when it is allowed and was not refused before, else the next of our own. */
  protected override authenticationNaked(suggested: CpOption): PppEndReason | undefined {
    const wanted = authMethodOf(suggested);
    const [refused, ...rest] = this.#left;
    if (wanted === refused) return undefined;
    this.#left = wanted !== undefined && rest.includes(wanted) ? [wanted, ...rest.filter(m => m !== wanted)] : rest;
    return this.#left.length === 0 ? 'auth-refused' : undefined;
  }

  /** To be exact this refuses all authentication, but some peers mean only the method that was named. */
  protected override authenticationRejected(): PppEndReason | undefined {
    this.#left = this.#left.slice(1);
    return this.#left.length === 0 ? 'auth-refused' : undefined;
  }

  /** We do not authenticate ourselves to clients: TLS has done that. */
  protected override judgeAuthentication(asked: CpOption, answer: JudgementBuilder): void {
    answer.reject(asked);
  }
}
