/**
 * Asks the first server that can answer, by priority. A server that stays silent is passed over until its dead time is
 * over; when all are silent they are asked all the same, for a server that came back must not be waited for.
 */
import { performance } from 'node:perf_hooks';
import { randomBytes } from '../../crypto/random.ts';
import { sealAccessRequest, sealAccountingRequest } from '../../crypto/radius.ts';
import {
  type Attribute,
  RADIUS_AUTHENTICATOR_LENGTH,
  RadiusCode,
  type RadiusPacket,
  UNSEALED_MESSAGE_AUTHENTICATOR,
} from '../../wire/radius.ts';
import type { ExchangeOutcome, RetransmissionOptions, ServerCounters } from './exchange.ts';
import type { RadiusServerOptions } from '../../config/radius-options.ts';
import type { BadReply } from './reply.ts';
import { RadiusServer, type ServerState } from './server.ts';

export interface RadiusClientOptions extends RetransmissionOptions {
  readonly servers: readonly RadiusServerOptions[];
  /** Servers count apart for the two: one may answer while the other does not. */
  readonly purpose: 'authentication' | 'accounting';
}

export interface RadiusRequest {
  readonly code: typeof RadiusCode.AccessRequest | typeof RadiusCode.AccountingRequest;
  /**
   * Everything but Message-Authenticator. Asked once for each server, since hidden values hang on both arguments; the
   * authenticator means nothing for accounting.
   * @throws never: a packet that is longer than 4096 bytes is a fault of the caller.
   */
  readonly attributes: (requestAuthenticator: Uint8Array, secret: Uint8Array) => readonly Attribute[];
  /** For all servers together. */
  readonly budgetMs: number;
  /** The server that this request belongs to, and no other. */
  readonly server?: RadiusServer | undefined;
}

export type RadiusResult =
  | {
      readonly kind: 'reply';
      /** Its authenticators are right. */
      readonly packet: RadiusPacket;
      readonly requestAuthenticator: Uint8Array;
      readonly server: RadiusServer;
    }
  | {
      readonly kind: 'failed';
      /** `no-server`: no server's name or address led anywhere. `busy`: too many requests wait already. */
      readonly reason: 'timeout' | 'no-server' | 'busy' | 'closed';
      /** What came instead of a good reply. */
      readonly badReply: BadReply | undefined;
    };

export interface RadiusServerStatus extends Readonly<ServerCounters> {
  readonly host: string;
  readonly port: number;
  readonly state: ServerState;
  readonly outstanding: number;
  readonly queued: number;
}

export class RadiusClient {
  /** In the order of their priority. */
  readonly #servers: readonly RadiusServer[];
  readonly #purpose: RadiusClientOptions['purpose'];
  #isClosed = false;

  constructor(options: RadiusClientOptions) {
    this.#purpose = options.purpose;
    const byPriority = options.servers.toSorted((a, b) => a.priority - b.priority);
    this.#servers = byPriority.map(server => new RadiusServer(server, this.#port(server), options));
  }

  /** Never rejects. */
  async send(request: RadiusRequest): Promise<RadiusResult> {
    const deadline = performance.now() + request.budgetMs;
    const untried = new Set(request.server === undefined ? this.#servers : [request.server]);
    const failures: (ExchangeOutcome & { kind: 'failed' })[] = [];
    while (untried.size > 0 && performance.now() < deadline && !this.#isClosed) {
      const server = choose(untried);
      untried.delete(server);
      const outcome = await server.ask({
        code: request.code,
        deadline,
        mayMove: untried.size > 0,
        seal: (identifier, secret) => seal(request, identifier, secret),
      });
      if (outcome.kind === 'reply') return { ...outcome, server };
      failures.push(outcome);
    }
    const badReply = failures.findLast(failure => failure.badReply !== undefined)?.badReply;
    return { kind: 'failed', reason: this.#isClosed ? 'closed' : summary(failures), badReply };
  }

  status(): RadiusServerStatus[] {
    return this.#servers.map(server => ({
      host: server.options.host,
      port: this.#port(server.options),
      state: server.state,
      outstanding: server.outstanding,
      queued: server.queued,
      ...server.counters,
      badReplies: { ...server.counters.badReplies },
    }));
  }

  /** Requests that still wait fail at once. */
  close(): void {
    this.#isClosed = true;
    for (const server of this.#servers) server.close();
  }

  #port({ authPort, acctPort }: RadiusServerOptions): number {
    return this.#purpose === 'authentication' ? authPort : acctPort;
  }
}

/** The first that answers and has room; else the first that answers; else the first. */
function choose(servers: ReadonlySet<RadiusServer>): RadiusServer {
  const now = performance.now();
  const all = [...servers];
  const usable = all.filter(server => server.isUsable(now));
  return usable.find(server => server.hasRoom) ?? usable[0] ?? all[0]!;
}

function seal(
  { code, attributes }: RadiusRequest,
  identifier: number,
  secret: Uint8Array,
): { packet: Uint8Array; authenticator: Uint8Array } {
  const authenticator = randomBytes(RADIUS_AUTHENTICATOR_LENGTH);
  const content = attributes(authenticator, secret);
  if (code === RadiusCode.AccessRequest) {
    const sealed = [UNSEALED_MESSAGE_AUTHENTICATOR, ...content];
    return {
      packet: sealAccessRequest({ code, identifier, authenticator, attributes: sealed }, secret),
      authenticator,
    };
  }
  const packet = sealAccountingRequest({ code, identifier, attributes: content }, secret);
  return { packet, authenticator: packet.subarray(4, 4 + RADIUS_AUTHENTICATOR_LENGTH) };
}

/** A server that was asked in vain tells most. */
function summary(failures: readonly { reason: string }[]): 'timeout' | 'no-server' | 'busy' {
  const reasons = failures.map(({ reason }) => reason);
  if (reasons.includes('timeout') || reasons.includes('abandoned')) return 'timeout';
  if (reasons.includes('busy')) return 'busy';
  return reasons.length === 0 ? 'timeout' : 'no-server';
}
