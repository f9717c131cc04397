import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { parseRequestHead, type RequestHead } from '../wire/http-preamble.ts';
import { parseProxyHeader } from '../wire/proxy-protocol.ts';
import { peekClientHello } from './client-hello.ts';
import type { DisconnectCause, HttpsUpper, PeerFacts, RefusalReason } from './connection.ts';
import type { Decoy, DecoyAnswer } from './decoy.ts';
import { errorCode } from './disconnect-cause.ts';
import { HeadReader } from './head-reader.ts';
import {
  HEAD_FAULTS,
  judgeRequest,
  plainHttpAnswer,
  refusalAnswer,
  successAnswer,
  type RequestRefusal,
} from './request-judge.ts';
import { peerFacts } from './peer-facts.ts';
import { resetSocket } from './reset-socket.ts';
import type { TlsConnection } from './tls-connection.ts';

const TLS_HANDSHAKE_RECORD = 0x16;
/** Of an answer, at a time: so much waits in memory for a peer that does not read. */
const PIECE_LENGTH = 64 * 1024;

/** What a {@link HalfOpen} needs from its listener. */
export interface Reception {
  readonly headerLimit: number;
  /** Whether what is not SSTP gets an HTTP answer. */
  answersRefusals(): boolean;
  /** What it gets instead of HTTP errors. */
  decoy(): Decoy | undefined;
  /** Shakes hands on a TCP socket, whose ClientHello is still to be read, with the certificate for a name; leads to {@link HalfOpen.secured} or {@link HalfOpen.handshakeFailed}. */
  startTls(tcp: Socket, serverName: string | undefined): void;
  /** Makes the connection of a finished handshake. */
  connect(tcp: Socket, socket: TLSSocket, certificate: Uint8Array, peer: PeerFacts, upper: HttpsUpper): TlsConnection;
  /** Who the client is has become known; a reason refuses it. */
  known(address: string): RefusalReason | undefined;
  accept(connection: TlsConnection): HttpsUpper | undefined;
  /** Destroys a socket whose peer does not answer our FIN. */
  linger(tcp: Socket): void;
  /** The connection is not half-open any more; `reason` is undefined when it was accepted. */
  settled(halfOpen: HalfOpen, reason: RefusalReason | undefined, detail: string): void;
}

/**
 * An incoming connection before it carries SSTP: PROXY header where one is due, first bytes, TLS handshake, HTTP header. It ends in exactly one call of
 * {@link Reception.settled}.
 */
export class HalfOpen implements HttpsUpper {
  /** Of the client; of the proxy until its header has come. */
  #peer: PeerFacts;
  readonly #tcp: Socket;
  readonly #reception: Reception;
  readonly #head: HeadReader<RequestHead>;
  /** The ClientHello as far as it has come. */
  #hello: Buffer[] = [];
  #helloLength = 0;
  #helloNeeded = 1;
  /** A PROXY header comes before anything of the client's. */
  #proxyHeaderDue: boolean;
  #isKnown: boolean;
  /** The proxy's header names no client, or the proxy itself: HAProxy's checks have either, by the version of the header. */
  #speaksForItself = false;
  #connection: TlsConnection | undefined;
  /** Set while the decoy is shown, which may take a slow reader all of its time. */
  #shown: RefusalReason | undefined;
  #settled = false;

