// A network of one host, inside the process, for gateways that may not open a TUN device: a tunnel can be tried end to end without any
// privilege. It stands in for the TUN device and keeps its manners: answers land in slots and are delivered in a later turn of the event
// loop, never from within write(), and what does not fit is dropped.

import { GsoType, VIRTIO_HEADER_LENGTH, VirtioField, VirtioFlag } from '../wire/virtio.ts';
import { echoReply, longestReply } from './echo-reply.ts';
import { echoReply6 } from './echo-reply6.ts';
import { IO_VECTOR_LENGTH, vectorBase, vectorLength, vectorsLieInside } from './io-vectors.ts';
import { NO_OFFLOADS } from './offloads.ts';
import {
  type DeviceDrops,
  largestPacket,
  type LandingArea,
  type PacketDevice,
  type PacketReceiver,
} from './packet-device.ts';

export class EchoNetwork implements PacketDevice {
  readonly name = 'echo';
  readonly drops: DeviceDrops = { oversized: 0, unanswered: 0, backlog: 0 };
  readonly offloads = NO_OFFLOADS;
  /** No system call sees its I/O vectors, so their bases are offsets. */
  readonly memoryBase = 0;
  readonly #address: number;
  readonly #address6: bigint | undefined;
  readonly #landing: LandingArea;
  readonly #view: DataView;
  /** Length of the answer that waits in each slot. The slots are a ring: `waiting` of them from `head` on are taken. */
  readonly #lengths: Uint32Array;
  #head = 0;
  #waiting = 0;
  #receiver: PacketReceiver | undefined;
  #delivery: NodeJS.Immediate | undefined;
  #closed = false;

  /** @param address the host's IPv4 address, which tunnels know as the gateway's; `address6` its IPv6 address, if it has one */
  constructor(address: number, landing: LandingArea, address6?: bigint) {
    this.#address = address;
    this.#address6 = address6;
    this.#landing = landing;
    this.#view = new DataView(landing.memory.buffer, landing.memory.byteOffset, landing.memory.byteLength);
    this.#lengths = new Uint32Array(landing.slots);
  }

  start(receiver: PacketReceiver): void {
    if (this.#receiver !== undefined) throw new Error(`the ${this.name} network was started before`);
    this.#receiver = receiver;
  }

  /** True also for a packet that the network has no answer to: it was taken, as a wire would. */
  write(at: number, length: number): boolean {
    return this.#take(at - VIRTIO_HEADER_LENGTH, at, length);
  }

  /** Without offloads a packet is in one piece behind its header. */
  writeVectors(vectorsAt: number, count: number): boolean {
    if (count !== 2 || !vectorsLieInside(this.#view, this.memoryBase, vectorsAt, count)) return false;
    if (vectorLength(this.#view, vectorsAt) !== VIRTIO_HEADER_LENGTH) return false;
    const packet = vectorsAt + IO_VECTOR_LENGTH;
    const header = vectorBase(this.#view, vectorsAt);
    return this.#take(header, vectorBase(this.#view, packet), vectorLength(this.#view, packet));
  }

  close(): void {
    this.#closed = true;
    clearImmediate(this.#delivery);
    this.#delivery = undefined;
  }

  #take(header: number, at: number, length: number): boolean {
    if (this.#receiver === undefined || this.#closed) return false;
    if (header < 0 || at + length > this.#view.byteLength || !this.#isPlain(header)) return false;
    if (longestReply(length) > largestPacket(this.#landing)) {
      this.drops.oversized += 1;
      return false;
    }
    if (this.#waiting === this.#landing.slots) {
      this.drops.backlog += 1;
      return false;
    }
    const slot = (this.#head + this.#waiting) % this.#landing.slots;
    const reply = this.#reply(at, length, this.#slotAt(slot));
    if (reply === 0) {
      this.drops.unanswered += 1;
      return true;
    }
    this.#lengths[slot] = reply;
    this.#waiting += 1;
    this.#delivery ??= setImmediate(() => this.#deliver());
    return true;
  }

  /** Writes the answer to `to`. @returns its length, 0 for none */
  #reply(at: number, length: number, to: number): number {
    if (length === 0 || this.#view.getUint8(at) >> 4 !== 6) return echoReply(this.#view, at, length, to, this.#address);
    return this.#address6 === undefined ? 0 : echoReply6(this.#view, at, length, to, this.#address6);
  }

  /** What the header asks for was not agreed on, so it must ask for nothing. */
  #isPlain(header: number): boolean {
    const flags = this.#view.getUint8(header + VirtioField.Flags);
    const type = this.#view.getUint8(header + VirtioField.GsoType);
    return (flags & VirtioFlag.NeedsChecksum) === 0 && type === GsoType.None;
  }

  /** Hands over what waits now. Answers to packets that the receiver writes meanwhile take free slots and wait for the next turn. */
  #deliver(): void {
    this.#delivery = undefined;
    const batch = this.#waiting;
    for (let index = 0; index < batch && !this.#closed; index++) {
      const slot = (this.#head + index) % this.#landing.slots;
      const at = this.#slotAt(slot);
      this.#landing.memory.fill(0, at - VIRTIO_HEADER_LENGTH, at);
      this.#receiver?.receive(at, this.#lengths[slot]!);
    }
    if (this.#closed) return;
    this.#receiver?.drained();
    this.#head = (this.#head + batch) % this.#landing.slots;
    this.#waiting -= batch;
  }

  #slotAt(slot: number): number {
    return this.#landing.at + slot * this.#landing.stride + this.#landing.headroom;
  }
}
