/**
 * What waits to be sent into one tunnel.
 *
 * 1. `append` makes framed packets of what the device read, in the block at the tail and in new ones as each is full.
 * 2. `flush`, once for each turn of the event loop, hands the blocks to the connection straight from the hot path's
 *    memory, unless an earlier flush is still on its way.
 * 3. When the kernel has taken those bytes the blocks go back to the pool and what has gathered meanwhile is flushed.
 *
 * The queue is bounded in bytes: past the bound a packet is refused and the caller counts it, so that a slow tunnel
 * stops nobody but itself. A super-packet is refused as a whole: its segments are one burst of one flow, whose sender
 * has to send the missing ones again however many went through, and a small packet still finds the room that is left.
 */
import type { BlockPool } from './block-pool.ts';
import type { PacketPath } from './packet-path.ts';

/** Sends bytes to the peer; `written` is called once, when they need no longer be kept: sent, or the connection is gone. */
export type SendBytes = (bytes: Uint8Array, written: () => void) => void;

export const Refused = { QueueFull: -101, NoBlock: -102 } as const;

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
  #appended = 0;
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

  /** IP packets that the last {@link append} was about, taken up or refused; 1 when the hot path could not read it. */
  get appended(): number {
    return this.#appended;
  }

  /**
   * Takes up the IP packet or super-packet at `at`, with its virtio header in front of it.
   * @param mss largest TCP segment to let a SYN announce, 0 to leave it alone.
   * @returns the bytes taken up, frame headers included, or a negative code: one of {@link Refused}, or of the hot path.
   */
  append(at: number, length: number, mss: number): number {
    const packets = this.#path.segmentBegin(at, length, mss);
    this.#appended = Math.max(1, packets);
    if (packets < 0) return packets;
    const bytes = this.#path.segmentBytes();
    if (this.#bytes + bytes > this.#limit) return Refused.QueueFull;
    if (!this.#store(bytes)) return Refused.NoBlock;
    this.#bytes += bytes;
    return bytes;
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

  /** Writes what the hot path has begun into blocks. False when there are not enough: then nothing has changed. */
  #store(bytes: number): boolean {
    const { transmitBlockLength } = this.#path;
    const blocks = this.#waiting.length;
    const tailLength = this.#waiting.at(-1)?.length ?? 0;
    let block = this.#waiting.at(-1);
    for (let left = bytes; left > 0;) {
      const written =
        block === undefined ? 0 : this.#path.segmentInto(block.at + block.length, transmitBlockLength - block.length);
      if (block === undefined || written === 0) {
        block = this.#addBlock();
        if (block === undefined) {
          this.#takeBack(blocks, tailLength);
          return false;
        }
        continue;
      }
      block.length += written;
      left -= written;
    }
    return true;
  }

  #addBlock(): Block | undefined {
    const at = this.#pool.take();
    if (at < 0) return undefined;
    const block = { at, length: 0 };
    this.#waiting.push(block);
    return block;
  }

  #takeBack(blocks: number, tailLength: number): void {
    for (const block of this.#waiting.splice(blocks)) this.#pool.give(block.at);
    const tail = this.#waiting.at(-1);
    if (tail !== undefined) tail.length = tailLength;
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
