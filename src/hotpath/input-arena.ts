/**
 * The input region of one thread, shared by all of its tunnels: their chunks land one behind the other, so that packets of several chunks
 * are at hand together when they are written to the device.
 *
 * While nobody holds packets, every chunk lands at the start, where the cache is warm. {@link UplinkBatch} holds what it has gathered until
 * it has written it.
 */
import type { PacketPath } from './packet-path.ts';

/** Bytes that are taken from a TLS stream in one piece: libuv reads no more at once. */
export const PIECE_LENGTH = 65_536;

export class InputArena {
  readonly #start: number;
  readonly #end: number;
  readonly #makeRoom: () => void;
  #cursor: number;
  #held = false;

  /** @param makeRoom called when the arena is full: on return nothing in it may be needed any more. */
  constructor(path: PacketPath, makeRoom: () => void = () => {}) {
    this.#start = path.inputAt;
    this.#end = path.inputAt + path.inputLength;
    this.#makeRoom = makeRoom;
    this.#cursor = this.#start;
  }

  /**
   * The offset of `length` free bytes, at most the arena's own length. What was not held is forgotten, so the caller has read what it
   * placed before.
   */
  place(length: number): number {
    if (!this.#held) this.#cursor = this.#start;
    if (length > this.#end - this.#cursor) {
      this.#makeRoom();
      this.#held = false;
      this.#cursor = this.#start;
    }
    const at = this.#cursor;
    this.#cursor = at + length;
    return at;
  }

  /** Packets that were placed are to stay where they are until {@link release}. */
  hold(): void {
    this.#held = true;
  }

  /** Nothing is needed any more once the chunk at hand is cut. */
  release(): void {
    this.#held = false;
  }
}
