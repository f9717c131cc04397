import type { HeadResult } from '../wire/http-preamble.ts';

/** `parseRequestHead` or `parseResponseHead`. */
export type HeadParser<Head> = (bytes: Uint8Array, limit: number, scanned?: number) => HeadResult<Head>;

/**
 * Collects an HTTP head from chunks that are cut anywhere. Neither looks at nor moves a byte more than a few times, so that a peer who
 * sends single bytes costs no more than one who sends all at once.
 */
export class HeadReader<Head> {
  readonly #parse: HeadParser<Head>;
  readonly #limit: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #length = 0;
  #scanned = 0;

  /** Bytes of the last chunk behind the head, once `push` has returned it. */
  rest: Uint8Array = new Uint8Array(0);

  /** @param limit bytes of a head. */
  constructor(parse: HeadParser<Head>, limit: number) {
    this.#parse = parse;
    this.#limit = limit;
  }

  /** To be called until it returns something other than 'more'. */
  push(chunk: Uint8Array): HeadResult<Head> {
    const before = this.#length;
    const bytes = before === 0 ? chunk : this.#append(chunk);
    const result = this.#parse(bytes, this.#limit, this.#scanned);
    if (result.kind === 'head') {
      this.rest = chunk.subarray(result.length - before);
    } else if (result.kind === 'more') {
      // No need to wait for the end of what cannot be HTTP.
      if (chunk.some(isBinary)) return { kind: 'refused', fault: 'bad-start-line' };
      if (before === 0) this.#append(chunk);
      this.#scanned = result.scanned;
    }
    return result;
  }

  #append(chunk: Uint8Array): Uint8Array {
    const length = this.#length + chunk.length;
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = length;
    return this.#bytes.subarray(0, length);
  }
}

/** A control character other than HT, LF, CR. */
function isBinary(byte: number): boolean {
  return byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d;
}
