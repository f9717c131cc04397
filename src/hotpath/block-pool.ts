/** The transmit blocks of the hot path's memory, handed out one at a time. The block last given back goes out first: its pages are warm. */
import type { PacketPath } from './packet-path.ts';

export class BlockPool {
  readonly #free: Int32Array;
  #count: number;

  constructor(path: PacketPath) {
    const { transmitAt, transmitBlocks, transmitBlockLength } = path;
    this.#free = Int32Array.from(
      { length: transmitBlocks },
      (_, index) => transmitAt + (transmitBlocks - 1 - index) * transmitBlockLength,
    );
    this.#count = transmitBlocks;
  }

  get available(): number {
    return this.#count;
  }

  /** @returns the offset of a block in the hot path's memory, or -1 when all are taken. */
  take(): number {
    return this.#count === 0 ? -1 : this.#free[--this.#count]!;
  }

  give(block: number): void {
    if (this.#count === this.#free.length) throw new Error('a transmit block was given back twice');
    this.#free[this.#count++] = block;
  }
}
