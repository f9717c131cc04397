import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { HttpsConnection, HttpsUpper, DisconnectCause, PeerFacts, RequestFacts, TlsFacts } from './connection.ts';
import { disconnectCause } from './disconnect-cause.ts';
import type { ExpiryQueue } from './expiry-queue.ts';
import { loopTurn } from './loop-turn.ts';
import { resetSocket } from './reset-socket.ts';
import { readSending } from '../ffi/tcp-info.ts';
import { descriptor } from './unsent-limit.ts';
import { SendWindow } from './send-window.ts';
import { landStream } from './stream-landing.ts';

/**
 * Bytes that a connection may bring in one turn of the event loop, so that those that send as fast as they can do not hold up the others: a
 * third of a millisecond. By itself libuv reads 32 times in a row, which node:tls makes 272 KiB (Node 20: reads of 16 and 1 KiB in turns).
 * Much less costs more turns: with 128 KiB whether in one turn or in several, a bulk upload took a fifth more CPU time.
 */
export const RECEIVE_BUDGET = 192 * 1024;

const NO_REQUEST: RequestFacts = { target: '', host: undefined, correlationId: undefined, client: 'other' };

/**
 * A TLS socket after its handshake, with the events of MS-SSTP 3.1.7.2. The HTTP preamble is read by a first upper, which then hands over
 * to the owner of the SSTP stream ({@link handOver}).
 */
export class TlsConnection implements HttpsConnection {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly tls: TlsFacts;
  readonly certificate: Uint8Array;
  readonly window: SendWindow;
  request: RequestFacts = NO_REQUEST;

  /** The TCP socket under the TLS socket: only it can send a RST. */
  readonly #tcp: Socket;
  readonly #socket: TLSSocket;
  readonly #lingering: ExpiryQueue<Socket>;
  readonly #released: (connection: TlsConnection) => void;
  /** Undefined as soon as the connection has ended for the upper. */
  #upper: HttpsUpper | undefined;
  /** The turn in which bytes last came, and how many in that turn. */
  #turn = 0;
  #turnBytes = 0;
  readonly #resume = (): void => void this.#socket.resume();

  /**
   * @param lingering destroys sockets whose peer does not answer our end.
   * @param released called once, when both sockets are gone.
   */
  constructor(
    tcp: Socket,
    socket: TLSSocket,
    certificate: Uint8Array,
    peer: PeerFacts,
    upper: HttpsUpper,
    lingering: ExpiryQueue<Socket>,
    released: (connection: TlsConnection) => void,
  ) {
    this.#tcp = tcp;
    this.window = new SendWindow(() => readSending(descriptor(tcp)));
    this.#socket = socket;
    this.#upper = upper;
    this.#lingering = lingering;
    this.#released = released;
    this.remoteAddress = peer.remoteAddress;
    this.remotePort = peer.remotePort;
    this.localAddress = peer.localAddress;
    this.tls = tlsFacts(socket);
    this.certificate = certificate;
    socket.on('data', (chunk: Uint8Array) => this.#received(chunk));
    socket.on('end', () => this.#gone('fin'));
    socket.on('error', error => this.#gone(disconnectCause(error)));
    socket.on('close', () => this.#closed());
  }

  /** Gives the stream, beginning with `rest`, to its owner; nothing happens when the connection has ended. */
  handOver(upper: HttpsUpper, rest: Uint8Array): void {
    if (this.#upper === undefined) return;
    this.#upper = upper;
    if (rest.length > 0) upper.receive(rest);
  }

  get bytesQueued(): number {
    return this.#socket.writableLength;
  }

  send(bytes: Uint8Array, written?: () => void): void {
    if (this.#upper === undefined) written?.();
    else if (written === undefined) this.#socket.write(bytes);
    else this.#socket.write(bytes, () => written());
  }

  landIn(landing: Uint8Array): void {
    landStream(this.#socket, landing, length => this.#received(landing.subarray(0, length)));
  }

  setOnePacketPerRecord(): void {
    // The stream merges queued writes into one record through _writev. Without it each write waits for the one before.
    Object.defineProperty(this.#socket, '_writev', { value: undefined });
  }

  close(): void {
    if (this.#upper === undefined) return;
    this.#upper = undefined;
    this.#endAndLinger();
  }

  abort(): void {
    this.#upper = undefined;
    resetSocket(this.#tcp, this.#socket);
  }

  /** For the listener's end: as if the peer had reset the connection. */
  disconnect(cause: DisconnectCause): void {
    this.#gone(cause);
    resetSocket(this.#tcp, this.#socket);
  }

  #received(chunk: Uint8Array): void {
    this.#upper?.receive(chunk);
    const turn = loopTurn();
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#turnBytes = 0;
    }
    const before = this.#turnBytes;
    this.#turnBytes += chunk.length;
    // Records that TLS has read already still come.
    if (before >= RECEIVE_BUDGET || this.#turnBytes < RECEIVE_BUDGET) return;
    this.#socket.pause();
    setImmediate(this.#resume);
  }

  #gone(cause: DisconnectCause): void {
    const upper = this.#upper;
    const now = performance.now();
    this.#upper = undefined;
    if (cause === 'fin') this.#endAndLinger();
    else this.#socket.destroy();
    upper?.disconnected(cause, now);
  }

  #closed(): void {
    this.#lingering.delete(this.#socket);
    // A socket closes without 'end' or 'error' when the TCP socket under it was destroyed.
    this.#gone('reset');
    this.#released(this);
  }

  /** The socket stays in flowing mode: what the peer still sends is dropped, because unread bytes would turn our FIN into a RST. */
  #endAndLinger(): void {
    if (this.#socket.destroyed) return;
    this.#lingering.add(this.#socket);
    this.#socket.end();
  }
}

function tlsFacts(socket: TLSSocket): TlsFacts {
  const { servername } = socket as { servername?: string | false | null };
  return {
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    serverName: typeof servername === 'string' && servername !== '' ? servername : undefined,
  };
}
