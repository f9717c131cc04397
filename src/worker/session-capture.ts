/**
 * Copies the PPP frames of one tunnel to the main thread, as blocks of a pcapng file. Only a tunnel that is being captured has one.
 *
 * 1. Frames are written one behind the other into a part.
 * 2. A part goes to the main thread when it is full, and a moment after it was begun.
 * 3. The main thread says when its reader has taken a part. While {@link PARTS_UNDER_WAY} are not taken, the part at hand fills up, and
 *    what does not fit is dropped and counted: a reader that is slow, or does not read at all, costs neither memory nor the tunnel's time.
 */
import type { MessagePort } from 'node:worker_threads';
import { viewOf } from '../wire/bytes.ts';
import { credentialsAt } from '../wire/credentials.ts';
import { Direction, emitFrame, frameBlockLength } from '../wire/pcapng.ts';
import { framesOf } from '../wire/ppp.ts';
import { encodeText } from '../wire/text.ts';
import type { CaptureEnd, CapturePlan, FromCapture, ToCapture } from './messages.ts';

/** Bytes of a part: some fifteen of the longest frames, or forty that are full. */
const PART_LENGTH = 64 * 1024;
/** With the part at hand, a megabyte for each capture. */
const PARTS_UNDER_WAY = 15;
/** What a live view lags behind. */
const PART_DELAY_MS = 50;
const BLANKED = encodeText('authentication: zeros stand for what was exchanged');

interface Part {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  length: number;
  /** Undefined once it ought to be under way. */
  timer: NodeJS.Timeout | undefined;
}

export class SessionCapture {
  readonly #port: MessagePort;
  readonly #plan: CapturePlan;
  readonly #now: () => number;
  readonly #over: (capture: SessionCapture) => void;
  /** From the clock of `now` to milliseconds since 1970. */
  readonly #clockOffset: number;
  readonly #start: number;
  readonly #limit: NodeJS.Timeout;
  #part: Part | undefined;
  #room = PARTS_UNDER_WAY;
  #bytes = 0;
  #written = 0;
  #received = 0;
  #isOver = false;

  /**
   * @param now monotonic milliseconds
   * @param over the capture has ended, for whatever reason
   */
  constructor(port: MessagePort, plan: CapturePlan, now: () => number, over: (capture: SessionCapture) => void) {
    this.#port = port;
    this.#plan = plan;
    this.#now = now;
    this.#over = over;
    this.#clockOffset = Date.now() - now();
    this.#start = this.#time();
    this.#limit = setTimeout(() => this.end('seconds'), plan.seconds * 1000);
    port.on('message', (message: ToCapture) => this.#handle(message));
    port.once('close', () => this.#finish());
  }

  /** Whole SSTP packets from the client, as they came. */
  received(packets: Uint8Array): void {
    this.#take(packets, Direction.Inbound);
  }

  /** Whole SSTP packets to the client, as they go. */
  sent(packets: Uint8Array): void {
    this.#take(packets, Direction.Outbound);
  }

  /** Hands over what there is, however much is under way, and the last word. Nothing happens when it has ended. */
  end(reason: CaptureEnd): void {
    if (this.#isOver) return;
    this.#post();
    this.#say({
      kind: 'ended',
      reason,
      start: this.#start,
      end: this.#time(),
      received: this.#received,
      dropped: this.#received - this.#written,
    });
    this.#finish();
  }

  #handle(message: ToCapture): void {
    if (this.#isOver) return;
    if (message.kind === 'stop') return this.end('stopped');
    this.#room++;
    if (this.#part !== undefined && this.#part.timer === undefined) this.#post();
  }

  #take(packets: Uint8Array, direction: Direction): void {
    const time = this.#time();
    for (const frame of framesOf(packets)) {
      if (this.#isOver) return;
      this.#write(time, direction, frame);
    }
  }

  #write(time: number, direction: Direction, bytes: Uint8Array): void {
    const { snapLength, authentication, frames } = this.#plan;
    const kept = snapLength === 0 ? bytes.length : Math.min(bytes.length, snapLength);
    const shown = authentication ? bytes.length : credentialsAt(viewOf(bytes), 0, bytes.length);
    const frame = { time, direction, bytes, kept, shown, comment: shown < bytes.length ? BLANKED : undefined };
    const length = frameBlockLength(frame);
    if (this.#bytes + length > this.#plan.bytes) return this.end('bytes');
    this.#received++;
    const part = this.#partFor(length);
    if (part === undefined) return;
    part.length = emitFrame(part.view, part.length, frame);
    this.#bytes += length;
    if (++this.#written >= frames) this.end('packets');
  }

  /** A part with so much space; undefined when there is none. */
  #partFor(length: number): Part | undefined {
    if (this.#part !== undefined && this.#part.length + length > PART_LENGTH) {
      if (this.#room === 0) return undefined;
      this.#post();
    }
    this.#part ??= this.#newPart();
    return this.#part;
  }

  #newPart(): Part {
    const bytes = new Uint8Array(PART_LENGTH);
    const part: Part = { bytes, view: viewOf(bytes), length: 0, timer: undefined };
    part.timer = setTimeout(() => {
      part.timer = undefined;
      if (this.#room > 0) this.#post();
    }, PART_DELAY_MS);
    return part;
  }

  #post(): void {
    const part = this.#part;
    if (part === undefined) return;
    clearTimeout(part.timer);
    this.#part = undefined;
    this.#room--;
    this.#say({ kind: 'part', bytes: part.bytes.subarray(0, part.length) }, [part.bytes.buffer]);
  }

  #say(message: FromCapture, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#limit);
    clearTimeout(this.#part?.timer);
    this.#part = undefined;
    this.#port.close();
    this.#over(this);
  }

  /** Microseconds since 1970. */
  #time(): number {
    return Math.floor((this.#now() + this.#clockOffset) * 1000);
  }
}
