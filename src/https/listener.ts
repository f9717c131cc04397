import { BlockList, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureVersion,
  type Server as TlsServer,
  type TLSSocket,
} from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import { listenReusePort, type ListenAddress } from '../ffi/reuse-port.ts';
import { AddressLimits, type AddressLimitOptions } from './address-limits.ts';
import { CertificateStore, type ServerCertificate, type ServerIdentity } from './certificate-store.ts';
import type { HttpsConnection, HttpsUpper, PeerFacts, RefusalReason } from './connection.ts';
import { Decoy, type DecoyOption } from './decoy.ts';
import { errorCode } from './disconnect-cause.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import { HalfOpen, type Reception } from './half-open.ts';
import { peerFacts, plainAddress } from './peer-facts.ts';
import { resetSocket } from './reset-socket.ts';
import { TlsConnection } from './tls-connection.ts';
import { UNSENT_LIMIT } from './unsent-limit.ts';

/** How long a peer may take to answer our FIN; long enough for a lost segment or two. */
const CLOSE_GRACE_MS = 3_000;
/** Connections that wait in the kernel for accept: a burst of reconnects after an outage. */
const BACKLOG = 1_024;
/** First keepalive probe after this silence; finds peers that vanished while no tunnel timer runs yet. */
const KEEPALIVE_DELAY_MS = 60_000;

interface ListenerAddress {
  readonly host: string;
  readonly port: number;
  /** Networks (`10.0.0.0/8`) of the proxies that may connect, each connection with a PROXY header. Undefined: clients connect themselves. */
  readonly trustedProxies?: readonly string[] | undefined;
}

export interface ListenerOptions {
  readonly addresses: readonly ListenerAddress[];
  readonly certificates: readonly ServerCertificate[];
  readonly minVersion: SecureVersion;
  /** OpenSSL cipher list; undefined: Node's default. */
  readonly ciphers?: string | undefined;
  /** Reports the keys of every connection to {@link ListenerEvents.keyLog}. */
  readonly keyLog?: boolean;
  /** Time for TLS handshake and HTTP header together, ms. */
  readonly budgetMs: number;
  /** Bytes of the HTTP header; more is answered with 431. */
  readonly headerLimit: number;
  /** Connections between TCP accept and the end of the HTTP header, on all addresses together. */
  readonly maxHalfOpen: number;
  /** Undefined for no limit. */
  readonly perAddress?: AddressLimitOptions | undefined;
  /** What a peer gets that does not speak SSTP. */
  readonly decoy: DecoyOption;
  /** How long a peer may take to answer our FIN, ms. */
  readonly closeGraceMs?: number;
  /** Bytes that may wait in the kernel before a connection's socket counts as full; {@link UNSENT_LIMIT}. */
  readonly unsentLimit?: number;
  /** Of all connections: 'bbr', 'cubic'. The system's by default, and where the kernel does not have it. */
  readonly congestionControl?: string | undefined;
}

/** What {@link HttpsListener.configure} takes. */
type ReloadableOption = 'certificates' | 'minVersion' | 'ciphers' | 'maxHalfOpen' | 'perAddress' | 'decoy' | 'keyLog';

export interface ListenerEvents {
  /**
   * A valid SSTP request. Returns the stream's owner, or undefined to have it answered with 503. The connection takes `send` from the
   * moment this has returned: the HTTP answer goes first.
   */
  accept(connection: HttpsConnection): HttpsUpper | undefined;
  /** A connection ended before it was accepted; once each. The detail is for the log: an OpenSSL error code, a cause. */
  refused(reason: RefusalReason, remoteAddress: string, detail: string): void;
  /** A TLS handshake begins. Some thousand of them in one turn of the event loop keep it from its timers for many seconds. */
  handshake?(this: void): void;
  /** A line in NSS key log format. With it and a capture everything on a connection can be read. */
  keyLog?(this: void, line: string): void;
}

/** The accept event of MS-SSTP 3.1.7.2: TLS listeners whose connections have exchanged the HTTP preamble when they appear. */
export class HttpsListener {
  #options: ListenerOptions;
  readonly #events: ListenerEvents;
  /** One TLS server for each set of certificates; gone with the store that has them. */
  readonly #tlsServers = new WeakMap<ServerIdentity, TlsServer>();
  readonly #servers: Server[] = [];
  /** For each server: it has stopped listening and its last TCP socket is gone. */
  readonly #ends: Promise<void>[] = [];
  readonly #halfOpen: ExpiryQueue<HalfOpen>;
  readonly #lingering: ExpiryQueue<Socket>;
  readonly #connections = new Set<TlsConnection>();
  readonly #halfOpenByTcp = new WeakMap<Socket, HalfOpen>();
  readonly #reception: Reception;
  #addressLimits: AddressLimits | undefined;
  #store: CertificateStore;
  #decoy: Decoy | undefined;

