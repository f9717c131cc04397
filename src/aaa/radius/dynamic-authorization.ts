/**
 * Dynamic authorization (RFC 5176): RADIUS servers end sessions and change them while they are up.
 *
 * 1. A datagram of a stranger, of another kind, or without proof of the shared secret gets no answer: it is counted, and logged once a
 *    minute for each reason.
 * 2. A request that was answered before gets the same answer, and nothing happens again. With an Event-Timestamp, which has to be of
 *    these minutes, that is all of the time in which it could be replayed.
 * 3. What is left is honoured or refused with an Error-Cause. A Disconnect-Request ends every session that it fits: a user's
 *    name alone means all of the user's sessions. A CoA-Request has to fit exactly one.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Logger } from 'pino';
import { equal } from '../../crypto/constant-time.ts';
import { accountingRequestAuthenticator, checkMessageAuthenticator, sealReply } from '../../crypto/radius.ts';
import { formatIpv6, parseIpv6 } from '../../wire/ipv6.ts';
import {
  integerValue,
  parseRadiusPacket,
  RadiusAttribute,
  RadiusCode,
  readInteger,
  UNSEALED_MESSAGE_AUTHENTICATOR,
  type Attribute,
  type RadiusPacket,
} from '../../wire/radius.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { SessionAttributes } from '../session-attributes.ts';
import { ErrorCause, readDynamicRequest, type DynamicRequest } from './dynamic-request.ts';
import type { DynamicAuthorizationOptions, RadiusOptions } from '../../config/radius-options.ts';
import { readReplyAttributes } from './reply-attributes.ts';
import { ReplyCache } from './reply-cache.ts';
import type { SessionSelector } from './session-selector.ts';

/** What the gateway can do to its sessions. */
export interface DynamicAuthorizationHandler {
  /** Ids of the sessions that fit. */
  find(selector: SessionSelector): readonly string[];
  /** False when there is no such session. */
  disconnect(session: string): boolean;
  /** What is not given stays as it is. */
  change(session: string, attributes: SessionAttributes): true | 'session-not-found' | 'not-changeable';
}

export interface DynamicAuthorizationOwner {
  readonly handler: DynamicAuthorizationHandler;
  readonly log: Logger;
}

export interface DynamicAuthorizationCounters {
  /** Datagrams without an answer, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** Answers by kind: `disconnect-ack`, `disconnect-nak`, `coa-ack`, `coa-nak`, and `duplicate` for those that were given before. */
  readonly replies: Readonly<Record<string, number>>;
}

type DropReason =
  | 'unknown-client'
  | 'malformed'
  | 'unexpected-code'
  | 'wrong-authenticator'
  | 'no-message-authenticator'
  | 'wrong-message-authenticator'
  | 'event-timestamp';

/** RFC 5176 6.3: how far the clocks may be apart. */
const TIMESTAMP_WINDOW_S = 300;
/** A request with a timestamp of the far edge of the window is good for twice the window. */
const REPLAY_LIFETIME_MS = 2 * TIMESTAMP_WINDOW_S * 1000;
/** RFC 5080 2.2.2. Simple clients without timestamps send the same bytes again later, and mean it. */
const DUPLICATE_LIFETIME_MS = 30_000;
/** Some 300 bytes each. */
const MAX_REPLIES = 8_192;
const LOG_INTERVAL_MS = 60_000;

export class DynamicAuthorization {
  readonly #radius: RadiusOptions;
  readonly #options: DynamicAuthorizationOptions;
  readonly #owner: DynamicAuthorizationOwner;
  /** Secrets by address. */
  readonly #clients: ReadonlyMap<string, Uint8Array>;
  readonly #socket: Socket;
  readonly #timestamped = new ReplyCache(REPLAY_LIFETIME_MS, MAX_REPLIES);
  readonly #others = new ReplyCache(DUPLICATE_LIFETIME_MS, MAX_REPLIES);
  readonly #drops = new Map<DropReason, number>();
  readonly #replies = new Map<string, number>();
  readonly #loggedAt = new Map<DropReason, number>();

  constructor(radius: RadiusOptions, options: DynamicAuthorizationOptions, owner: DynamicAuthorizationOwner) {
    this.#radius = radius;
    this.#options = options;
    this.#owner = owner;
    this.#clients = new Map(options.clients.map(({ address, secret }) => [canonicalAddress(address), secret]));
    this.#socket = createSocket(isIPv6(options.listen.host) ? 'udp6' : 'udp4');
    this.#socket.on('message', (datagram, sender) => this.#onDatagram(plainBytes(datagram), sender));
  }

