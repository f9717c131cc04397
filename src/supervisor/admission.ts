/** Who may connect, and with what. Whatever it gives to a session, it takes back. */
import type { AcceptedDecision, Authority } from '../aaa/authority.ts';
import type { SessionAttributes } from '../aaa/session-attributes.ts';
import type { Config } from '../config/schema.ts';
import type { Credentials, Verdict } from '../protocol/ppp/credentials.ts';
import { MsChapFailureCode } from '../wire/chap.ts';
import { formatIpv4 } from '../wire/ip.ts';
import type { SessionPolicy } from '../worker/messages.ts';
import { authSession } from './accounted-session.ts';
import type { AddressPool } from './address-pool.ts';
import { takeLeases } from './leases.ts';
import type { Network } from './network.ts';
import type { SessionRow, SessionTable } from './session-table.ts';

export interface AdmissionOptions {
  readonly authority: Authority;
  readonly config: Config;
  readonly pool: AddressPool;
  readonly network: Network;
  readonly table: SessionTable;
  /** For users of whom nothing else is said. */
  readonly perUser: { readonly sessions: number; readonly policy: 'deny' | 'replace' };
  /** Ends a session at once, in favour of a newer one. */
  evict(this: void, row: SessionRow): void;
}

export interface Admitted {
  /** 'accepted', 'challenge', or why not: for counters and the log. The client is told less. */
  readonly result: string;
  readonly verdict: Verdict;
  /** Comes with acceptance. */
  readonly policy?: SessionPolicy;
}

/** How long a new session waits for the end of the one that it replaces. */
const EVICTION_LIMIT_MS = 3_000;

export class Admission {
  readonly #options: AdmissionOptions;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * Judges the credentials; a session that is accepted has its leases and routes when this resolves. A session that has ended
   * meanwhile gets nothing. Never rejects.
   */
  async decide(row: SessionRow, credentials: Credentials): Promise<Admitted> {
    const { authority, table } = this.#options;
    if (row.grant !== undefined) return noService('authenticated-twice', 'Authenticated already');
    const decision = await authority.decide({ session: authSession(row), credentials });
    if (decision.kind === 'challenge') return { result: 'challenge', verdict: decision };
    if (decision.kind === 'rejected') {
      const { reason, code = MsChapFailureCode.AuthenticationFailure, message = 'Authentication failed' } = decision;
      return refuse(reason, code, message, decision.packet);
    }
    const refusal = await this.#makeRoom(decision);
    if (!table.has(row)) return noService('client-gone', '');
    return refusal ?? this.#admit(row, decision);
  }

  /** Takes back what the session was given. */
  release(row: SessionRow): void {
    const { authority, network } = this.#options;
    authority.forget(row.publicId);
    if (row.grant === undefined) return;
    network.removeRoute(row.grant.leases.ipv4, row.worker);
    row.grant.leases.release();
  }

  /** Makes place for one more session of the user. @returns the refusal when there is none to make. */
  async #makeRoom({ user, attributes }: AcceptedDecision): Promise<Admitted | undefined> {
    const { table, perUser, evict } = this.#options;
    const limit = attributes.maxSessions ?? perUser.sessions;
    const present = table.ofUser(user);
    if (present.length < limit) return undefined;
    if (perUser.policy === 'deny') return noService('too-many-sessions', 'Too many sessions');
    const oldest = present.slice(0, present.length - limit + 1);
    for (const old of oldest) evict(old);
    if (await table.gone(oldest, EVICTION_LIMIT_MS)) return undefined;
    return noService('too-many-sessions', 'Too many sessions');
  }

  #admit(row: SessionRow, decision: AcceptedDecision): Admitted {
    const { pool, table, config, network } = this.#options;
    const { attributes, user, hlak, message } = decision;
    const leases = takeLeases(pool, attributes);
    if (typeof leases === 'string') return noService(leases, 'No address available');
    const { gateway, dns, nbns } = config.network.ipv4;
    const route = `${formatIpv4(leases.ipv4)}/32`;
    // Not only when the session is up: the answer to the client's first packet must find the route.
    network.addRoute(leases.ipv4, row.worker);
    row.grant = {
      attributes,
      authentic: 'local',
      ipv4: leases.ipv4,
      interfaceId: undefined,
      ipv6Prefix: undefined,
      delegatedPrefix: undefined,
      routes: [route],
      leases,
    };
    table.setUser(row, user);
    const ipv4 = { address: leases.ipv4, gateway, dns: attributes.dns ?? dns, nbns: attributes.nbns ?? nbns };
    return {
      result: 'accepted',
      verdict: {
        kind: 'accepted',
        hlak,
        message,
        ipv4,
        ...(decision.hlakAlternatives === undefined ? {} : { hlakAlternatives: decision.hlakAlternatives }),
        ...(decision.packet === undefined ? {} : { packet: decision.packet }),
      },
      policy: policyOf(attributes),
    };
  }
}

function policyOf({ sessionTimeoutMs, idleTimeoutMs, rate }: SessionAttributes): SessionPolicy {
  return { sessionTimeoutMs, idleTimeoutMs, rate };
}

/** For somebody whose name and password are right. */
function noService(result: string, message: string): Admitted {
  return refuse(result, MsChapFailureCode.NoDialInPermission, message, undefined);
}

function refuse(result: string, code: number, message: string, packet: Uint8Array | undefined): Admitted {
  return { result, verdict: { kind: 'rejected', code, message, ...(packet === undefined ? {} : { packet }) } };
}