  /** @throws {CertificateError} when a certificate cannot be served. */
  constructor(options: ListenerOptions, events: ListenerEvents) {
    this.#options = options;
    this.#events = events;
    this.#store = new CertificateStore(options.certificates, options);
    this.#halfOpen = new ExpiryQueue(options.budgetMs, halfOpen => halfOpen.expire());
    this.#lingering = new ExpiryQueue(options.closeGraceMs ?? CLOSE_GRACE_MS, socket => socket.destroy());
    this.#addressLimits = options.perAddress && new AddressLimits(options.perAddress);
    this.#decoy = decoyOf(options);
    this.#reception = this.#createReception();
  }

  /** Rejects with the system's error (`EADDRINUSE`, `EACCES`) of the first address that cannot be bound; none is bound then. */
  async listen(): Promise<void> {
    try {
      for (const { host, port, trustedProxies } of this.#options.addresses) {
        const proxies = trustedProxies && networks(trustedProxies);
        const server = createTcpServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_DELAY_MS });
        server.on('connection', tcp => this.#incoming(tcp, proxies));
        const { unsentLimit = UNSENT_LIMIT, congestionControl } = this.#options;
        await listenOn(server, { host, port, backlog: BACKLOG, unsentLimit, congestionControl });
        // Out of descriptors, mostly. The listener goes on: descriptors come back.
        server.on('error', error => this.#events.refused('accept-failed', '', errorCode(error)));
        this.#servers.push(server);
        this.#ends.push(new Promise(resolve => void server.once('close', resolve)));
      }
    } catch (error) {
      this.stopAccepting();
      throw error;
    }
  }

  /** Where the listener listens, in the order of the options: tells the port that the kernel chose for port 0. Empty when it has stopped. */
  get addresses(): AddressInfo[] {
    return this.#servers.map(server => server.address() as AddressInfo | null).filter(address => address !== null);
  }

  get halfOpenCount(): number {
    return this.#halfOpen.size;
  }

