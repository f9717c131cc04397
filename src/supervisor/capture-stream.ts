/** One capture on its way from the worker to its reader. What is not read yet is bounded by the worker, which waits for `taken`. */
import type { MessagePort } from 'node:worker_threads';
import type { ByteStream } from '../admin/byte-stream.ts';
import { encodeStatistics } from '../wire/pcapng.ts';
import type { CaptureEnd, FromCapture, ToCapture } from '../worker/messages.ts';

export interface CaptureOutcome {
  readonly reason: CaptureEnd | 'reader-gone';
  /** Unknown when the reader or the worker has gone. */
  readonly packets?: number;
  readonly dropped?: number;
}

/** What the Interface Statistics Block takes at most. */
export const STATISTICS_LENGTH = 128;

export class CaptureStream implements ByteStream {
  readonly #port: MessagePort;
  readonly #over: (outcome: CaptureOutcome) => void;
  /** The blocks in front of the frames. */
  #head: Uint8Array | undefined;
  readonly #parts: Uint8Array[] = [];
  #reader: ((part: Uint8Array | undefined) => void) | undefined;
  /** What is read at present is a part, and the worker waits to hear that it was passed on. */
  #isPartOut = false;
  #outcome: CaptureOutcome | undefined;
  #isOver = false;

  /** @param over called once, when the last byte is read or nobody reads on. */
  constructor(port: MessagePort, head: Uint8Array, over: (outcome: CaptureOutcome) => void) {
    this.#port = port;
    this.#head = head;
    this.#over = over;
    port.on('message', (message: FromCapture) => this.#handle(message));
    port.once('close', () => this.#finish({ reason: 'session-ended' }));
  }

  read(): Promise<Uint8Array | undefined> {
    if (this.#isPartOut) this.#say({ kind: 'taken' });
    this.#isPartOut = false;
    return new Promise(resolve => {
      this.#reader = resolve;
      this.#serve();
    });
  }

  /** Ends it in good order: what was captured, and the counts, still come. */
  stop(): void {
    this.#say({ kind: 'stop' });
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#outcome = { reason: 'reader-gone' };
    this.#parts.length = 0;
    this.#head = undefined;
    this.#port.close();
    this.#end(this.#outcome);
    this.#reader?.(undefined);
  }

  #handle(message: FromCapture): void {
    if (message.kind === 'part') {
      this.#parts.push(message.bytes);
      return this.#serve();
    }
    const { reason, start, end, received, dropped } = message;
    this.#parts.push(encodeStatistics({ start, end, received, dropped, comment: `ended: ${reason}` }));
    return this.#finish({ reason, packets: received - dropped, dropped });
  }

  #finish(outcome: CaptureOutcome): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.#port.close();
    this.#serve();
  }

  /** Gives the reader, when there is one, what there is. */
  #serve(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    const part = this.#head ?? this.#parts.shift();
    if (part === undefined && this.#outcome === undefined) return;
    this.#isPartOut = part !== undefined && this.#head === undefined;
    this.#head = undefined;
    this.#reader = undefined;
    if (part === undefined) this.#end(this.#outcome!);
    reader(part);
  }

  #end(outcome: CaptureOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#over(outcome);
  }

  #say(message: ToCapture): void {
    this.#port.postMessage(message);
  }
}
