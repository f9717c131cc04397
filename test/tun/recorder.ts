import assert from 'node:assert/strict';
import type { LandingArea, PacketDevice, PacketReceiver } from '../../src/tun/packet-device.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import { virtioHeader, type VirtioHeader } from './virtio.ts';

/** Bytes at the start of a landing area's memory that belong to the test: packets to be written lie there. */
const OUTBOX = 80 * 1024;
const PIECE_GAP = 13;
/** Where they lie, each behind its virtio header. */
export const OUTBOX_AT = VIRTIO_HEADER_LENGTH;

export function landingArea(slots = 16, stride = 2048, headroom = 16): LandingArea {
  return { memory: new Uint8Array(OUTBOX + slots * stride), at: OUTBOX, slots, stride, headroom };
}

/** Writes a packet from the outbox. */
export function send(
  device: PacketDevice,
  landing: LandingArea,
  packet: Uint8Array,
  header: Uint8Array = new Uint8Array(VIRTIO_HEADER_LENGTH),
): boolean {
  landing.memory.set(header, OUTBOX_AT - VIRTIO_HEADER_LENGTH);
  landing.memory.set(packet, OUTBOX_AT);
  return device.write(OUTBOX_AT, packet.length);
}

/** Writes a packet that lies in the outbox in pieces, with other bytes between them. */
export function sendVectors(device: PacketDevice, landing: LandingArea, pieces: readonly Uint8Array[]): boolean {
  const { memory } = landing;
  const vectors = new DataView(memory.buffer, 0, pieces.length * 16);
  let at = vectors.byteLength;
  for (const [index, piece] of pieces.entries()) {
    memory.fill(0xee, at, at + PIECE_GAP);
    at += PIECE_GAP;
    memory.set(piece, at);
    vectors.setBigUint64(index * 16, BigInt(device.memoryBase + at), true);
    vectors.setBigUint64(index * 16 + 8, BigInt(piece.length), true);
    at += piece.length;
  }
  assert.ok(at <= OUTBOX);
  return device.writeVectors(0, pieces.length);
}

/** Copies everything that a device delivers. */
export class Recorder implements PacketReceiver {
  readonly packets: Uint8Array[] = [];
  /** The virtio header of each packet. */
  readonly headers: VirtioHeader[] = [];
  /** Packets between two calls of `drained`. */
  readonly batches: number[] = [];
  readonly errors: Error[] = [];
  readonly #landing: LandingArea;
  /** Packets of the batch in progress. */
  #received = 0;
  #watchers: (() => void)[] = [];

  constructor(landing: LandingArea) {
    this.#landing = landing;
  }

  receive(at: number, length: number): void {
    this.packets.push(this.#landing.memory.slice(at, at + length));
    this.headers.push(virtioHeader(new DataView(this.#landing.memory.buffer), at));
    this.#received++;
  }

  drained(): void {
    this.batches.push(this.#received);
    this.#received = 0;
    this.#notify();
  }

  onError(error: Error): void {
    this.errors.push(error);
    this.#notify();
  }

  /** Resolves when the condition holds, at the latest after the batch or error that makes it so. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => this.#watchers.push(resolve));
  }

  #notify(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const wake of watchers) wake();
  }
}