  /**
   * From the next connection on; those that exist keep what they have. Addresses stay as they are.
   * @throws {CertificateError} and changes nothing.
   */
  configure(changes: Pick<ListenerOptions, ReloadableOption>): void {
    const options = { ...this.#options, ...changes };
    this.#store = new CertificateStore(options.certificates, options);
    // Whoever has used up a limit does not get it back by a reload.
    if (!isDeepStrictEqual(changes.perAddress, this.#options.perAddress)) {
      this.#addressLimits = changes.perAddress && new AddressLimits(changes.perAddress);
    }
    this.#decoy = decoyOf(options);
    this.#options = options;
  }

  /** No new connections; those that exist, half-open ones included, go on. */
  stopAccepting(): void {
    for (const server of this.#servers) if (server.listening) server.close();
  }

  /** Ends everything at once. Uppers hear 'listener-closed'. Resolves when all sockets are gone. */
  async close(): Promise<void> {
    this.stopAccepting();
    for (const halfOpen of this.#halfOpen.members()) halfOpen.listenerClosed();
    for (const connection of this.#connections) connection.disconnect('listener-closed');
    for (const socket of this.#lingering.members()) socket.destroy();
    await Promise.all(this.#ends);
  }

  #incoming(tcp: Socket, proxies: BlockList | undefined): void {
    // Whatever happens to the socket shows as its end; an 'error' without a listener would be an uncaught exception.
    tcp.on('error', () => {});
    const refusal = this.#refusal(plainAddress(tcp.remoteAddress), proxies);
    if (refusal !== undefined) {
      const { remoteAddress } = peerFacts(tcp);
      resetSocket(tcp);
      this.#events.refused(refusal, remoteAddress, '');
      return;
    }
    const halfOpen = new HalfOpen(tcp, this.#reception, proxies !== undefined);
    this.#halfOpenByTcp.set(tcp, halfOpen);
    this.#halfOpen.add(halfOpen);
  }

  /** Before anything was read. A proxy's clients are looked at when it has named them. */
  #refusal(address: string, proxies: BlockList | undefined): RefusalReason | undefined {
    // It has left already, and its address with it. HAProxy's check resets a connection as soon as it has one.
    if (address === '') return proxies === undefined ? 'client-gone' : 'health-check';
    if (proxies !== undefined && !proxies.check(address, address.includes(':') ? 'ipv6' : 'ipv4'))
      return 'proxy-untrusted';
    if (this.#halfOpen.size >= this.#options.maxHalfOpen) return 'half-open-limit';
    return proxies === undefined ? this.#addressLimits?.admit(address, performance.now()) : undefined;
  }

  #tlsServer(serverName: string | undefined): TlsServer {
    const identity = this.#store.select(serverName);
    const known = this.#tlsServers.get(identity);
    if (known !== undefined) return known;
    const server = this.#createTlsServer(identity);
    this.#tlsServers.set(identity, server);
    return server;
  }

  /** A TLS server never listens itself: it gets TCP sockets whose ClientHello has been looked at. */
  #createTlsServer(identity: ServerIdentity): TlsServer {
    const server = createTlsServer({
      ...identity.context,
      // An HTTP client that offers h2 beside http/1.1 must not be left to assume h2.
      ALPNProtocols: ['http/1.1'],
      // The budget of half-open connections ends a handshake; this timer of Node's is one per connection and must not come first.
      handshakeTimeout: this.#options.budgetMs * 2,
    });
    const { keyLog } = this.#events;
    if (this.#options.keyLog === true && keyLog !== undefined) {
      server.on('keylog', (line: Buffer) => keyLog(line.toString('latin1')));
    }
    server.on('secureConnection', socket => {
      this.#halfOpenOf(socket)?.secured(socket, presentedLeaf(socket, identity));
    });
    server.on('tlsClientError', (error, socket) => this.#halfOpenOf(socket)?.handshakeFailed(error));
    return server;
  }

  #halfOpenOf(socket: TLSSocket): HalfOpen | undefined {
    // Node has no public way from a TLS socket to the TCP socket under it; `_parent` has been there in all versions.
    const { _parent: tcp } = socket as { _parent?: Socket };
    return tcp === undefined ? undefined : this.#halfOpenByTcp.get(tcp);
  }

  #createReception(): Reception {
    return {
      headerLimit: this.#options.headerLimit,
      answersRefusals: () => this.#options.decoy !== 'close',
      decoy: () => this.#decoy,
      startTls: (tcp, serverName) => {
        this.#events.handshake?.();
        this.#tlsServer(serverName).emit('connection', tcp);
      },
      known: address => this.#addressLimits?.admit(address, performance.now()),
      connect: (tcp, socket, certificate, peer, upper) => this.#connect(tcp, socket, certificate, peer, upper),
      accept: connection => this.#events.accept(connection),
      linger: tcp => {
        this.#lingering.add(tcp);
        tcp.once('close', () => this.#lingering.delete(tcp));
      },
      settled: (halfOpen, reason, detail) => {
        this.#halfOpen.delete(halfOpen);
        if (halfOpen.isKnown) this.#addressLimits?.settled(halfOpen.remoteAddress);
        if (reason !== undefined) this.#events.refused(reason, halfOpen.remoteAddress, detail);
      },
    };
  }

  #connect(tcp: Socket, socket: TLSSocket, certificate: Uint8Array, peer: PeerFacts, upper: HttpsUpper): TlsConnection {
    socket.disableRenegotiation();
    const connection = new TlsConnection(tcp, socket, certificate, peer, upper, this.#lingering, gone =>
      this.#connections.delete(gone),
    );
    this.#connections.add(connection);
    this.#halfOpenByTcp.delete(tcp);
    return connection;
  }
}

function decoyOf({ decoy }: Pick<ListenerOptions, 'decoy'>): Decoy | undefined {
  return typeof decoy === 'string' ? undefined : new Decoy(decoy);
}

/** @throws Error of node for what is no network: the configuration has been checked. */
function networks(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', length] = text.split('/');
    const family = address.includes(':') ? 'ipv6' : 'ipv4';
    if (length === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(length), family);
  }
  return list;
}

function listenOn(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    server.listen({ fd: listenReusePort(address), backlog: address.backlog });
  });
}

/** The certificate that a handshake has shown, which the client's algorithms decide when there are two key types. */
function presentedLeaf(socket: TLSSocket, { leaves }: ServerIdentity): Uint8Array {
  const [only, ...others] = leaves;
  if (only !== undefined && others.length === 0) return only;
  // Expensive: OpenSSL makes a copy of the certificate for each answer.
  const presented = socket.getX509Certificate()?.raw ?? Buffer.alloc(0);
  return leaves.find(leaf => leaf.equals(presented)) ?? presented;
}
