/**
 * An SSTP client as a library: one tunnel to any SSTP server, IP packets in and out through the memory of its
 * {@link ClientRuntime}. It shares the protocol machines and the packet path with the gateway and knows nothing else of it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { certificateHash } from '../crypto/crypto-binding.ts';
import { randomBytes } from '../crypto/random.ts';
import { TransmitQueue } from '../hotpath/transmit-queue.ts';
import { openHttps } from '../https/open.ts';
import type { DisconnectCause, HttpsConnection, HttpsUpper } from '../https/connection.ts';
import { ClientTunnel } from '../protocol/client-tunnel.ts';
import type { ClientTunnelOutput } from '../protocol/client-tunnel.ts';
import type { TunnelEndReason } from '../protocol/end-reason.ts';
import type { Ipv4Parameters, NetworkFamily, OpenNetwork } from '../protocol/ppp/credentials.ts';
import { Ipv6Host } from '../protocol/link/ipv6-host.ts';
import { requireEncodable } from '../protocol/ppp/ppp-client.ts';
import { HashProtocol } from '../wire/sstp.ts';
import { PppProtocol, encodeDataPacket } from '../wire/ppp.ts';
import type { ClientRuntime } from './client-runtime.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import { ServerPackets } from './server-packets.ts';
import type { SstpClientEvents, SstpClientOptions } from './sstp-client-options.ts';
import { TunnelRefusedError } from './tunnel-refused-error.ts';

const NEGOTIATION_TIMEOUT_MS = 60_000;
const HELLO_INTERVAL_MS = 60_000;
/** As pppd's Debian options file has it. */
const LCP_ECHO = { intervalMs: 30_000, failures: 4 } as const;
/** Packets that wait for a server that does not read. */
const TRANSMIT_LIMIT = 1024 * 1024;

export class SstpClient implements HttpsUpper, ClientTunnelOutput {
  readonly #runtime: ClientRuntime;
  readonly #connection: HttpsConnection;
  readonly #events: SstpClientEvents;
  readonly #tunnel: ClientTunnel;
  readonly #packets: ServerPackets;
  readonly #queue: TransmitQueue;
  readonly #timer = new DeadlineTimer(now => this.#handleTimeout(now));
  #isEstablished = false;
  #network: Ipv4Parameters | undefined;
  #ipv6: Ipv6Host | undefined;
  #onConfigured: (() => void) | undefined;
  #mtu = 0;
  #reason: TunnelEndReason | undefined;
  /** Whether the owner asked for the end, and need not be told of it. */
  #endIsOurs = false;
  #onUp: (() => void) | undefined;
  #onEnd: ((reason: TunnelEndReason) => void)[] = [];

  /**
   * Opens the HTTPS connection, negotiates, authenticates.
   * @throws HttpsOpenError when there is no HTTPS connection to speak SSTP on.
   * @throws TunnelRefusedError when the server or the negotiation said no, or the signal interrupted (`terminated`).
   * @throws RangeError for credentials that PPP cannot carry.
   */
  static async connect(
    runtime: ClientRuntime,
    options: SstpClientOptions,
    events: SstpClientEvents,
  ): Promise<SstpClient> {
    requireEncodable(options);
    let client: SstpClient | undefined;
    await openHttps(options.https, connection => {
      client = new SstpClient(runtime, options, connection, events);
      client.#start();
      return client;
    });
    await client!.#established(options.https.signal);
    return client!;
  }

