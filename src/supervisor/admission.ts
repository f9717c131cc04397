/** Who may connect, and with what. Whatever it gives to a session, it takes back. */
import type { AcceptedDecision, Authority } from '../aaa/authority.ts';
import type { SessionAttributes } from '../aaa/session-attributes.ts';
import type { Config } from '../config/schema.ts';
import { randomBytes } from '../crypto/random.ts';
import type { AcceptedVerdict, Credentials, Verdict } from '../protocol/ppp/credentials.ts';
import { MsChapFailureCode } from '../wire/chap.ts';
import type { SessionPolicy } from '../worker/messages.ts';
import { authSession } from './accounted-session.ts';
import type { Grant } from './grant.ts';
import { routesOf, takeLeases } from './leases.ts';
import type { Network } from './network.ts';
import type { Pools } from './pools.ts';
import type { SessionRow, SessionTable } from './session-table.ts';

export interface AdmissionOptions {
  readonly authority: Authority;
  /** The one that is in force. */
  config(this: void): Config;
  readonly pools: Pools;
  readonly network: Network;
  readonly table: SessionTable;
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
/** Others of the same name may come in meanwhile, and are replaced too; so many times. */
const EVICTION_ROUNDS = 4;
/** fe80::1 is the gateway, at the end of every tunnel. */
const GATEWAY_INTERFACE_ID = 1n;

export class Admission {
  readonly #options: AdmissionOptions;
  /** Everything that is routed to a session, by its text. */
  readonly #routed = new Set<string>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /**
   * Judges the credentials; a session that is accepted has its leases, and the kernel its routes, when this resolves. A session that has ended
   * meanwhile gets nothing. Never rejects.
   */
  async decide(row: SessionRow, credentials: Credentials): Promise<Admitted> {
    const { authority, table, network } = this.#options;
    if (row.grant !== undefined) return noService('authenticated-twice', 'Authenticated already');
    const decision = await authority.decide({ session: authSession(row), credentials });
    if (!table.has(row)) {
      // Whatever the authority keeps of a conversation, it began after the session's end had been told.
      authority.forget(row.publicId);
      return clientGone();
    }
    if (decision.kind === 'challenge') return { result: 'challenge', verdict: decision };
    if (decision.kind === 'rejected') {
      const { reason, code = MsChapFailureCode.AuthenticationFailure, message = 'Authentication failed' } = decision;
      return refuse(reason, code, message, decision.packet);
    }
    const admitted = await this.#admitInTurn(row, decision);
    // Before the client hears of its address: the answer to its first packet must find the route.
    await network.routed(routesTo(row));
    return admitted;
  }

  /** Takes back what the session was given. */
  release(row: SessionRow): void {
    const { authority, network } = this.#options;
    authority.forget(row.publicId);
    if (row.grant === undefined) return;
    for (const route of routesTo(row)) {
      this.#routed.delete(route);
      network.removeRoute(route, row.worker);
    }
    row.grant.leases.release();
  }

  /**
   * A change of authorization: what is undefined stays as it was. @returns what the worker is to see to from now on; undefined when
   * the change needs what a running session cannot have: another address, another MTU, a network that leads to another session.
   */
  change(row: SessionRow, changes: SessionAttributes): SessionPolicy | undefined {
    const { grant } = row;
    if (grant === undefined || NEEDS_NEGOTIATION.some(name => changes[name] !== undefined)) return undefined;
    const routes = routesOf(grant.leases, changes.routes ?? grant.attributes.routes);
    if (!this.#reroute(row, grant.routes, routes)) return undefined;
    const changed = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    row.grant = { ...grant, attributes: { ...grant.attributes, ...changed }, routes };
    return this.#policy(row.grant.attributes);
  }

  /** False, and nothing has changed, when one of the wanted routes leads to another session, or is there twice. */
  #reroute(row: SessionRow, present: readonly string[], wanted: readonly string[]): boolean {
    const { network, config } = this.#options;
    const added = wanted.filter(route => !present.includes(route));
    if (added.some(route => this.#routed.has(route)) || new Set(wanted).size < wanted.length) return false;
    for (const route of present) {
      if (wanted.includes(route)) continue;
      this.#routed.delete(route);
      network.removeRoute(route, row.worker);
    }
    for (const route of added) {
      this.#routed.add(route);
      network.addRoute(route, row.worker, row.mtu ?? config().ppp.mtu);
    }
    return true;
  }

  /** Once there is a place for one more session of the user. */
  async #admitInTurn(row: SessionRow, decision: AcceptedDecision): Promise<Admitted> {
    const { table, config, evict } = this.#options;
    for (let round = 0; round < EVICTION_ROUNDS; round++) {
      const inTheWay = this.#inTheWay(decision);
      // At once: what is found free after a wait may be somebody else's.
      if (inTheWay.length === 0) return this.#admit(row, decision);
      if (config().limits.perUser.policy === 'deny') break;
      for (const old of inTheWay) evict(old);
      const isFree = await table.gone(inTheWay, EVICTION_LIMIT_MS);
      if (!table.has(row)) return clientGone();
      if (!isFree) break;
    }
    return noService('too-many-sessions', 'Too many sessions');
  }

  /** The user's sessions without which one more would be allowed. */
  #inTheWay({ user, attributes }: AcceptedDecision): SessionRow[] {
    const { table, config } = this.#options;
    const { sessions, policy } = config().limits.perUser;
    const limit = attributes.maxSessions ?? sessions;
    const present = table.ofUser(user);
    const tooMany = present.slice(0, Math.max(0, present.length - limit + 1));
    if (policy === 'deny') return tooMany;
    const { ipv4 } = attributes;
    return present.filter(row => tooMany.includes(row) || (ipv4?.kind === 'fixed' && row.grant?.ipv4 === ipv4.address));
  }

