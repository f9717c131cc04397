/** Who decides, who is told, and who may interfere: the parts of AAA as the configuration wants them. */
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import type { AccountedTraffic, Accounting } from './accounting.ts';
import type { Authority } from './authority.ts';
import type { MetricFamily } from './metric-family.ts';
import { RadiusAccounting } from './radius/accounting.ts';
import { RadiusAuthority } from './radius/authority.ts';
import { DynamicAuthorization, type DynamicAuthorizationHandler } from './radius/dynamic-authorization.ts';
import { radiusMetrics } from './radius/radius-metrics.ts';
import { usersAuthority } from './users-authority.ts';
import type { UsersFile } from './users.ts';

export class AaaServices {
  readonly authority: Authority;
  readonly #config: Config;
  readonly #log: Logger;
  readonly #radiusAuthority: RadiusAuthority | undefined;
  #accounting: RadiusAccounting | undefined;
  #authorization: DynamicAuthorization | undefined;

  constructor(config: Config, users: UsersFile, log: Logger) {
    const { method, radius } = config.aaa;
    this.#config = config;
    this.#log = log;
    this.#radiusAuthority = method === 'radius' && radius ? new RadiusAuthority(radius, log) : undefined;
    this.authority = this.#radiusAuthority ?? usersAuthority(users);
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

  metrics(): MetricFamily[] {
    if (this.#config.aaa.radius === undefined) return [];
    return radiusMetrics(() => ({
      authority: this.#radiusAuthority,
      accounting: this.#accounting,
      authorization: this.#authorization,
    }));
  }
}
