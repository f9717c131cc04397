/**
 * One tunnel in its worker: joins the HTTPS connection, the protocol machines and the packet path.
 *
 * Client to network: `receive` hands each chunk of the TLS stream to {@link SessionUplink}.
 *
 * Network to client:
 * 1. `queuePacket`: a packet read from the device is framed into the transmit queue.
 * 2. `flush`: once in each turn of the event loop the queue goes to the connection.
 */
import type { MessagePort } from 'node:worker_threads';
import type { HttpsConnection, HttpsUpper, DisconnectCause } from '../https/connection.ts';
import { Refused, TransmitQueue } from '../hotpath/transmit-queue.ts';
import { FRAME_HEADER_LENGTH, PathError } from '../hotpath/packet-path.ts';
import type { TunnelEndReason } from '../protocol/end-reason.ts';
import type { AuthMethod, Credentials, NetworkFamily, OpenNetwork, Verdict } from '../protocol/ppp/credentials.ts';
import { ServerTunnel } from '../protocol/server-tunnel.ts';
import type { ServerTunnelOptions, ServerTunnelOutput } from '../protocol/server-tunnel.ts';
import { encodeDataPacket } from '../wire/ppp.ts';
import type { Timed } from './deadlines.ts';
import type { CapturePlan, RateLimit, SessionDescription, SessionId, SessionPolicy } from './messages.ts';
import { SessionCapture } from './session-capture.ts';
import { SessionLimits } from './session-limits.ts';
import { SessionNetworks } from './session-networks.ts';
import { SessionUplink } from './session-uplink.ts';
import { Call, type DropReason } from './worker-counters.ts';
import type { WorkerContext } from './worker-context.ts';

/**
 * Bytes that may wait for one client beyond what its socket holds: a few super-packets of a few flows. How long they may
 * wait is CoDel's to say.
 */
const TRANSMIT_LIMIT = 512 * 1024;

/**
 * Bytes that may wait in a connection whose peer goes on sending: far more than the packets that {@link TransmitQueue} has under way. What is
 * beyond that are answers to control packets, each of which costs thirty times its length.
 */
const UNREAD_LIMIT = 256 * 1024;

/** Room for the IPv4 and TCP header in a packet (RFC 879). */
const TCP_IPV4_HEADERS = 40;

export class TunnelSession implements HttpsUpper, ServerTunnelOutput, Timed {
  readonly id: SessionId;
  readonly slot: number;
  readonly #context: WorkerContext;
  readonly #connection: HttpsConnection;
  readonly #helloIntervalMs: number;
  readonly #tunnel: ServerTunnel;
  readonly #queue: TransmitQueue;
  readonly #networks: SessionNetworks;
  readonly #uplink: SessionUplink;
  /** Bytes of the longest IP packet; 0 until it is up. */
  #mtu = 0;
  #grantedMtu = Number.POSITIVE_INFINITY;
  readonly #limits = new SessionLimits();
  /** Only while somebody captures what passes. */
  #capture: SessionCapture | undefined;
  #dirty = false;
  #gone = false;

