/**
 * Cuts the byte stream of one connection into SSTP packets (MS-SSTP 3.1.7.2, "receive").
 *
 * 1. A chunk is copied once into the hot path's input region, behind what the last chunk left over.
 * 2. `delineate` cuts it in place and fills the packet table.
 * 3. The sink handles the table's entries; offsets are good until it returns.
 * 4. The head of an incomplete packet, at most 4094 bytes, is kept for the next chunk.
 */
import type { PacketPath } from './packet-path.ts';

/** Handles the first `entries` rows of the packet table. @returns false to stop cutting: the connection is gone. */
export type PacketSink = (entries: number) => boolean;

const NOTHING = new Uint8Array(0);

export class StreamCutter {
  readonly #path: PacketPath;
  #rest: Uint8Array = NOTHING;

  constructor(path: PacketPath) {
    this.#path = path;
  }

  /** @returns 0, or the negative code with which delineation failed: the connection is to be aborted. */
  push(chunk: Uint8Array, sink: PacketSink): number {
    const { memory, inputAt, inputLength } = this.#path;
    for (let offset = 0; offset < chunk.length; offset += inputLength) {
      const piece = chunk.length <= inputLength ? chunk : chunk.subarray(offset, offset + inputLength);
      memory.set(piece, inputAt);
      memory.set(this.#rest, inputAt - this.#rest.length);
      const end = inputAt + piece.length;
      let at = inputAt - this.#rest.length;
      this.#rest = NOTHING;
      for (;;) {
        const entries = this.#path.delineate(at, end);
        if (entries < 0) return entries;
        if (entries === 0) break;
        at += this.#path.consumed();
        if (!sink(entries)) return 0;
      }
      if (at < end) this.#rest = memory.slice(at, end);
    }
    return 0;
  }
}