  #admit(row: SessionRow, decision: AcceptedDecision): Admitted {
    const { pools, table } = this.#options;
    const config = this.#options.config();
    const { attributes } = decision;
    const { ipv6 } = config.network;
    const leases = takeLeases(pools, attributes, ipv6 !== undefined);
    if (typeof leases === 'string') return noService(leases, 'No address available');
    const routes = routesOf(leases, attributes.routes);
    row.mtu = Math.min(row.mtu ?? config.ppp.mtu, attributes.mtu ?? config.ppp.mtu);
    if (!this.#reroute(row, [], routes)) {
      leases.release();
      return noService('route-in-use', 'No address available');
    }
    const { ipv4, ipv6Prefix, delegatedPrefix } = leases;
    const interfaceId = ipv6 === undefined ? undefined : (attributes.interfaceId ?? newInterfaceId());
    const authentic = config.aaa.method === 'radius' ? 'radius' : 'local';
    row.grant = { attributes, authentic, ipv4, interfaceId, ipv6Prefix, delegatedPrefix, leases, routes };
    table.setUser(row, decision.user);
    return { result: 'accepted', verdict: this.#verdict(decision, row.grant), policy: this.#policy(attributes) };
  }

  #verdict(decision: AcceptedDecision, grant: Grant): AcceptedVerdict {
    const { ipv4, ipv6 } = this.#options.config().network;
    const { attributes, hlak, message, hlakAlternatives, packet } = decision;
    const { interfaceId, ipv6Prefix: prefix, delegatedPrefix: delegated } = grant;
    return {
      kind: 'accepted',
      hlak,
      message,
      mtu: attributes.mtu,
      ipv4: {
        address: grant.ipv4,
        gateway: ipv4.gateway,
        dns: attributes.dns ?? ipv4.dns,
        nbns: attributes.nbns ?? ipv4.nbns,
      },
      ...(interfaceId === undefined
        ? {}
        : {
            ipv6: {
              interfaceId,
              // What the operator demands; one of ours the client may replace.
              insistsOnInterfaceId: attributes.interfaceId !== undefined,
              gatewayInterfaceId: GATEWAY_INTERFACE_ID,
              prefix,
              delegated,
              dns: attributes.dns6 ?? ipv6?.dns ?? [],
            },
          }),
      ...(hlakAlternatives === undefined ? {} : { hlakAlternatives }),
      ...(packet === undefined ? {} : { packet }),
    };
  }

  #policy({ sessionTimeoutMs, idleTimeoutMs, rate, routes }: SessionAttributes): SessionPolicy {
    const { timeout, idleTimeout } = this.#options.config().session;
    return {
      sessionTimeoutMs: sessionTimeoutMs ?? timeout,
      idleTimeoutMs: idleTimeoutMs ?? idleTimeout,
      rate,
      routes,
    };
  }
}

/** What a client is told once, when it connects. */
const NEEDS_NEGOTIATION = [
  'ipv4',
  'ipv6Prefix',
  'delegatedPrefix',
  'interfaceId',
  'dns',
  'nbns',
  'dns6',
  'mtu',
] as const satisfies readonly (keyof SessionAttributes)[];

/** 64 bits, not zero and not the gateway's, of local scope only (RFC 5072 4.1). */
function newInterfaceId(): bigint {
  const random = randomBytes(8).reduce((id, byte) => (id << 8n) | BigInt(byte), 0n);
  return (random & ~(1n << 57n)) | (1n << 32n);
}

function routesTo({ grant }: SessionRow): readonly string[] {
  return grant?.routes ?? [];
}

function clientGone(): Admitted {
  return noService('client-gone', '');
}

/** For somebody whose name and password are right. */
function noService(result: string, message: string): Admitted {
  return refuse(result, MsChapFailureCode.NoDialInPermission, message, undefined);
}

function refuse(result: string, code: number, message: string, packet: Uint8Array | undefined): Admitted {
  return { result, verdict: { kind: 'rejected', code, message, ...(packet === undefined ? {} : { packet }) } };
}
