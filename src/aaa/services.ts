/** Who decides, who is told, and who may interfere: the parts of AAA as the configuration wants them. */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import type { AccountedTraffic, Accounting } from './accounting.ts';
import type { Authority } from './authority.ts';
import type { MetricFamily } from '../metric-family.ts';
import { RadiusAccounting } from './radius/accounting.ts';
import { RadiusAuthority } from './radius/authority.ts';
import { DynamicAuthorization, type DynamicAuthorizationHandler } from './radius/dynamic-authorization.ts';
import { radiusMetrics } from './radius/radius-metrics.ts';
import { usersAuthority } from './users-authority.ts';
import type { UsersFile } from './users.ts';

export class AaaServices {
  /** Asks whoever decides at that moment. */
  readonly authority: Authority = {
    decide: request => this.#current.decide(request),
    forget: session => this.#current.forget(session),
    close: () => this.#current.close(),
  };
  readonly #log: Logger;
  #config: Config;
  #current: Authority;
  #radiusAuthority: RadiusAuthority | undefined;
  #accounting: RadiusAccounting | undefined;
  #authorization: DynamicAuthorization | undefined;

  constructor(config: Config, users: UsersFile, log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#radiusAuthority = this.#newRadiusAuthority(config);
    this.#current = this.#radiusAuthority ?? usersAuthority(users);
  }

  /** Other users and servers from now on. A conversation with a server that is not asked any more ends with a refusal. */
  configure(config: Config, users: UsersFile): void {
    const { method, radius } = config.aaa;
    const isSame = method === this.#config.aaa.method && isDeepStrictEqual(radius, this.#config.aaa.radius);
    this.#config = config;
    if (isSame && method === 'radius') return;
    if (!isSame && radius !== undefined) this.#accounting?.configure(radius);
    const retired = this.#current;
    this.#radiusAuthority = this.#newRadiusAuthority(config);
    this.#current = this.#radiusAuthority ?? usersAuthority(users);
    // Who has been asked already may still answer.
    setTimeout(() => void retired.close(), radius?.authBudgetMs ?? 0).unref();
  }

  /** Begins accounting, where there is any. @throws the system's error when the state directory cannot be used */
  openAccounting(traffic: (session: string) => AccountedTraffic | undefined): Accounting | undefined {
    const { stateDir, aaa } = this.#config;
    if (aaa.radius === undefined || !aaa.accounting) return undefined;
    this.#accounting = new RadiusAccounting({ stateDir, radius: aaa.radius, announces: true, traffic, log: this.#log });
    return this.#accounting;
  }

  /** Listens for dynamic authorization, where it is wanted. Rejects with the system's error when the address cannot be had. */
  async listen(handler: DynamicAuthorizationHandler): Promise<void> {
    const { radius } = this.#config.aaa;
    if (radius?.dynamicAuthorization === undefined) return;
    const authorization = new DynamicAuthorization(radius, radius.dynamicAuthorization, { handler, log: this.#log });
    this.#authorization = authorization;
    await authorization.listen();
  }

  /** Nobody may interfere any more. Authority and accounting end with the sessions. */
  close(): void {
    this.#authorization?.close();
    this.#authorization = undefined;
  }

  #newRadiusAuthority({ aaa: { method, radius } }: Config): RadiusAuthority | undefined {
    return method === 'radius' && radius ? new RadiusAuthority(radius, this.#log) : undefined;
  }

  metrics(): MetricFamily[] {
    if (this.#config.aaa.radius === undefined) return [];
    return radiusMetrics(() => ({
      authority: this.#radiusAuthority,
      accounting: this.#accounting,
      authorization: this.#authorization,
    }));
  }
}
