/** Asks RADIUS servers who may connect (RFC 2865, RFC 2548, RFC 3579). EAP passes through as it is, whatever its method. */
import { ZERO_HLAK } from '../../crypto/crypto-binding.ts';
import type { Credentials } from '../../protocol/ppp/credentials.ts';
import { EapCode, EapType, encodeEapPacket } from '../../wire/eap.ts';
import { RadiusCode } from '../../wire/radius.ts';
import type { Logger } from '../../log.ts';
import type { AcceptedDecision, AuthRequest, Authority, Decision, RejectedDecision } from '../authority.ts';
import {
  acceptedUser,
  authenticatorResponseOf,
  challengeTimeoutMs,
  eapCodeOf,
  eapPacketOf,
  msChapErrorOf,
  replyMessage,
  type SessionKeys,
  sessionKeysOf,
  stateOf,
} from './access-reply.ts';
import { accessRequest } from './access-request.ts';
import { RadiusClient, type RadiusResult, type RadiusServerStatus } from './client.ts';
import type { RadiusOptions } from '../../config/radius-options.ts';
import { readReplyAttributes } from './reply-attributes.ts';
import type { RadiusServer } from './server.ts';

/** Between a challenge and its answer: the server that knows about it, and what it wants to see again. */
interface Conversation {
  readonly server: RadiusServer;
  readonly state: Uint8Array | undefined;
}

type Reply = RadiusResult & { kind: 'reply' };

const WELCOME = 'Welcome';
const NO_KEYS: SessionKeys = { hlak: ZERO_HLAK, hlakAlternatives: [] };
const EAP_TYPE_AT = 4;
const EAP_IDENTITY: number = EapType.Identity;
/** RFC 3748 5.4 to 5.6: MD5-Challenge, One-Time Password, Generic Token Card. All others make keys, or may. */
const KEYLESS_EAP_TYPES: readonly (number | undefined)[] = [4, 5, 6];

export class RadiusAuthority implements Authority {
  readonly #options: RadiusOptions;
  readonly #log: Logger;
  readonly #client: RadiusClient;
  readonly #conversations = new Map<string, Conversation>();

  constructor(options: RadiusOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#client = new RadiusClient({ ...options, purpose: 'authentication' });
  }

  /** In the order in which they are asked. */
  servers(): RadiusServerStatus[] {
    return this.#client.status();
  }

