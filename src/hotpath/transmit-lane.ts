/**
 * Framed packets that wait one behind the other in transmit blocks. A packet never straddles two blocks; one `store` is a run of packets
 * that came together, and is remembered with the time when it came.
 */
import type { BlockPool } from './block-pool.ts';
import { FRAME_HEADER_LENGTH, type PacketPath } from './packet-path.ts';

/** A transmit block in use. It goes back to the pool when all that was in it is consumed and written. */
export interface Block {
  readonly at: number;
  /** Bytes filled. */
  end: number;
  /** Bytes taken out, from the front. */
  taken: number;
  /** Sends from it that are not written yet. */
  pending: number;
}

/** Bytes of the hot path's memory that are to be sent, all of one block. */
export interface Region {
  readonly block: Block;
  readonly at: number;
  readonly length: number;
}

/** A power of two; grows with the longest queue that the tunnel had. */
const FIRST_RUNS = 16;

/** A frame's header around its length and its protocol, see {@link FRAME_HEADER_LENGTH}. */
const SSTP_DATA = 0x1000_0000;
const PPP_HEADER = 0xff03_0000;

export class TransmitLane {
  readonly #path: PacketPath;
  readonly #pool: BlockPool;
  /** Blocks with something to take: the head is taken from, the tail is filled. */
  #blocks: Block[] = [];
  #bytes = 0;
  #stored = 0;
  #served = 0;
  #runTimes = new Float64Array(FIRST_RUNS);
  #runBytes = new Uint32Array(FIRST_RUNS);

  constructor(path: PacketPath, pool: BlockPool) {
    this.#path = path;
    this.#pool = pool;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Runs stored so far. The last one's number is its ticket. */
  get stored(): number {
    return this.#stored;
  }

  /** Runs that have been taken or dropped to their end. */
  get served(): number {
    return this.#served;
  }

  /** When the run at the head came; meaningless in an empty lane. */
  get headTime(): number {
    return this.#runTimes[this.#served & this.#mask]!;
  }

  /** Takes up what the hot path has begun to segment, `bytes` in all. False when blocks ran out: then nothing has changed. */
  store(bytes: number, now: number): boolean {
    const blocks = this.#blocks.length;
    const tailEnd = this.#blocks.at(-1)?.end ?? 0;
    for (let left = bytes; left > 0;) {
      const block = this.#blocks.at(-1);
      const written =
        block === undefined
          ? 0
          : this.#path.segmentInto(block.at + block.end, this.#path.transmitBlockLength - block.end);
      if (written > 0) {
        block!.end += written;
        left -= written;
      } else if (!this.#addBlock()) {
        this.#takeBack(blocks, tailEnd);
        return false;
      }
    }
    this.#addRun(bytes, now);
    return true;
  }

  /** Takes up a copy of the IP packet at `at`, framed. False when blocks ran out. */
  storeCopy(at: number, length: number, protocol: number, now: number): boolean {
    const { memory, view, transmitBlockLength } = this.#path;
    const bytes = FRAME_HEADER_LENGTH + length;
    const isFull = (this.#blocks.at(-1)?.end ?? transmitBlockLength) + bytes > transmitBlockLength;
    if (isFull && !this.#addBlock()) return false;
    const block = this.#blocks.at(-1)!;
    const frame = block.at + block.end;
    view.setUint32(frame, SSTP_DATA | bytes);
    view.setUint32(frame + 4, PPP_HEADER | protocol);
    memory.copyWithin(frame + FRAME_HEADER_LENGTH, at, at + length);
    block.end += bytes;
    this.#addRun(bytes, now);
    return true;
  }

  /** Takes packets from the head: as many whole ones of one block as `limit` bytes hold, at least one. Undefined when empty. */
  take(limit: number): Region | undefined {
    const [block] = this.#blocks;
    if (block === undefined) return undefined;
    const at = block.at + block.taken;
    const length = this.#packetsWithin(at, block.at + block.end, limit);
    block.pending++;
    this.#consume(block, length);
    return { block, at, length };
  }

  /** IP packets in a region. */
  countPackets({ at, length }: Region): number {
    let packets = 0;
    for (let offset = 0; offset < length; offset += this.#packetLength(at + offset)) packets++;
    return packets;
  }

  /** Drops the packet at the head. @returns the bytes it took up, 0 when the lane is empty. */
  drop(): number {
    const [block] = this.#blocks;
    if (block === undefined) return 0;
    const length = this.#packetLength(block.at + block.taken);
    this.#consume(block, length);
    return length;
  }

  /** A send from this block was written. */
  written(block: Block): void {
    block.pending--;
    this.#giveIfSpent(block);
  }

  /** Forgets all that waits. Blocks with sends on their way go back when these are written. */
  clear(): void {
    for (const block of this.#blocks) {
      block.taken = block.end;
      this.#giveIfSpent(block);
    }
    this.#blocks = [];
    this.#bytes = 0;
    this.#served = this.#stored;
  }

  get #mask(): number {
    return this.#runTimes.length - 1;
  }

  #consume(block: Block, length: number): void {
    block.taken += length;
    this.#bytes -= length;
    if (block.taken === block.end) {
      this.#blocks.shift();
      this.#giveIfSpent(block);
    }
    for (let left = length; left > 0;) {
      const run = this.#served & this.#mask;
      const part = Math.min(left, this.#runBytes[run]!);
      this.#runBytes[run]! -= part;
      left -= part;
      if (this.#runBytes[run] === 0) this.#served++;
    }
  }

  #giveIfSpent(block: Block): void {
    if (block.taken === block.end && block.pending === 0) this.#pool.give(block.at);
  }

  /** Bytes of the packets from `at` on that `limit` holds, at least one. */
  #packetsWithin(at: number, end: number, limit: number): number {
    if (end - at <= limit) return end - at;
    let length = this.#packetLength(at);
    while (at + length < end) {
      const next = this.#packetLength(at + length);
      if (length + next > limit) break;
      length += next;
    }
    return length;
  }

  /** SSTP packets say how long they are (MS-SSTP 2.2.1). */
  #packetLength(at: number): number {
    return this.#path.view.getUint16(at + 2) & 0x0fff;
  }

  #addBlock(): boolean {
    const at = this.#pool.take();
    if (at < 0) return false;
    this.#blocks.push({ at, end: 0, taken: 0, pending: 0 });
    return true;
  }

  #takeBack(blocks: number, tailEnd: number): void {
    for (const block of this.#blocks.splice(blocks)) this.#pool.give(block.at);
    const tail = this.#blocks.at(-1);
    if (tail !== undefined) tail.end = tailEnd;
  }

  #addRun(bytes: number, now: number): void {
    if (this.#stored - this.#served === this.#runTimes.length) this.#growRuns();
    const run = this.#stored++ & this.#mask;
    this.#runTimes[run] = now;
    this.#runBytes[run] = bytes;
    this.#bytes += bytes;
  }

  #growRuns(): void {
    const times = new Float64Array(this.#runTimes.length * 2);
    const bytes = new Uint32Array(times.length);
    for (let run = this.#served; run < this.#stored; run++) {
      times[run & (times.length - 1)] = this.#runTimes[run & this.#mask]!;
      bytes[run & (times.length - 1)] = this.#runBytes[run & this.#mask]!;
    }
    this.#runTimes = times;
    this.#runBytes = bytes;
  }
}