  /** The port, also when 0 was asked for. Rejects with the system's error when the address cannot be had. */
  listen(): Promise<number> {
    const { host, port } = this.#options.listen;
    return new Promise((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.bind(port, host, () => {
        this.#socket.off('error', reject);
        this.#socket.on('error', error => this.#owner.log.error({ err: error }, 'dynamic authorization socket'));
        resolve(this.#socket.address().port);
      });
    });
  }

  get counters(): DynamicAuthorizationCounters {
    return { drops: Object.fromEntries(this.#drops), replies: Object.fromEntries(this.#replies) };
  }

  close(): void {
    this.#socket.close();
  }

  #onDatagram(datagram: Uint8Array, sender: RemoteInfo): void {
    const secret = this.#clients.get(canonicalAddress(sender.address));
    if (secret === undefined) return this.#drop('unknown-client', sender);
    const packet = authenticPacket(datagram, secret, this.#options.requireMessageAuthenticator);
    if (typeof packet === 'string') return this.#drop(packet, sender);
    const timestamp = eventTimestamp(packet);
    const cache = timestamp === undefined ? this.#others : this.#timestamped;
    const now = performance.now();
    const given = cache.find(packet.authenticator, now);
    if (given !== undefined) {
      count(this.#replies, 'duplicate');
      return this.#send(given, sender);
    }
    if (timestamp !== undefined && Math.abs(timestamp - Date.now() / 1000) > TIMESTAMP_WINDOW_S) {
      return this.#drop('event-timestamp', sender);
    }
    const reply = this.#reply(packet, sender, secret);
    cache.add(packet.authenticator, reply, now);
    this.#send(reply, sender);
  }

  #reply(packet: RadiusPacket, sender: RemoteInfo, secret: Uint8Array): Uint8Array {
    const request = readDynamicRequest(packet, this.#radius);
    const cause = typeof request === 'number' ? request : this.#act(request);
    const isDisconnect = packet.code === RadiusCode.DisconnectRequest;
    const outcome = `${isDisconnect ? 'disconnect' : 'coa'}-${cause === undefined ? 'ack' : 'nak'}`;
    count(this.#replies, outcome);
    this.#owner.log.info(
      {
        client: sender.address,
        outcome,
        errorCause: cause,
        ...(typeof request === 'number' ? {} : { session: request.selector.id, user: request.selector.user }),
      },
      'dynamic authorization',
    );
    const [ack, nak] = isDisconnect
      ? [RadiusCode.DisconnectAck, RadiusCode.DisconnectNak]
      : [RadiusCode.CoaAck, RadiusCode.CoaNak];
    const attributes: Attribute[] = [UNSEALED_MESSAGE_AUTHENTICATOR];
    if (cause !== undefined) attributes.push({ type: RadiusAttribute.ErrorCause, value: integerValue(cause) });
    attributes.push(...packet.attributes.filter(({ type }) => type === RadiusAttribute.ProxyState));
    return sealReply({ ...packet, code: cause === undefined ? ack : nak, attributes }, secret);
  }

  /** Undefined when it was done. */
  #act(request: DynamicRequest): ErrorCause | undefined {
    const { handler } = this.#owner;
    const sessions = handler.find(request.selector);
    const [only] = sessions;
    if (only === undefined) return ErrorCause.SessionContextNotFound;
    if (request.kind === 'disconnect') {
      const ended = sessions.filter(session => handler.disconnect(session));
      return ended.length > 0 ? undefined : ErrorCause.SessionContextNotFound;
    }
    if (sessions.length > 1) return ErrorCause.MultipleSessionSelectionUnsupported;
    const { attributes, problems } = readReplyAttributes(request.changes, this.#radius.filterIdRateMultiplier);
    if (problems.length > 0) return ErrorCause.InvalidAttributeValue;
    const outcome = handler.change(only, attributes);
    if (outcome === 'session-not-found') return ErrorCause.SessionContextNotFound;
    return outcome === 'not-changeable' ? ErrorCause.AdministrativelyProhibited : undefined;
  }

  #send(reply: Uint8Array, { address, port }: RemoteInfo): void {
    // A reply that cannot be sent is as one that was lost: the client asks again.
    this.#socket.send(reply, port, address, () => {});
  }

  #drop(reason: DropReason, { address, port }: RemoteInfo): void {
    count(this.#drops, reason);
    const now = performance.now();
    if (now - (this.#loggedAt.get(reason) ?? -Infinity) < LOG_INTERVAL_MS) return;
    this.#loggedAt.set(reason, now);
    this.#owner.log.warn({ reason, client: address, port }, 'dynamic authorization request dropped');
  }
}

/** The packet, if the client has proved that it is its own. */
function authenticPacket(
  datagram: Uint8Array,
  secret: Uint8Array,
  requireMessageAuthenticator: boolean,
): RadiusPacket | DropReason {
  const packet = parseRadiusPacket(datagram);
  if (isWireError(packet)) return 'malformed';
  if (packet.code !== RadiusCode.DisconnectRequest && packet.code !== RadiusCode.CoaRequest) return 'unexpected-code';
  if (!equal(packet.authenticator, accountingRequestAuthenticator(datagram, secret))) return 'wrong-authenticator';
  const proof = checkMessageAuthenticator(datagram, secret);
  if (proof === 'wrong') return 'wrong-message-authenticator';
  return proof === 'missing' && requireMessageAuthenticator ? 'no-message-authenticator' : packet;
}

/** Seconds since 1970; undefined when the packet has none. What is no time is one of long ago. */
function eventTimestamp({ attributes }: RadiusPacket): number | undefined {
  const found = attributes.find(({ type }) => type === RadiusAttribute.EventTimestamp);
  return found === undefined ? undefined : (readInteger(found.value) ?? 0);
}

/** One text for one address: a dual-stack socket tells IPv4 addresses as IPv6 ones, and a link-local one with its interface. */
function canonicalAddress(address: string): string {
  const [plain = ''] = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%');
  const ipv6 = parseIpv6(plain);
  return ipv6 === undefined ? plain : formatIpv6(ipv6);
}

/** `slice` of a Buffer would share its memory. */
function plainBytes({ buffer, byteOffset, byteLength }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