  constructor(tcp: Socket, reception: Reception, isProxied: boolean) {
    this.#tcp = tcp;
    this.#reception = reception;
    this.#head = new HeadReader(parseRequestHead, reception.headerLimit);
    this.#proxyHeaderDue = isProxied;
    this.#isKnown = !isProxied;
    this.#peer = peerFacts(tcp);
    tcp.on('readable', this.#firstBytes);
    tcp.on('close', this.#gone);
  }

  get remoteAddress(): string {
    return this.#peer.remoteAddress;
  }

  /** The client's address was counted by {@link Reception.known}, or before there was a need to ask. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** The handshake is done, with this certificate: the HTTP header comes next. */
  secured(socket: TLSSocket, certificate: Uint8Array): void {
    if (this.#settled) {
      socket.destroy();
      return;
    }
    this.#connection = this.#reception.connect(this.#tcp, socket, certificate, this.#peer, this);
  }

  handshakeFailed(error: Error): void {
    const code = errorCode(error);
    this.#settle(code === 'ECONNRESET' || code === 'EPIPE' ? 'client-gone' : 'tls-handshake', code || error.message);
    this.#tcp.destroy();
  }

  /** The time budget is used up. */
  expire(): void {
    this.#settle(this.#shown ?? (this.#connection === undefined ? 'handshake-timeout' : 'header-timeout'));
    this.#abort();
  }

  listenerClosed(): void {
    this.#settle('listener-closed');
    this.#abort();
  }

  receive(chunk: Uint8Array): void {
    const connection = this.#connection;
    if (this.#settled || connection === undefined || this.#shown !== undefined) return;
    const result = this.#head.push(chunk);
    if (result.kind === 'head') this.#judge(connection, result.head);
    else if (result.kind === 'refused') this.#refuse(connection, HEAD_FAULTS[result.fault]);
  }

  disconnected(cause: DisconnectCause): void {
    this.#settle(this.#shown ?? (cause === 'listener-closed' ? cause : 'client-gone'), cause);
  }

  readonly #firstBytes = (): void => {
    const chunk: Buffer | null = this.#tcp.read();
    if (chunk === null || this.#settled) return;
    this.#hello.push(chunk);
    this.#helloLength += chunk.length;
    if (this.#helloLength < this.#helloNeeded) return;
    const bytes = Buffer.concat(this.#hello);
    this.#hello = [bytes];
    if (this.#proxyHeaderDue) this.#readProxyHeader(bytes);
    else this.#judgeFirst(bytes);
  };

  #judgeFirst(bytes: Buffer): void {
    if (bytes[0] === TLS_HANDSHAKE_RECORD) this.#peekHello(bytes);
    else this.#refuseClearText(bytes[0] ?? 0);
  }

  #readProxyHeader(bytes: Buffer): void {
    const header = parseProxyHeader(bytes);
    if (header.kind === 'more') {
      this.#helloNeeded = header.needed;
      return;
    }
    if (header.kind === 'bad') {
      this.#settle('proxy-header');
      resetSocket(this.#tcp);
      return;
    }
    this.#proxyHeaderDue = false;
    const { source, destination } = header;
    this.#speaksForItself = source === undefined || source.address === this.#peer.remoteAddress;
    if (source !== undefined && destination !== undefined) {
      this.#peer = { remoteAddress: source.address, remotePort: source.port, localAddress: destination.address };
    }
    const refusal = this.#speaksForItself ? undefined : this.#reception.known(this.#peer.remoteAddress);
    if (refusal !== undefined) {
      this.#settle(refusal);
      resetSocket(this.#tcp);
      return;
    }
    this.#isKnown = !this.#speaksForItself;
    const rest = bytes.subarray(header.length);
    this.#hello = [rest];
    this.#helloLength = rest.length;
    this.#helloNeeded = 1;
    if (rest.length > 0) this.#judgeFirst(rest);
  }

  #peekHello(bytes: Buffer): void {
    const hello = peekClientHello(bytes);
    if (hello.kind === 'more') {
      this.#helloNeeded = hello.needed;
      return;
    }
    this.#hello = [];
    this.#tcp.off('readable', this.#firstBytes);
    this.#tcp.unshift(bytes);
    this.#reception.startTls(this.#tcp, hello.serverName);
  }

  #refuseClearText(first: number): void {
    const looksLikeHttp = first >= 0x41 && first <= 0x5a;
    this.#settle(looksLikeHttp ? 'plain-http' : 'not-tls');
    if (!looksLikeHttp || !this.#reception.answersRefusals()) {
      this.#tcp.destroy();
      return;
    }
    this.#tcp.resume();
    this.#tcp.end(plainHttpAnswer());
    this.#reception.linger(this.#tcp);
  }

  /** A proxy that connects and leaves again without a word of a client looks whether we are there. */
  readonly #gone = (): void => {
    const isCheck = this.#helloLength === 0 && (this.#proxyHeaderDue || this.#speaksForItself);
    this.#settle(isCheck ? 'health-check' : 'client-gone');
  };

  #judge(connection: TlsConnection, head: RequestHead): void {
    const verdict = judgeRequest(head);
    if ('status' in verdict) {
      const shown = this.#reception.decoy()?.answer(head, new Date());
      if (shown === undefined) this.#answer(connection, verdict);
      else this.#show(connection, shown, shown.status < 400 ? 'decoy' : verdict.reason);
      return;
    }
    connection.request = verdict;
    const upper = this.#reception.accept(connection);
    if (upper === undefined) {
      this.#answer(connection, { status: 503, reason: 'no-capacity' });
      return;
    }
    this.#settle(undefined);
    connection.send(successAnswer(new Date()));
    connection.handOver(upper, this.#head.rest);
  }

  #answer(connection: TlsConnection, { status, reason }: RequestRefusal): void {
    this.#settle(reason);
    if (this.#reception.answersRefusals() || reason === 'no-capacity') connection.send(refusalAnswer(status));
    connection.close();
  }

  #refuse(connection: TlsConnection, refusal: RequestRefusal): void {
    const decoy = this.#reception.decoy();
    if (decoy === undefined) this.#answer(connection, refusal);
    else this.#show(connection, decoy.refuse(refusal.status, new Date()), refusal.reason);
  }

  /** In pieces, each when the kernel has taken the one before. Until the last one it counts as half-open, and its time runs. */
  #show(connection: TlsConnection, { head, body }: DecoyAnswer, reason: RefusalReason): void {
    this.#shown = reason;
    const sendFrom = (at: number): void => {
      if (this.#settled) return;
      if (at < body.length) {
        const end = at + PIECE_LENGTH;
        connection.send(body.subarray(at, end), () => sendFrom(end));
        return;
      }
      this.#settle(reason);
      connection.close();
    };
    connection.send(head, () => sendFrom(0));
  }

  #abort(): void {
    if (this.#connection !== undefined) this.#connection.abort();
    else resetSocket(this.#tcp);
  }

  #settle(reason: RefusalReason | undefined, detail = ''): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#tcp.off('readable', this.#firstBytes);
    this.#tcp.off('close', this.#gone);
    this.#reception.settled(this, reason, detail);
  }
}
