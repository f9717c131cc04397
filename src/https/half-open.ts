import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { parseRequestHead, type RequestHead } from '../wire/http-preamble.ts';
import { peekClientHello } from './client-hello.ts';
import type { DisconnectCause, HttpsUpper, RefusalReason } from './connection.ts';
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
import { plainAddress } from './plain-address.ts';
import { resetSocket } from './reset-socket.ts';
import type { TlsConnection } from './tls-connection.ts';

const TLS_HANDSHAKE_RECORD = 0x16;

/** What a {@link HalfOpen} needs from its listener. */
export interface Reception {
  readonly headerLimit: number;
  readonly answersRefusals: boolean;
  /** Shakes hands on a TCP socket, whose ClientHello is still to be read, with the certificate for a name; leads to {@link HalfOpen.secured} or {@link HalfOpen.handshakeFailed}. */
  startTls(tcp: Socket, serverName: string | undefined): void;
  /** Makes the connection of a finished handshake. */
  connect(tcp: Socket, socket: TLSSocket, certificate: Uint8Array, upper: HttpsUpper): TlsConnection;
  accept(connection: TlsConnection): HttpsUpper | undefined;
  /** Destroys a socket whose peer does not answer our FIN. */
  linger(tcp: Socket): void;
  /** The connection is not half-open any more; `reason` is undefined when it was accepted. */
  settled(halfOpen: HalfOpen, reason: RefusalReason | undefined, detail: string): void;
}

/**
 * An incoming connection before it carries SSTP: first bytes, TLS handshake, HTTP header. It ends in exactly one call of
 * {@link Reception.settled}.
 */
export class HalfOpen implements HttpsUpper {
  readonly remoteAddress: string;
  readonly #tcp: Socket;
  readonly #reception: Reception;
  readonly #head: HeadReader<RequestHead>;
  /** The ClientHello as far as it has come. */
  #hello: Buffer[] = [];
  #helloLength = 0;
  #helloNeeded = 1;
  #connection: TlsConnection | undefined;
  #settled = false;

  constructor(tcp: Socket, reception: Reception) {
    this.#tcp = tcp;
    this.#reception = reception;
    this.#head = new HeadReader(parseRequestHead, reception.headerLimit);
    this.remoteAddress = plainAddress(tcp.remoteAddress);
    tcp.on('readable', this.#firstBytes);
    tcp.on('close', this.#gone);
  }

  /** The handshake is done, with this certificate: the HTTP header comes next. */
  secured(socket: TLSSocket, certificate: Uint8Array): void {
    if (this.#settled) {
      socket.destroy();
      return;
    }
    this.#connection = this.#reception.connect(this.#tcp, socket, certificate, this);
  }

  handshakeFailed(error: Error): void {
    const code = errorCode(error);
    this.#settle(code === 'ECONNRESET' || code === 'EPIPE' ? 'client-gone' : 'tls-handshake', code || error.message);
    this.#tcp.destroy();
  }

  /** The time budget is used up. */
  expire(): void {
    this.#settle(this.#connection === undefined ? 'handshake-timeout' : 'header-timeout');
    this.#abort();
  }

  listenerClosed(): void {
    this.#settle('listener-closed');
    this.#abort();
  }

  receive(chunk: Uint8Array): void {
    const connection = this.#connection;
    if (this.#settled || connection === undefined) return;
    const result = this.#head.push(chunk);
    if (result.kind === 'head') this.#judge(connection, result.head);
    else if (result.kind === 'refused') this.#answer(connection, HEAD_FAULTS[result.fault]);
  }

  disconnected(cause: DisconnectCause): void {
    this.#settle(cause === 'listener-closed' ? cause : 'client-gone', cause);
  }

  readonly #firstBytes = (): void => {
    const chunk: Buffer | null = this.#tcp.read();
    if (chunk === null || this.#settled) return;
    this.#hello.push(chunk);
    this.#helloLength += chunk.length;
    if (this.#helloLength < this.#helloNeeded) return;
    const bytes = Buffer.concat(this.#hello);
    this.#hello = [bytes];
    if (bytes[0] === TLS_HANDSHAKE_RECORD) this.#peekHello(bytes);
    else this.#refuseClearText(bytes[0] ?? 0);
  };

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
    if (!looksLikeHttp || !this.#reception.answersRefusals) {
      this.#tcp.destroy();
      return;
    }
    this.#tcp.resume();
    this.#tcp.end(plainHttpAnswer());
    this.#reception.linger(this.#tcp);
  }

  readonly #gone = (): void => this.#settle('client-gone');

  #judge(connection: TlsConnection, head: RequestHead): void {
    const verdict = judgeRequest(head);
    if ('status' in verdict) {
      this.#answer(connection, verdict);
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
    if (this.#reception.answersRefusals || reason === 'no-capacity') connection.send(refusalAnswer(status));
    connection.close();
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
