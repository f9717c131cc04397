/**
 * One request to one server and its repetitions (RFC 5080 2.2.1): the same bytes from the same socket until a good reply
 * comes. A wrong reply is counted and passed over: the good one may be behind it.
 */
import { performance } from 'node:perf_hooks';
import type { RadiusPacket } from '../../wire/radius.ts';
import type { RadiusServerOptions } from '../../config/radius-options.ts';
import type { RadiusSocket } from './radius-socket.ts';
import { type BadReply, checkReply } from './reply.ts';

/** What a request is to one server. */
export interface ServerRequest {
  /** The packet and its Request Authenticator. */
  readonly seal: (identifier: number, secret: Uint8Array) => { packet: Uint8Array; authenticator: Uint8Array };
  readonly code: number;
  /** Milliseconds of `performance.now()`. */
  readonly deadline: number;
  /** Whether another server can take it over. */
  readonly mayMove: boolean;
}

export type ExchangeOutcome =
  | { readonly kind: 'reply'; readonly packet: RadiusPacket; readonly requestAuthenticator: Uint8Array }
  | {
      readonly kind: 'failed';
      /** `unreachable`: its name or its address leads nowhere. `abandoned`: others found that the server is dead. */
      readonly reason: 'timeout' | 'unreachable' | 'abandoned' | 'busy' | 'closed';
      /** What came instead of a good reply, the last of it. */
      readonly badReply?: BadReply | undefined;
    };

/** Since the start. */
export interface ServerCounters {
  requests: number;
  retransmissions: number;
  replies: number;
  /** Requests that were given up. */
  timeouts: number;
  /** Datagrams that no request waited for: answers that came too late, and noise. */
  strayed: number;
  badReplies: Record<BadReply, number>;
}

export interface RetransmissionOptions {
  readonly timeoutMs: number;
  readonly retries: number;
}

/** RFC 5080 2.2.1: MRT, and the part by which each pause differs at random. */
const LONGEST_PAUSE_MS = 16_000;
const JITTER = 0.1;

export class Exchange {
  readonly outcome: Promise<ExchangeOutcome>;
  readonly mayMove: boolean;
  readonly #socket: RadiusSocket;
  readonly #identifier: number;
  readonly #packet: Uint8Array;
  readonly #authenticator: Uint8Array;
  readonly #deadline: number;
  readonly #counters: ServerCounters;
  readonly #expectation: Parameters<typeof checkReply>[1];
  #resolve: (outcome: ExchangeOutcome) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #retriesLeft: number;
  #pauseMs: number;
  #badReply: BadReply | undefined;

  constructor(
    socket: RadiusSocket,
    request: ServerRequest,
    { secret, requireMessageAuthenticator }: RadiusServerOptions,
    { timeoutMs, retries }: RetransmissionOptions,
    counters: ServerCounters,
  ) {
    this.#socket = socket;
    this.#counters = counters;
    this.#deadline = request.deadline;
    this.mayMove = request.mayMove;
    this.#retriesLeft = retries;
    this.#pauseMs = jittered(timeoutMs, timeoutMs);
    this.outcome = new Promise(resolve => (this.#resolve = resolve));
    this.#identifier = socket.take(datagram => this.#receive(datagram));
    const { packet, authenticator } = request.seal(this.#identifier, secret);
    this.#packet = packet;
    this.#authenticator = authenticator;
    this.#expectation = {
      requestCode: request.code,
      requestAuthenticator: authenticator,
      secret,
      requireMessageAuthenticator,
    };
    this.#send();
  }

  giveUp(reason: 'abandoned' | 'closed'): void {
    this.#end({ kind: 'failed', reason, badReply: this.#badReply });
  }

  #send(): void {
    this.#socket.send(this.#packet);
    const leftMs = Math.max(0, this.#deadline - performance.now());
    // Decided here: a timer of a busy loop may be early, and its time is not compared with the deadline again.
    const isLast = this.#retriesLeft === 0 || leftMs <= this.#pauseMs;
    this.#timer = setTimeout(() => this.#silence(isLast), Math.min(this.#pauseMs, leftMs));
  }

  #silence(isLast: boolean): void {
    if (isLast) {
      this.#end({ kind: 'failed', reason: 'timeout', badReply: this.#badReply });
      return;
    }
    this.#retriesLeft--;
    this.#pauseMs = Math.min(jittered(2 * this.#pauseMs, this.#pauseMs), jittered(LONGEST_PAUSE_MS, LONGEST_PAUSE_MS));
    this.#counters.retransmissions++;
    this.#send();
  }

  #receive(datagram: Uint8Array): void {
    const reply = checkReply(datagram, this.#expectation);
    if (typeof reply === 'string') {
      this.#badReply = reply;
      this.#counters.badReplies[reply]++;
      return;
    }
    this.#end({ kind: 'reply', packet: reply, requestAuthenticator: this.#authenticator });
  }

  #end(outcome: ExchangeOutcome): void {
    clearTimeout(this.#timer);
    this.#socket.release(this.#identifier);
    this.#resolve(outcome);
  }
}

function jittered(pauseMs: number, baseMs: number): number {
  return pauseMs + baseMs * JITTER * (2 * Math.random() - 1);
}
