/**
 * Client to network, for one session:
 * 1. `push`: a chunk of the TLS stream is cut into packets in the hot path's memory.
 * 2. Control packets and PPP control frames go to the state machines.
 * 3. IP packets are judged in one go (`admit`) and join the batch of this turn, which writes super-packets to the device.
 */
import { ENTRY_AT, ENTRY_BYTES, ENTRY_LENGTH, ENTRY_PROTOCOL, EntryMark } from '../hotpath/packet-path.ts';
import { StreamCutter } from '../hotpath/stream-cutter.ts';
import type { ServerTunnel } from '../protocol/server-tunnel.ts';
import { isControlProtocol, PppProtocol } from '../wire/ppp.ts';
import type { SessionNetworks } from './session-networks.ts';
import { UploadShaper } from './upload-shaper.ts';
import type { WorkerContext } from './worker-context.ts';
import type { DropReason } from './worker-counters.ts';

/** By so much is the header of IPv6 longer. */
const IPV6_HEADER_EXCESS = 20;

export class SessionUplink {
  /** Bytes of IPv4's longest TCP segment, either way; 0 for no limit. */
  mss = 0;
  readonly #context: WorkerContext;
  readonly #slot: number;
  readonly #tunnel: ServerTunnel;
  readonly #networks: SessionNetworks;
  readonly #cutter: StreamCutter;
  readonly #received: (at: number, end: number) => void;
  readonly #onPackets = (entries: number, at: number, end: number): boolean => {
    this.#received(at, end);
    return this.#handlePackets(entries);
  };
  /** Only while a rate limits what the client sends. */
  #upload: UploadShaper | undefined;
  /** What may pass has changed since the table's rows were judged. */
  #isJudgementStale = false;

  /** `received` sees the bytes of whole packets in the hot path's memory, before they are judged, which changes some of them. */
  constructor(
    context: WorkerContext,
    slot: number,
    tunnel: ServerTunnel,
    networks: SessionNetworks,
    received: (at: number, end: number) => void,
  ) {
    this.#received = received;
    this.#context = context;
    this.#slot = slot;
    this.#tunnel = tunnel;
    this.#networks = networks;
    this.#cutter = new StreamCutter(context.path, context.uplink.arena);
  }

  /** The tunnel may have ended when this returns. @returns a negative number when the stream cannot be cut any more */
  push(chunk: Uint8Array): number {
    return this.#cutter.push(chunk, this.#onPackets);
  }

  /** Bits per second; undefined for no limit. `burst`: bytes. No packet is lost by a change. */
  setRate(up: number | undefined, burst: number | undefined): void {
    if (up === undefined) {
      this.#upload?.end();
      this.#upload = undefined;
    } else {
      this.#upload ??= new UploadShaper(this.#context, this.#slot);
      this.#upload.setRate(up, burst);
    }
  }

  /** Other packets may pass from now on. */
  reconsider(): void {
    this.#isJudgementStale = true;
  }

  release(): void {
    this.#upload?.release();
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
        if (this.#tunnel.state === 'closed') return false;
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
    const good = this.#tunnel.passes(4) ? path.admit(entries, networks.source, this.#slot, this.mss) : 0;
    if (good === entries || !this.#tunnel.passes(6)) return good;
    return good + path.admit6(entries, networks.sourceSlot, Math.max(0, this.mss - IPV6_HEADER_EXCESS));
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
      packets = uplink.add(to, from, this.#slot);
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
      if (reason !== undefined) traffic.countDrop(reason, this.#slot);
    }
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
