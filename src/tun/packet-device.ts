// What a data worker sees of the network behind it: a device that IP packets are read from and written to. Packets lie in one memory
// (the hot path's) all the way, so both directions speak of offsets into it and nothing is allocated per packet.
//
// In front of each packet, in both directions, lies its virtio header (wire/virtio.ts): all zero for a plain packet. With `offloads` a
// packet may be a super-packet of up to 65535 bytes, or lack its checksum, and the header says so.

import type { Offloads } from './offloads.ts';

/**
 * Where packets from the network land: slot i's packet begins at `at + i * stride + headroom`. The device puts the packet's virtio header
 * into the end of the headroom in front, which belongs to the owner of the memory otherwise: headers go there without moving the packet.
 * A device may use one slot again and again.
 */
export interface LandingArea {
  /** The whole memory that offsets count from. It must never be detached or grown: devices keep its address. */
  readonly memory: Uint8Array;
  /** Offset of slot 0, in bytes. */
  readonly at: number;
  readonly slots: number;
  /** Bytes from one slot to the next. */
  readonly stride: number;
  /** Bytes kept free at the start of each slot, VIRTIO_HEADER_LENGTH at least. */
  readonly headroom: number;
}

/**
 * The longest packet that a slot can take, in bytes. One byte stays spare: the kernel cuts a longer packet without saying so, and only a
 * read that fills the slot to its end gives that away. An interface's MTU must not exceed this.
 */
export function largestPacket(landing: LandingArea): number {
  return landing.stride - landing.headroom - 1;
}

export interface PacketReceiver {
  /** One IP packet lies at [at, at + length), its virtio header in front, until this returns. Must not throw. */
  receive(at: number, length: number): void;
  /** The packets of one wake-up have all been received. */
  drained(): void;
  /** The device is lost (deleted, or reading failed): it has closed itself and calls nothing more. */
  onError(error: Error): void;
}

/** Packets that a device took from the network, or from its owner, and gave to nobody. */
export interface DeviceDrops {
  /** Longer than a slot can take. */
  oversized: number;
  /** Nothing that the echo network answers. */
  unanswered: number;
  /** Replies of the echo network for which no slot was free. */
  backlog: number;
}

/** The TUN device and the in-process echo network behind one interface. */
export interface PacketDevice {
  readonly name: string;
  readonly drops: Readonly<DeviceDrops>;
  /** What packets may need of their reader, and what may be written. */
  readonly offloads: Offloads;
  /** What the base of an I/O vector to byte 0 of the landing area's memory is; a byte at `at` has `memoryBase + at`. Below 2^53. */
  readonly memoryBase: number;
  /** Begins reading. Once per device. Never calls the receiver before it returns, nor from within {@link write}. */
  start(receiver: PacketReceiver): void;
  /**
   * Writes one IP packet that lies at [at, at + length) of the landing area's memory; the caller has put its virtio header in front. False
   * when it was refused (queue full, interface down, not an IP packet, device closed): the packet is gone and the caller counts it.
   * Never throws.
   */
  write(at: number, length: number): boolean;
  /**
   * Writes one IP packet that lies in pieces: `count` structures iovec lie at `vectorsAt`, and they and their pieces lie in the landing
   * area's memory. The first piece is the virtio header, the second begins with all of the packet's headers. A packet that is no
   * super-packet has these two only. False as for {@link write}.
   */
  writeVectors(vectorsAt: number, count: number): boolean;
  /** Stops reading and lets go of the descriptor. The receiver hears nothing more. Idempotent. */
  close(): void;
}