  private constructor(
    runtime: ClientRuntime,
    options: SstpClientOptions,
    connection: HttpsConnection,
    events: SstpClientEvents,
  ) {
    this.#runtime = runtime;
    this.#connection = connection;
    this.#events = events;
    const onePacketPerSend = options.packetsPerRecord === 'one';
    if (onePacketPerSend) connection.setOnePacketPerRecord();
    this.#queue = new TransmitQueue(
      runtime.path,
      runtime.blocks,
      { limit: TRANSMIT_LIMIT, onePacketPerSend },
      () => performance.now(),
      { sendPackets: (bytes, written) => connection.send(bytes, written), dropped: () => {} },
    );
    this.#tunnel = new ClientTunnel(this, {
      sstp: {
        hashProtocols: HashProtocol.Sha1 | HashProtocol.Sha256,
        certificateHash: hashProtocol => certificateHash(hashProtocol, connection.certificate),
        negotiationTimeoutMs: NEGOTIATION_TIMEOUT_MS,
        helloIntervalMs: HELLO_INTERVAL_MS,
      },
      ppp: {
        user: options.user,
        password: options.password,
        auth: options.auth,
        mru: options.mtu,
        requestDns: true,
        ipv6: options.ipv6 ?? false,
        lcpEcho: LCP_ECHO,
        authTimeoutMs: NEGOTIATION_TIMEOUT_MS,
        random: randomBytes,
      },
    });
    this.#packets = new ServerPackets(runtime.path, options.uplink, this.#tunnel, {
      isGone: () => this.#reason !== undefined,
      receiveFromLink: packet => this.#ipv6?.receive(packet) === true,
      receivePacket: (at, length) => events.receivePacket(at, length),
    });
  }

  /** What the server assigned; undefined without IPv4. */
  get ipv4(): Ipv4Parameters | undefined {
    return this.#network;
  }

  /** The link as IPv6CP agreed on it; undefined without IPv6. */
  get ipv6(): Ipv6Host | undefined {
    return this.#ipv6;
  }

  /** The same as {@link ipv4}, for a client that has to do with nothing else. */
  get network(): Ipv4Parameters {
    if (this.#network === undefined) throw new Error('the tunnel has no IPv4');
    return this.#network;
  }

  /**
   * Resolves when nothing more is to come: each network protocol is open or given up, and with IPv6 a router has advertised itself. After
   * `timeoutMs`, and when the tunnel ends, in any case.
   */
  async configured(timeoutMs: number): Promise<void> {
    if (this.#isConfigured) return;
    const waiting = new AbortController();
    const done = new Promise<void>(resolve => (this.#onConfigured = resolve));
    const tooLate = sleep(timeoutMs, undefined, { signal: waiting.signal }).catch(() => {});
    await Promise.race([done, tooLate, this.#whenEnded()]);
    waiting.abort();
  }

  /** Largest IP packet that may be sent. */
  get mtu(): number {
    return this.#mtu;
  }

  get connection(): HttpsConnection {
    return this.#connection;
  }

  /** Whether packets pass; false as soon as either side begins to end the tunnel. */
  get isUp(): boolean {
    return this.#tunnel.passesData;
  }

  /** Queues the IP packet at `at` of the runtime's memory, its virtio header in front; false when it was dropped. Follow with {@link flush}. */
  queuePacket(at: number, length: number): boolean {
    return this.#tunnel.passesData && this.#queue.append(at, length, 0) > 0;
  }

  flush(): void {
    this.#queue.flush();
  }

  /** Ends the tunnel in good order: LCP Terminate, Call Disconnect, TLS close. Resolves when it is closed. */
  end(): Promise<TunnelEndReason> {
    const ended = this.#whenEnded();
    if (this.#reason === undefined) {
      this.#endIsOurs = true;
      this.#tunnel.end('terminated', performance.now());
      this.#arm();
    }
    return ended;
  }

  /** Drops the connection with a RST, as a crash would. */
  abort(): void {
    if (this.#reason !== undefined) return;
    this.#endIsOurs = true;
    this.#tunnel.disconnected();
    this.#leave('terminated');
    this.#connection.abort();
  }

  // --- HTTPS -> SSTP

  receive(chunk: Uint8Array): void {
    if (this.#reason !== undefined) return;
    const failure = this.#packets.push(chunk);
    if (this.#reason !== undefined) return;
    if (failure < 0) {
      this.#tunnel.disconnected();
      this.#leave('delineation');
      this.#connection.abort();
      return;
    }
    this.#arm();
  }

  disconnected(cause: DisconnectCause): void {
    if (this.#reason !== undefined) return;
    this.#tunnel.disconnected();
    this.#leave(this.#tunnel.endReason ?? `connection-${cause}`);
  }

  // --- from the protocol machines

  send(packet: Uint8Array): void {
    this.#connection.send(packet);
  }

  up(peerMru: number): void {
    this.#packets.networksChanged();
    this.#isEstablished = true;
    this.#mtu = peerMru;
    this.#onUp?.();
  }

  networkUp(network: OpenNetwork): void {
    this.#packets.networksChanged();
    if (network.family === 4) {
      this.#network = network.ipv4;
    } else {
      const send = (packet: Uint8Array): void => this.#connection.send(encodeDataPacket(PppProtocol.Ipv6, packet));
      this.#ipv6 = new Ipv6Host(network.ipv6, send, performance.now());
    }
  }

  networkDown(family: NetworkFamily): void {
    this.#packets.networksChanged();
    if (family === 4) this.#network = undefined;
    else this.#ipv6 = undefined;
  }

  closing(): void {
    // IP packets have no place behind the farewell.
    this.#queue.release();
  }

  close(reason: TunnelEndReason): void {
    this.#leave(reason);
    this.#connection.close();
  }

  // --- life

  #start(): void {
    this.#connection.landIn(this.#runtime.path.landing);
    this.#tunnel.start(performance.now());
    this.#arm();
  }

  async #established(signal: AbortSignal | undefined): Promise<void> {
    const interrupted = (): void => void this.end();
    signal?.addEventListener('abort', interrupted);
    if (signal?.aborted === true) interrupted();
    try {
      const up = new Promise<undefined>(resolve => (this.#onUp = () => resolve(undefined)));
      const refused = this.isUp ? undefined : await Promise.race([up, this.#whenEnded()]);
      if (refused !== undefined) throw new TunnelRefusedError(refused, this.#tunnel.authFailure);
    } finally {
      signal?.removeEventListener('abort', interrupted);
    }
  }

  #whenEnded(): Promise<TunnelEndReason> {
    if (this.#reason !== undefined) return Promise.resolve(this.#reason);
    return new Promise(resolve => this.#onEnd.push(resolve));
  }

  #leave(reason: TunnelEndReason): void {
    const isNews = this.#isEstablished && !this.#endIsOurs;
    this.#reason = reason;
    this.#timer.stop();
    this.#queue.release();
    for (const tell of this.#onEnd.splice(0)) tell(reason);
    if (isNews) this.#events.ended(reason);
  }

  get #isConfigured(): boolean {
    const has4 = this.#network !== undefined || !this.#tunnel.mayPass(4);
    return has4 && (this.#ipv6?.configuration !== undefined || !this.#tunnel.mayPass(6));
  }

  get #deadline(): number {
    return Math.min(this.#tunnel.deadline, this.#ipv6?.deadline ?? Number.POSITIVE_INFINITY);
  }

  #arm(): void {
    if (this.#onConfigured !== undefined && this.#isConfigured) this.#onConfigured();
    this.#timer.follow(this.#deadline);
  }

  #handleTimeout(now: number): void {
    if (this.#tunnel.deadline <= now) this.#tunnel.handleTimeout(now);
    if (this.#reason === undefined) this.#ipv6?.handleTimeout(now);
    if (this.#reason === undefined) this.#arm();
  }
}
