/**
 * One tunnel in its worker: joins the HTTPS connection, the protocol machines and the packet path.
 *
 * Client to network:
 * 1. `receive`: a chunk of the TLS stream is cut into packets in the hot path's memory.
 * 2. Control packets and PPP control frames go to the state machines.
 * 3. IP packets are judged in one go (`admit`) and join the batch of this turn, which writes super-packets to the device.
 *
 * Network to client:
 * 1. `queuePacket`: a packet read from the device is framed into the transmit queue.
 * 2. `flush`: once in each turn of the event loop the queue goes to the connection.
 */
import type { MessagePort } from 'node:worker_threads';
import type { HttpsConnection, HttpsUpper, DisconnectCause } from '../https/connection.ts';
import { Refused, TransmitQueue } from '../hotpath/transmit-queue.ts';
import { StreamCutter } from '../hotpath/stream-cutter.ts';
import {
  ENTRY_AT,
  ENTRY_BYTES,
  ENTRY_LENGTH,
  ENTRY_PROTOCOL,
  EntryMark,
  FRAME_HEADER_LENGTH,
  PathError,
} from '../hotpath/packet-path.ts';
import type { TunnelEndReason } from '../protocol/end-reason.ts';
import type { AuthMethod, Credentials, NetworkFamily, OpenNetwork, Verdict } from '../protocol/ppp/credentials.ts';
import { ServerTunnel } from '../protocol/server-tunnel.ts';
import type { ServerTunnelOptions, ServerTunnelOutput } from '../protocol/server-tunnel.ts';
import { PppProtocol, encodeDataPacket, isControlProtocol } from '../wire/ppp.ts';
import type { Timed } from './deadlines.ts';
import type { CapturePlan, RateLimit, SessionId, SessionPolicy } from './messages.ts';
import { SessionCapture } from './session-capture.ts';
import { SessionLimits } from './session-limits.ts';
import { SessionNetworks } from './session-networks.ts';
import { UploadShaper } from './upload-shaper.ts';
import { Call, type DropReason } from './worker-counters.ts';
import type { WorkerContext } from './worker-context.ts';

/**
 * Bytes that may wait for one client beyond what its socket holds: a few super-packets of a few flows. How long they may
 * wait is CoDel's to say.
 */
const TRANSMIT_LIMIT = 512 * 1024;

/** Room for the IPv4 and TCP header in a packet (RFC 879). */
const TCP_IPV4_HEADERS = 40;
/** By so much is the header of IPv6 longer. */
const IPV6_HEADER_EXCESS = 20;

