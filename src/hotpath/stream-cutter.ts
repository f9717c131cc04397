/**
 * Cuts the byte stream of one connection into SSTP packets (MS-SSTP 3.1.7.2, "receive").
 *
 * 1. What the last chunk left over, and the chunk behind it, are copied once into the arena of the thread.
 * 2. `delineate` cuts it in place and fills the packet table.
 * 3. The sink handles the table's entries; offsets are good until it returns, or longer when it holds the arena.
 * 4. The head of an incomplete packet, at most 4094 bytes, is kept for the next chunk.
 */
import { InputArena, PIECE_LENGTH } from './input-arena.ts';
import type { PacketPath } from './packet-path.ts';

/**
 * Handles the first `entries` rows of the packet table; the packets themselves are the bytes [at, end) of the memory, headers included.
 * @returns false to stop cutting: the connection is gone.
 */
export type PacketSink = (entries: number, at: number, end: number) => boolean;

const NOTHING = new Uint8Array(0);

export class StreamCutter {
  readonly #path: PacketPath;
  readonly #arena: InputArena;
  #rest: Uint8Array = NOTHING;

  /** @param arena the thread's; a cutter that is alone on its hot path needs none. */
  constructor(path: PacketPath, arena = new InputArena(path)) {
    this.#path = path;
    this.#arena = arena;
  }

  /** @returns 0, or the negative code with which delineation failed: the connection is to be aborted. */
  push(chunk: Uint8Array, sink: PacketSink): number {
    const { memory } = this.#path;
    for (let offset = 0; offset < chunk.length; offset += PIECE_LENGTH) {
      const piece = chunk.length <= PIECE_LENGTH ? chunk : chunk.subarray(offset, offset + PIECE_LENGTH);
      const rest = this.#rest;
      let at = this.#arena.place(rest.length + piece.length);
      const end = at + rest.length + piece.length;
      memory.set(rest, at);
      memory.set(piece, at + rest.length);
      this.#rest = NOTHING;
      for (;;) {
        const entries = this.#path.delineate(at, end);
        if (entries < 0) return entries;
        if (entries === 0) break;
        const first = at;
        at += this.#path.consumed();
        if (!sink(entries, first, at)) return 0;
      }
      if (at < end) this.#rest = memory.slice(at, end);
    }
    return 0;
  }
}
