/**
 * What waits to be sent into one tunnel.
 *
 * 1. `append` frames an IP packet into the block at the tail (a new block when it is full).
 * 2. `flush`, once for each turn of the event loop, hands the blocks to the connection straight from the hot path's
 *    memory, unless an earlier flush is still on its way.
 * 3. When the kernel has taken those bytes the blocks go back to the pool and what has gathered meanwhile is flushed.
 *
 * The queue is bounded in bytes: past the bound a packet is refused and the caller counts it, so that a slow tunnel
 * stops nobody but itself.
 */
import type { BlockPool } from './block-pool.ts';
import type { PacketPath } from './packet-path.ts';

/** Sends bytes to the peer; `written` is called once, when they need no longer be kept: sent, or the connection is gone. */
export type SendBytes = (bytes: Uint8Array, written: () => void) => void;

export const Refused = { QueueFull: -101, NoBlock: -102 } as const;

/** One 1500-byte packet with its headers must always fit, so a block is closed when less than this is left. */
const BLOCK_RESERVE = 4096;

interface Block {
  readonly at: number;
  length: number;
}

export class TransmitQueue {
  readonly #path: PacketPath;
  readonly #pool: BlockPool;
  readonly #send: SendBytes;
  readonly #limit: number;
  readonly #onePacketPerSend: boolean;
  #waiting: Block[] = [];
  #inFlight: Block[] = [];
  #writesPending = 0;
  #bytes = 0;
  #released = false;
  readonly #written = (): void => this.#onWritten();

  /** @param limit bytes that may wait, in flight included. */
  constructor(path: PacketPath, pool: BlockPool, limit: number, onePacketPerSend: boolean, send: SendBytes) {
    this.#path = path;
    this.#pool = pool;
    this.#limit = limit;
    this.#onePacketPerSend = onePacketPerSend;
    this.#send = send;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Frames the IP packet at `at`.
   * @param mss largest TCP segment to let a SYN announce, 0 to leave it alone.
   * @returns the bytes taken up, or a negative code: one of {@link Refused}, or of the hot path.
   */
  append(at: number, length: number, mss: number): number {
    if (this.#bytes + length > this.#limit) return Refused.QueueFull;
    let block = this.#waiting.at(-1);
    if (block === undefined || block.length > this.#path.transmitBlockLength - BLOCK_RESERVE) {
      const start = this.#pool.take();
      if (start < 0) return Refused.NoBlock;
      block = { at: start, length: 0 };
      this.#waiting.push(block);
    }
    const framed = this.#path.frameInto(at, length, block.at + block.length, mss);
    if (framed > 0) {
      block.length += framed;
      this.#bytes += framed;
    }
    return framed;
  }

  flush(): void {
    if (this.#released || this.#writesPending > 0 || this.#waiting.length === 0) return;
    this.#inFlight = this.#waiting;
    this.#waiting = [];
    // The first write may complete at once: the count must not reach zero before the last one was made.
    this.#writesPending = 1;
    for (const block of this.#inFlight) {
      if (this.#onePacketPerSend) this.#sendEachPacket(block);
      else this.#sendBytes(block.at, block.length);
    }
    this.#onWritten();
  }

  /**
   * The tunnel is gone: nothing more will be sent. What the connection already has stays in its block until it says
   * that it is written, since an orderly close still sends it.
   */
  release(): void {
    this.#released = true;
    for (const block of this.#waiting) this.#pool.give(block.at);
    this.#waiting = [];
  }

  #sendEachPacket(block: Block): void {
    const end = block.at + block.length;
    for (let at = block.at; at < end;) {
      const length = this.#path.view.getUint16(at + 2) & 0x0fff;
      this.#sendBytes(at, length);
      at += length;
    }
  }

  #sendBytes(at: number, length: number): void {
    if (length === 0) return;
    this.#writesPending++;
    this.#send(this.#path.memory.subarray(at, at + length), this.#written);
  }

  #onWritten(): void {
    if (--this.#writesPending > 0) return;
    for (const block of this.#inFlight) {
      this.#bytes -= block.length;
      this.#pool.give(block.at);
    }
    this.#inFlight = [];
    this.flush();
  }
}