export class TunnelSession implements HttpsUpper, ServerTunnelOutput, Timed {
  readonly id: SessionId;
  readonly slot: number;
  readonly #context: WorkerContext;
  readonly #connection: HttpsConnection;
  readonly #tunnel: ServerTunnel;
  readonly #cutter: StreamCutter;
  readonly #queue: TransmitQueue;
  readonly #onPackets = (entries: number, at: number, end: number): boolean => {
    // Before they are judged, which changes some of them.
    if (this.#capture !== undefined) this.#capture.received(this.#context.path.memory.subarray(at, end));
    return this.#handlePackets(entries);
  };
  readonly #networks: SessionNetworks;
  /** Bytes of the longest IP packet, and of IPv4's longest TCP segment; 0 until it is up. */
  #mtu = 0;
  #mss = 0;
  readonly #limits = new SessionLimits();
  /** Only while a rate limits what the client sends. */
  #upload: UploadShaper | undefined;
  /** Only while somebody captures what passes. */
  #capture: SessionCapture | undefined;
  #dirty = false;
  /** What may pass has changed since the table's rows were judged. */
  #isJudgementStale = false;
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
    this.#networks = new SessionNetworks(context.path, slot, context.settings.network, (protocol, packet) =>
      this.send(encodeDataPacket(protocol, packet)),
    );
    this.#tunnel = new ServerTunnel(this, options);
    this.#cutter = new StreamCutter(context.path, context.uplink.arena);
    this.#queue = new TransmitQueue(
      context.path,
      context.blocks,
      { limit: TRANSMIT_LIMIT, onePacketPerSend: onePacketPerRecord },
      context.now,
      {
        sendPackets: (bytes, written) => {
          context.counters.countCalls(Call.TlsTx);
          this.#transmit(bytes, written);
        },
        dropped: length => this.#onDropped(length),
        waits: () => context.pacing.update(this.#queue),
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
    if (rate?.up === undefined) {
      this.#upload?.end();
      this.#upload = undefined;
    } else {
      this.#upload ??= new UploadShaper(this.#context, this.slot);
      this.#upload.setRate(rate.up, rate.upBurst);
    }
  }

  /** Copies frames to the port until one end of it has enough; takes the place of an earlier capture. */
  capture(plan: CapturePlan, port: MessagePort): void {
    this.#capture?.end('stopped');
    this.#capture = new SessionCapture(port, plan, this.#context.now, capture => {
      if (this.#capture === capture) this.#capture = undefined;
    });
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
    const failure = this.#cutter.push(chunk, this.#onPackets);
    if (this.#gone) return;
    if (failure < 0) {
      this.#vanish('delineation', this.#context.now());
      this.#connection.abort();
      return;
    }
    this.#context.deadlines.update(this);
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

  up(peerMru: number): void {
    this.#isJudgementStale = true;
    const { settings } = this.#context;
    const mtu = Math.min(settings.ppp.mtu, peerMru);
    this.#limits.start(this.#context.now());
    this.#mtu = mtu;
    this.#mss = settings.network.mssClamp ? mtu - TCP_IPV4_HEADERS : 0;
    this.#context.post({ kind: 'up', session: this.id, mtu });
  }

  networkUp(network: OpenNetwork): void {
    this.#isJudgementStale = true;
    this.#networks.open(network, this.#mtu, this.#context.now());
    this.#postNetworks();
  }

  networkDown(family: NetworkFamily): void {
    this.#isJudgementStale = true;
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
    const taken = this.#queue.append(at, length, this.#mss);
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

  #handlePackets(entries: number): boolean {
    const { path } = this.#context;
    const now = this.#context.now();
    this.#tunnel.heard(now);
    // Bulk data is chunks of nothing but IP packets that may pass: they need no look at each.
    if (this.#judge(entries) === entries) {
      this.#pass(entries, 0);
      return true;
    }
    let from = 0;
    for (let index = 0; index < entries; index++) {
      const row = path.tableAt + index * ENTRY_LENGTH;
      const protocol = path.view.getUint16(row + ENTRY_PROTOCOL, true);
      if (protocol === PppProtocol.Ipv4 || protocol === PppProtocol.Ipv6) {
        if (!this.#tunnel.passes(protocol === PppProtocol.Ipv4 ? 4 : 6))
          path.view.setUint16(row + ENTRY_PROTOCOL, EntryMark.NotUp, true);
      } else if (
        protocol === EntryMark.Control ||
        protocol === PppProtocol.CompressedDatagram ||
        isControlProtocol(protocol)
      ) {
        // What came before it is not subject to what it does.
        this.#toNetwork(index, from, entries);
        from = index + 1;
        this.#handleControl(row, protocol, now);
        if (this.#gone) return false;
      }
    }
    this.#toNetwork(entries, from, entries);
    return true;
  }

  #handleControl(row: number, protocol: number, now: number): void {
    const bytes = this.#bytesOf(row);
    if (protocol === EntryMark.Control) this.#tunnel.receiveControl(bytes, now);
    else this.#tunnel.receiveFrame(protocol, bytes, now);
  }

  /** What the row of the table stands for: a view, good until the chunk has been handled. */
  #bytesOf(row: number): Uint8Array {
    const { memory, view } = this.#context.path;
    const at = view.getUint32(row + ENTRY_AT, true);
    return memory.subarray(at, at + view.getUint16(row + ENTRY_BYTES, true));
  }

  /** @returns how many of the first `entries` are packets for the network */
  #judge(entries: number): number {
    const { path } = this.#context;
    const networks = this.#networks;
    this.#isJudgementStale = false;
    const good = this.#tunnel.passes(4) ? path.admit(entries, networks.source, this.slot, this.#mss) : 0;
    if (good === entries || !this.#tunnel.passes(6)) return good;
    return good + path.admit6(entries, networks.sourceSlot, Math.max(0, this.#mss - IPV6_HEADER_EXCESS));
  }

  /**
   * The rows [from, to) of the table hold no control packet, and no packet of a family that does not pass. All `entries` have been judged;
   * they are judged again only when a control packet has changed what may pass: a client could make that a thousand times a chunk's work.
   */
  #toNetwork(to: number, from: number, entries: number): void {
    if (from === to) return;
    if (this.#isJudgementStale) this.#judge(entries);
    this.#pass(to, from);
  }

  /** Of the rows [from, to), which have been judged. */
  #pass(to: number, from: number): void {
    const { traffic, uplink } = this.#context;
    let packets = 0;
    if (this.#tunnel.passesData) {
      this.#upload?.holdBack(to, from);
      packets = uplink.add(to, from, this.slot);
      if (packets > 0) traffic.changed();
    }
    if (packets < to - from) this.#sortOut(to, from);
  }

  /** What did not go to the network: the gateway's own is answered, the rest counted. */
  #sortOut(to: number, from: number): void {
    const { path, traffic } = this.#context;
    for (let index = from; index < to; index++) {
      const row = path.tableAt + index * ENTRY_LENGTH;
      const protocol = path.view.getUint16(row + ENTRY_PROTOCOL, true);
      if (protocol === EntryMark.ToControl) {
        this.#networks.receive(this.#bytesOf(row));
        continue;
      }
      const reason = refusal(protocol);
      if (reason !== undefined) traffic.countDrop(reason, this.slot);
    }
  }

  // --- the end

  /** Nothing more can be sent: MS-SSTP 3.1.7.2, "disconnected", and a failed delineation. */
  #vanish(reason: TunnelEndReason, at: number): void {
    if (this.#gone) return;
    this.#tunnel.disconnected();
    this.#leave(this.#tunnel.endReason ?? reason, at);
  }

  #leave(reason: TunnelEndReason, at: number): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#networks.clear();
    this.#queue.release();
    this.#context.pacing.delete(this.#queue);
    this.#upload?.release();
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

/** Why the packet of an entry did not go to the network; undefined when it did. */
function refusal(protocol: number): DropReason | undefined {
  switch (protocol) {
    case PppProtocol.Ipv4:
    case EntryMark.Held:
    case PppProtocol.Ipv6:
      return undefined;
    case EntryMark.Malformed:
    case EntryMark.NoPppHeader:
      return 'malformed';
    case EntryMark.Spoofed:
      return 'spoofed-source';
    case EntryMark.NotUp:
      return 'not-up';
    default:
      return 'unknown-protocol';
  }
}
