/**
 * One RADIUS server as the client sees it: its sockets, how many requests wait for it, whether it answers.
 *
 * `alive` until a request was repeated as often as it may be while nothing at all came back; then `dead`, and every
 * request that waits for it goes elsewhere. After the dead time one request is sent to find out (`probing`); an answer to
 * anything makes it `alive` again.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { performance } from 'node:perf_hooks';
import {
  Exchange,
  type ExchangeOutcome,
  type RetransmissionOptions,
  type ServerCounters,
  type ServerRequest,
} from './exchange.ts';
import type { RadiusServerOptions } from '../../config/radius-options.ts';
import { RadiusSocket } from './radius-socket.ts';

export type ServerState = 'alive' | 'dead' | 'probing';

const MAX_QUEUED = 4096;
/** Of a name: as long as an operator who moves a server may have to wait. */
const RESOLVED_FOR_MS = 60_000;
/** A socket that nothing waits for is closed: the next one has another port. */
const SOCKET_IDLE_MS = 30_000;

export class RadiusServer {
  readonly options: RadiusServerOptions;
  readonly counters: ServerCounters = {
    requests: 0,
    retransmissions: 0,
    replies: 0,
    timeouts: 0,
    strayed: 0,
    badReplies: {
      malformed: 0,
      'unexpected-code': 0,
      'wrong-authenticator': 0,
      'wrong-message-authenticator': 0,
      'no-message-authenticator': 0,
    },
  };
  readonly #port: number;
  readonly #retransmission: RetransmissionOptions;
  readonly #sockets = new Set<RadiusSocket>();
  readonly #closing = new Map<RadiusSocket, NodeJS.Timeout>();
  readonly #exchanges = new Set<Exchange>();
  /** Requests for which there is no room yet, oldest first; told whether there is now. */
  readonly #queue = new Set<(isAdmitted: boolean) => void>();
  #admitted = 0;
  #opening: Promise<void> | undefined;
  #resolved: { address: string; family: number; until: number } | undefined;
  #state: ServerState = 'alive';
  #deadUntil = 0;
  /** `performance.now()` of the last good reply. */
  #heardAt = -Infinity;
  #isClosed = false;

