import { STATUS_CODES } from 'node:http';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { HttpResponse } from 'uWebSockets.js';
import type { ByteStream } from './byte-stream.ts';
import { type AdminResponse, problem } from './response.ts';
import { REST_MS } from './time-slice.ts';

/**
 * Bytes that are given to uWebSockets.js at a time, framing and head not counted. It gathers what is written within one `cork` in 16 KiB; a
 * write that does not fit there any more is forgotten, without a word, when the kernel has no room for what was gathered before it. While it
 * calls us everything is one `cork`: long answers are written in turns of their own.
 */
const PIECE_LENGTH = 8 * 1024;

/** One response. The native object must not be touched after an abort: every access goes through here. */
export class Exchange {
  readonly #response: HttpResponse;
  readonly #isHead: boolean;
  #isOver = false;
  #isStarted = false;
  /** Where the bytes come from that are being sent. */
  #source: ByteStream | undefined;
  /** Called when there is room, or when there will be none: the exchange is over. */
  #proceed: (() => void) | undefined;

  constructor(response: HttpResponse, isHead: boolean) {
    this.#response = response;
    this.#isHead = isHead;
    response.onAborted(() => {
      this.#isOver = true;
      this.#source?.cancel();
      this.#proceed?.();
    });
  }

  send(answer: AdminResponse, fail: (error: unknown) => void): void {
    const { body } = answer;
    if (isByteStream(body)) return void this.#pass(answer, body).catch(fail);
    if (this.#isOver) return undefined;
    if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
      return this.#isHead ? this.#finish(answer, NOTHING) : void this.#pass(answer, partByPart(body)).catch(fail);
    }
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    if (this.#isHead || bytes.length <= PIECE_LENGTH) return this.#finish(answer, bytes);
    return void this.#pass(answer, partByPart([bytes])).catch(fail);
  }

  /** After an exception: a 500 when nothing was sent yet, else a broken connection, which a client notices. */
  fail(): void {
    if (this.#isOver) return;
    if (!this.#isStarted) return this.#finish(INTERNAL_ERROR, INTERNAL_ERROR_TEXT);
    this.#isOver = true;
    this.#source?.cancel();
    this.#response.close();
  }

  #finish(answer: AdminResponse, body: Uint8Array): void {
    this.#isOver = true;
    this.#response.cork(() => {
      this.#head(answer);
      if (this.#isHead) this.#response.endWithoutBody(body.length);
      else this.#response.end(body);
    });
  }

  /** At the pace of the reader: the next part is asked for when the last one is in the kernel. */
  async #pass(answer: AdminResponse, source: ByteStream): Promise<void> {
    if (this.#isOver) return source.cancel();
    this.#source = source;
    await nextTurn();
    while (!this.#isOver) {
      // Before the first byte is out, so that a failure of the first part is still a 500.
      const part = await source.read();
      if (this.#isOver) return undefined;
      this.#begin(answer);
      if (part === undefined) return this.#end();
      for (let at = 0; at < part.length && !this.#isOver; at += PIECE_LENGTH) {
        if (this.#write(part.subarray(at, at + PIECE_LENGTH))) continue;
        await this.#room();
        await nextTurn();
      }
    }
    return undefined;
  }

  #begin(answer: AdminResponse): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#response.cork(() => this.#head(answer));
  }

  /** @returns whether there is room for more. */
  #write(piece: Uint8Array): boolean {
    let isRoom = true;
    this.#response.cork(() => {
      isRoom = this.#response.write(piece);
    });
    return isRoom;
  }

  #end(): void {
    this.#isOver = true;
    this.#response.cork(() => void this.#response.end());
  }

  #room(): Promise<void> {
    return new Promise(resolve => {
      this.#proceed = resolve;
      this.#response.onWritable(() => {
        // To whoever has a handler it leaves what waits: a part that nothing follows would stay.
        this.#response.cork(() => undefined);
        this.#proceed?.();
        this.#proceed = undefined;
        return true;
      });
    });
  }

  #head({ status, contentType, headers = {} }: AdminResponse): void {
    this.#response.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`);
    const all = {
      'Content-Type': contentType,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...headers,
    };
    for (const [name, value] of Object.entries(all)) this.#response.writeHeader(name, value);
  }
}

function isByteStream(body: AdminResponse['body']): body is ByteStream {
  return typeof body === 'object' && 'read' in body;
}

/** With the event loop, and other threads, in between. */
function partByPart(parts: Iterable<string | Uint8Array>): ByteStream {
  const iterator = parts[Symbol.iterator]();
  let isFirst = true;
  return {
    read: async () => {
      if (!isFirst) await sleep(REST_MS);
      isFirst = false;
      const { done, value } = iterator.next();
      if (done === true) return undefined;
      return typeof value === 'string' ? Buffer.from(value) : value;
    },
    cancel: () => undefined,
  };
}

const NOTHING = new Uint8Array(0);
const INTERNAL_ERROR_TEXT = Buffer.from(
  '{"error":{"code":"internal","message":"the gateway failed to answer; its log says why"}}\n',
);
const INTERNAL_ERROR = problem(500, 'internal', '');