  constructor(
    context: WorkerContext,
    id: SessionId,
    slot: number,
    connection: HttpsConnection,
    options: ServerTunnelOptions,
    onePacketPerRecord: boolean,
  ) {
    this.#context = context;
    this.id = id;
    this.slot = slot;
    this.#connection = connection;
    this.#helloIntervalMs = options.sstp.helloIntervalMs;
    this.#networks = new SessionNetworks(context.path, slot, context.settings.network, (protocol, packet) =>
      this.send(encodeDataPacket(protocol, packet)),
    );
    this.#tunnel = new ServerTunnel(this, options);
    this.#uplink = new SessionUplink(context, slot, this.#tunnel, this.#networks, (at, end) => {
      if (this.#capture !== undefined) this.#capture.received(context.path.memory.subarray(at, end));
    });
    this.#queue = new TransmitQueue(
      context.path,
      context.blocks,
      { limit: TRANSMIT_LIMIT, onePacketPerSend: onePacketPerRecord, window: connection.window },
      context.now,
      {
        sendPackets: (bytes, written) => {
          context.counters.countCalls(Call.TlsTx);
          this.#transmit(bytes, written);
        },
        dropped: length => this.#onDropped(length),
        waits: () => context.pacing.update(this.#queue),
        waitsForWindow: () => context.windows.update(this.#queue),
      },
    );
    if (onePacketPerRecord) connection.setOnePacketPerRecord();
  }

  get deadline(): number {
    return Math.min(this.#tunnel.deadline, this.#networks.deadline, this.#limits.deadline);
  }

  start(): void {
    this.#connection.landIn(this.#context.path.landing);
    this.#tunnel.accept(this.#context.now());
    this.#context.deadlines.update(this);
  }

  handleTimeout(now: number): void {
    this.#tunnel.handleTimeout(now);
    if (this.#gone) return;
    if (this.#tunnel.passesData) this.#networks.handleTimeout(now);
    if (now < this.#limits.deadline) return;
    const { rxPackets, txPackets } = this.#context.traffic.of(this.slot);
    const reason = this.#limits.expired(now, rxPackets + txPackets);
    if (reason === undefined) return;
    this.#limits.stop();
    this.#tunnel.end(reason, now);
  }

  handleVerdict(verdict: Verdict): void {
    if (verdict.kind === 'accepted') this.#grantedMtu = verdict.mtu ?? Number.POSITIVE_INFINITY;
    this.#tunnel.verdict(verdict, this.#context.now());
    this.#context.deadlines.update(this);
  }

  setPolicy(policy: SessionPolicy): void {
    this.#limits.change(policy, this.#context.now());
    if (policy.routes !== undefined) this.#networks.setRoutes(policy.routes);
    this.#context.deadlines.update(this);
    this.setRate(policy.rate);
  }

  /** May be called while traffic flows: no packet is lost by it. */
  setRate(rate: RateLimit | undefined): void {
    this.#queue.setRate(rate?.down, rate?.downBurst);
    this.#uplink.setRate(rate?.up, rate?.upBurst);
  }

  /** Copies frames to the port until one end of it has enough; takes the place of an earlier capture. */
  capture(plan: CapturePlan, port: MessagePort): void {
    this.#capture?.end('stopped');
    this.#capture = new SessionCapture(port, plan, this.#context.now, capture => {
      if (this.#capture === capture) this.#capture = undefined;
    });
  }

  describe(): SessionDescription {
    const now = this.#context.now();
    const { negotiationDeadline, ...agreed } = this.#tunnel.describe();
    const { rxPackets, txPackets } = this.#context.traffic.of(this.slot);
    const timeOf = (at: number | undefined) => (at === undefined ? undefined : Date.now() + at - now);
    return {
      ...agreed,
      helloIntervalMs: this.#helloIntervalMs,
      negotiationEndsAt: timeOf(negotiationDeadline),
      idleEndsAt: timeOf(this.#limits.idleEnd(now, rxPackets + txPackets)),
      queueBytes: this.#queue.bytes,
    };
  }

  end(reason: TunnelEndReason): void {
    this.#tunnel.end(reason, this.#context.now());
    this.#context.deadlines.update(this);
  }

  /** The farewell is sent, its answer not waited for: the session's name and address are wanted by another one. */
  evict(reason: TunnelEndReason): void {
    const now = this.#context.now();
    this.#tunnel.end(reason, now);
    if (this.#gone) return;
    this.#vanish(reason, now);
    this.#connection.close();
  }

  // --- HTTPS -> SSTP (MS-SSTP 3.1.7.2)

  receive(chunk: Uint8Array): void {
    if (this.#gone) return;
    this.#context.counters.countCalls(Call.TlsRx);
    const failure = this.#uplink.push(chunk);
    if (this.#gone) return;
    if (failure < 0) this.#giveUp('delineation');
    else if (this.#connection.bytesQueued > UNREAD_LIMIT) this.#giveUp('unread-answers');
    else this.#context.deadlines.update(this);
  }

  disconnected(cause: DisconnectCause, at: number): void {
    this.#vanish(`connection-${cause}`, at);
  }

  // --- from the protocol machines

  send(packet: Uint8Array): void {
    this.#transmit(packet);
  }

  #transmit(packets: Uint8Array, written?: () => void): void {
    if (this.#capture !== undefined) this.#capture.sent(packets);
    this.#connection.send(packets, written);
  }

  verify(credentials: Credentials): void {
    const { peerMru, identification } = this.#tunnel;
    const mtu = Math.min(this.#context.settings.ppp.mtu, peerMru);
    this.#context.post({ kind: 'verify', session: this.id, credentials, mtu, identification });
  }

  authenticated(_user: string, method: AuthMethod): void {
    this.#context.post({ kind: 'authenticated', session: this.id, method });
  }

  up(peerMru: number, networks: readonly OpenNetwork[]): void {
    this.#uplink.reconsider();
    const { settings } = this.#context;
    const mtu = Math.min(settings.ppp.mtu, peerMru, this.#grantedMtu);
    this.#limits.start(this.#context.now());
    this.#mtu = mtu;
    this.#uplink.mss = settings.network.mssClamp ? mtu - TCP_IPV4_HEADERS : 0;
    const ipv6 = networks.find(network => network.family === 6)?.ipv6;
    this.#context.post({ kind: 'up', session: this.id, mtu, interfaceId: ipv6?.interfaceId });
  }

  networkUp(network: OpenNetwork): void {
    this.#uplink.reconsider();
    this.#networks.open(network, this.#mtu, this.#context.now());
    this.#postNetworks();
  }

  networkDown(family: NetworkFamily): void {
    this.#uplink.reconsider();
    this.#networks.close(family);
    this.#postNetworks();
  }

  #postNetworks(): void {
    const { ipv4, ipv6 } = this.#networks;
    this.#context.post({
      kind: 'networks',
      session: this.id,
      ipv4: ipv4 !== undefined,
      interfaceId: ipv6?.interfaceId,
    });
  }

  closing(reason: TunnelEndReason): void {
    this.#context.post({ kind: 'closing', session: this.id, reason });
  }

  close(reason: TunnelEndReason): void {
    this.#leave(reason, this.#context.now());
    this.#connection.close();
  }

  // --- packet path

  /** A packet from the device for this tunnel: `length` bytes at `at` of the hot path's memory. */
  queuePacket(at: number, length: number): void {
    const { traffic } = this.#context;
    const taken = this.#queue.append(at, length, this.#uplink.mss);
    const packets = this.#queue.appended;
    if (taken < 0) {
      const isOverRate = taken === Refused.QueueFull && this.#queue.isThrottled;
      traffic.countDrop(isOverRate ? 'rate-limit' : dropReason(taken), this.slot, packets);
      return;
    }
    traffic.countSent(this.slot, packets, taken - packets * FRAME_HEADER_LENGTH);
    if (this.#dirty) return;
    this.#dirty = true;
    this.#context.dirty.push(this);
  }

  /** Counted as sent when it was taken up. */
  #onDropped(length: number): void {
    const { traffic } = this.#context;
    traffic.countSent(this.slot, -1, -length);
    traffic.countDrop(this.#queue.isThrottled ? 'rate-limit' : 'queue-delay', this.slot);
  }

  flush(): void {
    this.#dirty = false;
    this.#queue.flush();
  }

  // --- the end

  #giveUp(reason: TunnelEndReason): void {
    this.#vanish(reason, this.#context.now());
    this.#connection.abort();
  }

  /** Nothing more can be sent: MS-SSTP 3.1.7.2, "disconnected", and a failed delineation. */
  #vanish(reason: TunnelEndReason, at: number): void {
    if (this.#gone) return;
    this.#tunnel.disconnected();
    this.#leave(this.#tunnel.endReason ?? reason, at);
  }

  #leave(reason: TunnelEndReason, at: number): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#limits.stop();
    this.#networks.clear();
    this.#queue.release();
    this.#context.pacing.delete(this.#queue);
    this.#context.windows.delete(this.#queue);
    this.#uplink.release();
    this.#capture?.end('session-ended');
    this.#context.leave(this, reason, at);
  }
}

function dropReason(code: number): DropReason {
  switch (code) {
    case Refused.QueueFull:
      return 'queue-full';
    case Refused.NoBlock:
      return 'no-transmit-block';
    case PathError.TooLong:
      return 'too-long';
    default:
      return 'malformed';
  }
}
