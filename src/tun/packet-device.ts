// What a data worker sees of the network behind it: a device that IP packets are read from and written to. Packets lie in one memory
// (the hot path's) all the way, so both directions speak of offsets into it and nothing is allocated per packet.

/**
 * Where packets from the network land: slot i's packet begins at `at + i * stride + headroom`. The headroom in front belongs to the
 * owner of the memory, who puts headers there without moving the packet.
 */
export interface LandingArea {
  /** The whole memory that offsets count from. It must never be detached or grown: devices keep its address. */
  readonly memory: Uint8Array;
  /** Offset of slot 0, in bytes. */
  readonly at: number;
  readonly slots: number;
  /** Bytes from one slot to the next. */
  readonly stride: number;
  /** Bytes kept free at the start of each slot. */
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
  /** One IP packet lies at [at, at + length) until {@link drained} returns. Must not throw. */
  receive(at: number, length: number): void;
  /** The packets of one wake-up have all been received; on return the device reuses every slot. */
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
  /** Begins reading. Once per device. Never calls the receiver before it returns, nor from within {@link write}. */
  start(receiver: PacketReceiver): void;
  /**
   * Writes one IP packet that lies at [at, at + length) of the landing area's memory. False when it was refused (queue full, interface
   * down, not an IP packet, device closed): the packet is gone and the caller counts it. Never throws.
   */
  write(at: number, length: number): boolean;
  /** Stops reading and lets go of the descriptor. The receiver hears nothing more. Idempotent. */
  close(): void;
}
