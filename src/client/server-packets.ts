/**
 * What a server sends, from the chunks of its TLS stream to whom it concerns:
 *
 * 1. A chunk is cut into packets in the memory of the packet path.
 * 2. All of its IP packets are judged in one go (`admit`).
 * 3. Control packets and PPP control frames go to the tunnel, IP packets to the client's owner, in the order of their arrival.
 */
import { ANY_SOURCE, ENTRY_AT, ENTRY_BYTES, ENTRY_LENGTH, ENTRY_PROTOCOL, EntryMark } from '../hotpath/packet-path.ts';
import type { PacketPath } from '../hotpath/packet-path.ts';
import { StreamCutter } from '../hotpath/stream-cutter.ts';
import type { UplinkBatch } from '../hotpath/uplink-batch.ts';
import type { ClientTunnel } from '../protocol/client-tunnel.ts';
import { PppProtocol, isControlProtocol } from '../wire/ppp.ts';
import { VIRTIO_HEADER_LENGTH } from '../wire/virtio.ts';

/** Where the packet path counts what it carries: nobody looks, and clients may share it. */
const COUNTER_SLOT = 0;

export interface ServerPacketsOutput {
  /** Asked behind each control packet: true once it has ended the tunnel. */
  isGone(): boolean;
  /** A packet of the link itself, a view; false: it is none that this end reads, and an IPv6 packet like others. */
  receiveFromLink(packet: Uint8Array): boolean;
  /** An IP packet, as {@link SstpClientEvents.receivePacket} describes it. Not called with an uplink. */
  receivePacket(at: number, length: number): void;
}

type Receiver = Pick<ClientTunnel, 'heard' | 'passes' | 'passesData' | 'receiveControl' | 'receiveFrame'>;

export class ServerPackets {
  readonly #path: PacketPath;
  readonly #uplink: UplinkBatch | undefined;
  readonly #tunnel: Receiver;
  readonly #output: ServerPacketsOutput;
  readonly #cutter: StreamCutter;
  readonly #onPackets = (entries: number): boolean => this.#handle(entries);
  /** What may pass has changed since the table's rows were judged. */
  #isJudgementStale = false;

  /** @param uplink takes the IP packets in place of the output */
  constructor(path: PacketPath, uplink: UplinkBatch | undefined, tunnel: Receiver, output: ServerPacketsOutput) {
    this.#path = path;
    this.#uplink = uplink;
    this.#tunnel = tunnel;
    this.#output = output;
    this.#cutter = new StreamCutter(path, uplink?.arena);
  }

  /** @returns 0, or the negative code with which delineation failed: the connection is to be aborted. */
  push(chunk: Uint8Array): number {
    return this.#cutter.push(chunk, this.#onPackets);
  }

  /** Another family passes, or one does no more. */
  networksChanged(): void {
    this.#isJudgementStale = true;
  }

  #handle(entries: number): boolean {
    const { tableAt, view } = this.#path;
    const now = performance.now();
    this.#tunnel.heard(now);
    this.#judge(entries);
    let from = 0;
    for (let index = 0; index < entries; index++) {
      const row = tableAt + index * ENTRY_LENGTH;
      const protocol = view.getUint16(row + ENTRY_PROTOCOL, true);
      if (protocol === PppProtocol.Ipv4 || protocol === PppProtocol.Ipv6) {
        const passes = this.#tunnel.passes(protocol === PppProtocol.Ipv4 ? 4 : 6);
        if (!passes) view.setUint16(row + ENTRY_PROTOCOL, EntryMark.NotUp, true);
        continue;
      }
      if (protocol !== EntryMark.Control && !isControlProtocol(protocol)) continue;
      // What came before it is not subject to what it does.
      this.#pass(index, from, entries);
      from = index + 1;
      if (protocol === EntryMark.Control) this.#tunnel.receiveControl(this.#bytesOf(row), now);
      else this.#tunnel.receiveFrame(protocol, this.#bytesOf(row), now);
      if (this.#output.isGone()) return false;
    }
    this.#pass(entries, from, entries);
    return !this.#output.isGone();
  }

  #judge(entries: number): void {
    this.#isJudgementStale = false;
    if (this.#tunnel.passes(4)) this.#path.admit(entries, 0, ANY_SOURCE, 0);
    if (this.#tunnel.passes(6)) this.#path.admit6(entries, ANY_SOURCE, 0);
  }

  /**
   * The rows [from, to) of the table hold no control packet. All `entries` have been judged; they are judged again only when a control
   * packet has changed what may pass: a server could make that a thousand times a chunk's work.
   */
  #pass(to: number, from: number, entries: number): void {
    if (from === to || !this.#tunnel.passesData) return;
    if (this.#isJudgementStale) this.#judge(entries);
    if (this.#tunnel.passes(6)) this.#receiveFromLink(to, from);
    if (this.#uplink === undefined) this.#deliver(to, from);
    else this.#uplink.add(to, from, COUNTER_SLOT);
  }

  /** Router advertisements are for this client to read; what else stays on the link is an IPv6 packet like others. */
  #receiveFromLink(to: number, from: number): void {
    const { tableAt, view } = this.#path;
    for (let row = tableAt + from * ENTRY_LENGTH; row < tableAt + to * ENTRY_LENGTH; row += ENTRY_LENGTH) {
      if (view.getUint16(row + ENTRY_PROTOCOL, true) !== EntryMark.ToControl) continue;
      const isRead = this.#output.receiveFromLink(this.#bytesOf(row));
      if (!isRead) view.setUint16(row + ENTRY_PROTOCOL, PppProtocol.Ipv6, true);
    }
  }

  #deliver(to: number, from: number): void {
    const { memory, tableAt, view } = this.#path;
    for (let row = tableAt + from * ENTRY_LENGTH; row < tableAt + to * ENTRY_LENGTH; row += ENTRY_LENGTH) {
      const protocol = view.getUint16(row + ENTRY_PROTOCOL, true);
      if (protocol !== PppProtocol.Ipv4 && protocol !== PppProtocol.Ipv6) continue;
      const at = view.getUint32(row + ENTRY_AT, true);
      // What lies in front is the frame's header and the end of a packet that has been handled.
      memory.fill(0, at - VIRTIO_HEADER_LENGTH, at);
      this.#output.receivePacket(at, view.getUint16(row + ENTRY_BYTES, true));
    }
  }

  /** What the row of the table stands for: a view, good until the chunk has been handled. */
  #bytesOf(row: number): Uint8Array {
    const { memory, view } = this.#path;
    const at = view.getUint32(row + ENTRY_AT, true);
    return memory.subarray(at, at + view.getUint16(row + ENTRY_BYTES, true));
  }
}