  async decide(request: AuthRequest): Promise<Decision> {
    const { session, credentials } = request;
    const conversation = this.#conversations.get(session.id);
    // It is answered now; another challenge begins another one.
    this.#conversations.delete(session.id);
    const continued = isContinuation(credentials) ? conversation : undefined;
    const access = accessRequest(request, continued?.state, this.#options);
    if (typeof access === 'string') return { kind: 'rejected', reason: access };
    const result = await this.#client.send({
      code: RadiusCode.AccessRequest,
      attributes: access.attributes,
      budgetMs: this.#options.authBudgetMs,
      server: continued?.server,
    });
    if (result.kind === 'failed') return this.#failed(request, result);
    switch (result.packet.code) {
      case RadiusCode.AccessAccept:
        return this.#accepted(request, access.userName, result);
      case RadiusCode.AccessChallenge:
        return this.#challenged(request, result);
      default:
        return rejected(credentials, result);
    }
  }

  forget(session: string): void {
    this.#conversations.delete(session);
  }

  /** Requests that wait are rejected at once. */
  close(): Promise<void> {
    this.#client.close();
    return Promise.resolve();
  }

  /** For metrics. */
  status(): RadiusServerStatus[] {
    return this.#client.status();
  }

  #failed({ session }: AuthRequest, { reason, badReply }: RadiusResult & { kind: 'failed' }): RejectedDecision {
    const precise = badReply === undefined ? reason : badReply;
    // Who decides tells the operator, by the reason.
    this.#log.debug({ ...logKeys(session), reason, badReply }, 'no RADIUS server gave an answer');
    return { kind: 'rejected', reason: `radius-${precise}`, message: 'The authentication server does not answer' };
  }

  #challenged({ session, credentials }: AuthRequest, { packet, server }: Reply): Decision {
    // A question for the user has no place in PAP and CHAP.
    if (credentials.kind !== 'eap') return { kind: 'rejected', reason: 'radius-challenge' };
    const eap = eapPacketOf(packet.attributes);
    if (eap === 'none') return { kind: 'rejected', reason: 'radius-no-eap-message' };
    if (eap === 'malformed' || eapCodeOf(eap) !== EapCode.Request) {
      return { kind: 'rejected', reason: 'radius-bad-eap-message' };
    }
    this.#conversations.set(session.id, { server, state: stateOf(packet.attributes) });
    const timeoutMs = challengeTimeoutMs(packet.attributes);
    return { kind: 'challenge', packet: eap, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  }

  #accepted({ session, credentials }: AuthRequest, userName: string, reply: Reply): Decision {
    const { attributes } = reply.packet;
    const text = replyMessage(attributes) ?? WELCOME;
    let message = text;
    if (credentials.kind === 'mschapv2') {
      // Without it the client takes the server for an impostor, and says so after it was told yes.
      const authenticatorResponse = authenticatorResponseOf(attributes);
      if (authenticatorResponse === undefined) return { kind: 'rejected', reason: 'radius-no-mschap2-success' };
      message = `${authenticatorResponse} M=${text}`;
    }
    let packet: Uint8Array | undefined;
    if (credentials.kind === 'eap') {
      const eap = eapPacketOf(attributes);
      if (eap === 'malformed' || (eap !== 'none' && eapCodeOf(eap) !== EapCode.Success)) {
        return { kind: 'rejected', reason: 'radius-bad-eap-message' };
      }
      packet = eap === 'none' ? eapResult(EapCode.Success, credentials.packet) : eap;
    }
    const keys = sessionKeysFor(credentials, reply);
    if (keys === 'none') return { kind: 'rejected', reason: 'radius-no-keys' };
    if (keys === 'unreadable') return { kind: 'rejected', reason: 'radius-unreadable-keys' };
    const read = readReplyAttributes(attributes, this.#options.filterIdRateMultiplier);
    if (read.problems.length > 0) {
      this.#log.warn({ ...logKeys(session), problems: read.problems }, 'attributes of a RADIUS server mean nothing');
    }
    const decision: AcceptedDecision = {
      kind: 'accepted',
      user: acceptedUser(attributes) ?? userName,
      ...keys,
      message,
      attributes: read.attributes,
    };
    return packet === undefined ? decision : { ...decision, packet };
  }
}

function logKeys({ id, correlationId }: AuthRequest['session']) {
  return { session: id, correlationId };
}

/** A peer that says who it is begins from the start. */
function isContinuation(credentials: Credentials): boolean {
  return credentials.kind === 'eap' && credentials.packet[EAP_TYPE_AT] !== EAP_IDENTITY;
}

function rejected(credentials: Credentials, { packet: { attributes } }: Reply): RejectedDecision {
  const message = replyMessage(attributes);
  const base = { kind: 'rejected', reason: 'radius-rejected', ...(message === undefined ? {} : { message }) } as const;
  if (credentials.kind === 'mschapv2') return { ...base, ...msChapErrorOf(attributes) };
  if (credentials.kind !== 'eap') return base;
  const eap = eapPacketOf(attributes);
  const isFailure = typeof eap !== 'string' && eapCodeOf(eap) === EapCode.Failure;
  return { ...base, packet: isFailure ? eap : eapResult(EapCode.Failure, credentials.packet) };
}

/** PAP, CHAP and the oldest EAP methods make no keys: theirs are zeros. The others' clients will use theirs. */
function sessionKeysFor(credentials: Credentials, reply: Reply): SessionKeys | 'none' | 'unreadable' {
  if (credentials.kind === 'pap' || credentials.kind === 'chap') return NO_KEYS;
  if (credentials.kind === 'eap' && KEYLESS_EAP_TYPES.includes(credentials.packet[EAP_TYPE_AT])) return NO_KEYS;
  const { packet, requestAuthenticator, server } = reply;
  return sessionKeysOf(packet.attributes, requestAuthenticator, server.options.secret);
}

/** What the server left out: RFC 3748 4.2, with the identifier of the response that it answers. */
function eapResult(code: typeof EapCode.Success | typeof EapCode.Failure, response: Uint8Array): Uint8Array {
  return encodeEapPacket({ code, id: response[1] ?? 0 });
}