  constructor(options: RadiusServerOptions, port: number, retransmission: RetransmissionOptions) {
    this.options = options;
    this.#port = port;
    this.#retransmission = retransmission;
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Requests that it has to answer. */
  get outstanding(): number {
    return this.#admitted;
  }

  get queued(): number {
    return this.#queue.size;
  }

  get hasRoom(): boolean {
    return this.#admitted < this.options.requestLimit;
  }

  /** Alive, or dead for long enough that one request may find out. */
  isUsable(now: number): boolean {
    return this.#state === 'alive' || (this.#state === 'dead' && now >= this.#deadUntil);
  }

  /** Waits for room, sends, repeats. Never rejects. */
  async ask(request: ServerRequest): Promise<ExchangeOutcome> {
    // Decided before anything is awaited, so that there is one probe and not as many as there are requests.
    const isProbe = this.#state === 'dead' && performance.now() >= this.#deadUntil;
    if (isProbe) this.#state = 'probing';
    if (!(await this.#admit(request))) {
      if (isProbe) this.#state = 'dead';
      return { kind: 'failed', reason: 'busy' };
    }
    try {
      return await this.#exchange(request);
    } finally {
      this.#admitted--;
      this.#admitNext();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#turnAway();
    for (const exchange of this.#exchanges) exchange.giveUp('closed');
    for (const timer of this.#closing.values()) clearTimeout(timer);
    for (const socket of this.#sockets) socket.close();
    this.#sockets.clear();
  }

  // -- Room -----------------------------------------------------------------------------------------------------------

  async #admit({ deadline }: ServerRequest): Promise<boolean> {
    if (this.#isClosed) return false;
    if (this.hasRoom && this.#queue.size === 0) {
      this.#admitted++;
      return true;
    }
    if (this.#queue.size >= MAX_QUEUED) return false;
    return new Promise(resolve => {
      const timer = setTimeout(() => answer(false), Math.max(0, deadline - performance.now()));
      const answer = (isAdmitted: boolean): void => {
        clearTimeout(timer);
        this.#queue.delete(answer);
        if (isAdmitted) this.#admitted++;
        resolve(isAdmitted);
      };
      this.#queue.add(answer);
    });
  }

  #admitNext(): void {
    for (const answer of this.#queue) {
      if (!this.hasRoom) return;
      answer(true);
    }
  }

  #turnAway(): void {
    for (const answer of this.#queue) answer(false);
  }

  // -- One request ----------------------------------------------------------------------------------------------------

  async #exchange(request: ServerRequest): Promise<ExchangeOutcome> {
    let socket;
    try {
      // Whoever comes while a socket is opened waits for the same one, and looks again: it may be full by then.
      while ((socket = this.#socketWithRoom()) === undefined) await (this.#opening ??= this.#open());
    } catch {
      this.#die();
      return { kind: 'failed', reason: 'unreachable' };
    }
    if (this.#isClosed) return { kind: 'failed', reason: 'closed' };
    const sentAt = performance.now();
    this.counters.requests++;
    const exchange = new Exchange(socket, request, this.options, this.#retransmission, this.counters);
    this.#exchanges.add(exchange);
    const outcome = await exchange.outcome;
    this.#exchanges.delete(exchange);
    this.#rest(socket);
    if (outcome.kind === 'reply') {
      this.#heardAt = performance.now();
      this.#state = 'alive';
      this.counters.replies++;
    } else if (outcome.reason === 'timeout') {
      this.counters.timeouts++;
      const waitedMs = performance.now() - sentAt;
      // A request that had hardly time left says nothing about the server; jitter alone leaves it nine tenths.
      if (this.#heardAt < sentAt && waitedMs >= this.#retransmission.timeoutMs / 2) this.#die();
      else if (this.#state === 'probing') this.#state = 'dead';
    }
    return outcome;
  }

  /** Nothing has been heard for as long as a request waits: all others are in vain. */
  #die(): void {
    this.#state = 'dead';
    this.#deadUntil = performance.now() + this.options.deadTimeMs;
    this.#turnAway();
    for (const exchange of this.#exchanges) if (exchange.mayMove) exchange.giveUp('abandoned');
  }

  // -- Sockets --------------------------------------------------------------------------------------------------------

  #socketWithRoom(): RadiusSocket | undefined {
    for (const socket of this.#sockets) if (!socket.isFull) return socket;
    return undefined;
  }

  async #open(): Promise<void> {
    try {
      const { address, family } = await this.#resolve();
      const socket = await RadiusSocket.open(address, family, this.#port, { strayed: () => this.counters.strayed++ });
      if (this.#isClosed) {
        socket.close();
        throw new Error('closed');
      }
      this.#sockets.add(socket);
      this.#rest(socket);
    } finally {
      this.#opening = undefined;
    }
  }

  async #resolve(): Promise<{ address: string; family: number }> {
    const { host } = this.options;
    const family = isIP(host);
    if (family !== 0) return { address: host, family };
    if (this.#resolved === undefined || this.#resolved.until < performance.now()) {
      this.#resolved = { ...(await lookup(host)), until: performance.now() + RESOLVED_FOR_MS };
    }
    return this.#resolved;
  }

  /** Closes the socket when it stays unused. */
  #rest(socket: RadiusSocket): void {
    if (this.#closing.has(socket) || this.#isClosed) return;
    const timer = setTimeout(() => {
      this.#closing.delete(socket);
      if (socket.inUse > 0) return this.#rest(socket);
      this.#sockets.delete(socket);
      socket.close();
    }, SOCKET_IDLE_MS);
    timer.unref();
    this.#closing.set(socket, timer);
  }
}
