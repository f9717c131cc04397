/**
 * Holds what a client sends to its rate. A packet within the rate goes on where it lies; one beyond it is copied into a queue like that
 * of the other direction, which lets it go when it is its turn: the senders behind the client find a link of that speed, and the stream of
 * the tunnel, with its keepalives, is read as fast as it comes.
 */
import {
  ENTRY_AT,
  ENTRY_BYTES,
  ENTRY_LENGTH,
  ENTRY_PROTOCOL,
  EntryMark,
  FRAME_HEADER_LENGTH,
  PathError,
} from '../hotpath/packet-path.ts';
import { Refused, TransmitQueue } from '../hotpath/transmit-queue.ts';
import { PppProtocol } from '../wire/ppp.ts';
import type { WorkerContext } from './worker-context.ts';

/** Bytes that may wait, whatever the rate is. */
const LIMIT = 512 * 1024;

export class UploadShaper {
  readonly #context: WorkerContext;
  readonly #slot: number;
  readonly #queue: TransmitQueue;

  constructor(context: WorkerContext, slot: number) {
    this.#context = context;
    this.#slot = slot;
    this.#queue = new TransmitQueue(
      context.path,
      context.blocks,
      { limit: LIMIT, onePacketPerSend: false },
      context.now,
      {
        sendPackets: (frames, written) => this.#toNetwork(frames, written),
        dropped: () => context.traffic.countDrop('rate-limit', slot),
        waits: () => context.pacing.update(this.#queue),
      },
    );
  }

  /** `rate` in bits per second, `burst` in bytes. */
  setRate(rate: number, burst: number | undefined): void {
    this.#queue.setRate(rate, burst);
  }

  /** Marks the admitted packets among the rows [from, to) of the table that have to wait: they are not the caller's any more. */
  holdBack(to: number, from: number): void {
    const { tableAt, view } = this.#context.path;
    for (let row = tableAt + from * ENTRY_LENGTH; row < tableAt + to * ENTRY_LENGTH; row += ENTRY_LENGTH) {
      const protocol = view.getUint16(row + ENTRY_PROTOCOL, true);
      if (protocol !== PppProtocol.Ipv4 && protocol !== PppProtocol.Ipv6) continue;
      const length = view.getUint16(row + ENTRY_BYTES, true);
      const taken = this.#queue.offer(view.getUint32(row + ENTRY_AT, true), length, protocol);
      if (taken === 0) continue;
      view.setUint16(row + ENTRY_PROTOCOL, EntryMark.Held, true);
      if (taken < 0) this.#countRefused(taken);
    }
  }

  /** The limit is lifted: what was held goes on now. */
  end(): void {
    this.#queue.setRate(undefined, undefined);
    this.release();
  }

  /** Forgets what is held. */
  release(): void {
    this.#queue.release();
    this.#context.pacing.delete(this.#queue);
  }

  #countRefused(code: number): void {
    const { traffic } = this.#context;
    if (code === Refused.NoBlock) traffic.countDrop('no-transmit-block', this.#slot);
    else traffic.countDrop(code === PathError.TooLong ? 'too-long' : 'rate-limit', this.#slot);
  }

  /** The table is free: frames come when a deadline or the rate moves, never while a tunnel's stream is being cut. */
  #toNetwork(frames: Uint8Array, written: () => void): void {
    const { path, traffic, uplink } = this.#context;
    const { memory, tableAt, view } = path;
    let entries = 0;
    for (let offset = 0; offset < frames.length;) {
      const at = frames.byteOffset - memory.byteOffset + offset;
      const length = view.getUint16(at + 2) & 0x0fff;
      const row = tableAt + entries++ * ENTRY_LENGTH;
      view.setUint32(row + ENTRY_AT, at + FRAME_HEADER_LENGTH, true);
      view.setUint16(row + ENTRY_BYTES, length - FRAME_HEADER_LENGTH, true);
      view.setUint16(row + ENTRY_PROTOCOL, view.getUint16(at + 6), true);
      offset += length;
    }
    if (uplink.add(entries, 0, this.#slot) > 0) traffic.changed();
    // Before the block that they lie in goes back.
    uplink.flush();
    written();
  }
}
