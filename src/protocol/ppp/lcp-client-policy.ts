import type { CpOption } from '../../wire/control-protocol.ts';
import { LcpOption } from '../../wire/lcp.ts';
import { authMethodOf, authOption } from './auth-protocol.ts';
import type { AuthMethod } from './credentials.ts';
import type { PppEndReason } from './end-reason.ts';
import { LcpPolicy } from './lcp-policy.ts';
import type { JudgementBuilder } from './option-policy.ts';

/** LCP of the side that is authenticated: takes one of its methods from the server's offer, and insists on one. */
export class LcpClientPolicy extends LcpPolicy {
  readonly #methods: readonly AuthMethod[];
  #method: AuthMethod | undefined;

  /** `methods` in order of preference, not empty. */
  constructor(mru: number, methods: readonly AuthMethod[], random: (length: number) => Uint8Array) {
    super(mru, random);
    if (methods.length === 0) throw new RangeError('an SSTP client needs a method to authenticate itself with');
    this.#methods = methods;
  }

  /** The method that the server demanded, once LCP is opened. */
  get method(): AuthMethod | undefined {
    return this.#method;
  }

  protected override judgeAuthentication(asked: CpOption, answer: JudgementBuilder): void {
    const method = authMethodOf(asked);
    if (method !== undefined && this.#methods.includes(method)) this.#method = method;
    else answer.nak(asked, this.#preferred());
  }

  /** A link without authentication has nothing to bind to the TLS session: ask to be asked, and end when refused. */
  protected override judgeMissing(
    asked: readonly CpOption[],
    answer: JudgementBuilder,
    mayNak: boolean,
  ): PppEndReason | undefined {
    const demands = asked.filter(({ type }) => type === LcpOption.AuthenticationProtocol);
    if (demands.length === 0) answer.append(this.#preferred());
    const acceptable = demands.some(demand => this.#allows(authMethodOf(demand)));
    return acceptable || mayNak ? undefined : 'auth-refused';
  }

  #allows(method: AuthMethod | undefined): boolean {
    return method !== undefined && this.#methods.includes(method);
  }

  #preferred(): CpOption {
    const [first] = this.#methods;
    if (first === undefined) throw new Error('the constructor admits no empty list');
    return authOption(first);
  }
}
