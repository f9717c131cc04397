/**
 * What waits to be sent into one tunnel; where a rate limits what comes out of a tunnel, a queue of its own holds that too.
 *
 * 1. `append` makes framed packets of what the device read. While others wait, a packet of a sparse flow goes into the lane that is
 *    served first; everything else queues in order.
 * 2. `flush`, once for each turn of the event loop, hands packets to the connection straight from the hot path's memory: a limited
 *    number of bytes, and only when the last ones are written. What the socket cannot take stays here, where it can still be
 *    dropped and overtaken. CoDel drops from the head of the bulk lane when it has been waiting for too long.
 * 3. When the kernel has taken the bytes, the next ones follow, unless it has enough of them ({@link WindowGate}).
 *
 * With a rate, a flush ends when the tokens do, and `deadline` says when there will be more. A packet of a sparse flow need not wait
 * for that: it passes on account, so that the delay of a limited tunnel is that of an idle one for pings, names and acknowledgements.
 *
 * The queue is bounded in bytes too: past the bound a packet is refused and the caller counts it, so that a slow tunnel stops nobody but
 * itself. A super-packet is refused as a whole: its segments are one burst of one flow, whose sender has to send the missing
 * ones again however many went through, and a small packet still finds the room that is left.
 */
import type { BlockPool } from './block-pool.ts';
import { CoDel, TARGET_MS } from './codel.ts';
import { FlowCredits } from './flow-credits.ts';
import { flowHash } from './flow-hash.ts';
import { FRAME_HEADER_LENGTH, MAX_FRAMED_LENGTH, PathError, type PacketPath } from './packet-path.ts';
import { TokenBucket } from './token-bucket.ts';
import { type Region, TransmitLane } from './transmit-lane.ts';
import { type TransmitWindow, WindowGate } from './window-gate.ts';

export const Refused = { QueueFull: -101, NoBlock: -102 } as const;

export interface TransmitQueueOptions {
  /** Bytes that may wait, in flight included. */
  readonly limit: number;
  /** Each packet is a send of its own. */
  readonly onePacketPerSend: boolean;
  /** The connection's. Without one it is given what the socket takes. */
  readonly window?: TransmitWindow;
}

export interface TransmitQueueOutput {
  /** Sends bytes to the peer; `written` is called once, when they need no longer be kept: sent, or the connection is gone. */
  sendPackets(bytes: Uint8Array, written: () => void): void;
  /** A packet that `append` took up had waited for too long. `length`: bytes of the IP packet. */
  dropped(length: number): void;
  /** `deadline` has come closer. Only where there is a rate. */
  waits?(): void;
  /** The same for the sake of a window. */
  waitsForWindow?(): void;
}

/**
 * Bytes in one flush: what may sit in front of a sparse packet that comes now. At 50 Mbit/s they take 11 ms. A super-packet goes in one
 * write, of several TLS records, so that fast tunnels do not pay for it: two writes of half the size cost a tenth more.
 */
const FLUSH_BYTES = 68 * 1024;
/** An SSTP packet; less room than for one is not worth a write. */
const LONGEST_PACKET = MAX_FRAMED_LENGTH + FRAME_HEADER_LENGTH;
const NONE_SERVED = -1;

/**
 * With a rate, no more waits than leaves in this time: a sender that fills the queue before CoDel has brought it to reason
 * should not have to wait for seconds.
 */
const SHAPED_LIMIT_MS = 250;
/** However slow the rate is: a super-packet has to find room. */
const SMALLEST_LIMIT = 96 * 1024;
/**
 * CoDel's target with a rate. Sparse flows do not wait behind the bulk ones, so these may keep a queue that lets one connection use the
 * whole rate: with 8 ms, Reno got 93 % of it over a path of 20 ms. A slow rate needs longer, half as long again as a packet takes (RFC 8289 4.4).
 */
const SHAPED_TARGET_MS = 20;
const TARGET_BYTES = 1.5 * 1500;

export class TransmitQueue {
  readonly #path: PacketPath;
  readonly #output: TransmitQueueOutput;
  readonly #longestLimit: number;
  #limit: number;
  readonly #onePacketPerSend: boolean;
  readonly #gate: WindowGate;
  readonly #sparse: TransmitLane;
  readonly #bulk: TransmitLane;
  readonly #codel = new CoDel();
  /** Only tunnels that ever had a backlog have it. */
  #credits: FlowCredits | undefined;
  /** In the order of the sends, which is that of their being written. */
  readonly #inFlight: { readonly lane: TransmitLane; readonly region: Region }[] = [];
  #inFlightBytes = 0;
  /** Ticket of the last packet that went into the bulk lane without a look at its flow. */
  #unbooked = 0;
  #appended = 0;
  #released = false;
  #bucket: TokenBucket | undefined;
  /** The last flush ended for want of tokens. */
  #isThrottled = false;
  readonly #clock: () => number;
  readonly #written = (): void => this.#onWritten();

  /** @param clock monotonic milliseconds. */
  constructor(
    path: PacketPath,
    pool: BlockPool,
    options: TransmitQueueOptions,
    clock: () => number,
    output: TransmitQueueOutput,
  ) {
    this.#path = path;
    this.#output = output;
    this.#longestLimit = options.limit;
    this.#limit = options.limit;
    this.#onePacketPerSend = options.onePacketPerSend;
    this.#gate = new WindowGate(options.window, LONGEST_PACKET);
    this.#clock = clock;
    this.#sparse = new TransmitLane(path, pool);
    this.#bulk = new TransmitLane(path, pool);
  }

  /** Bytes that wait or are on their way. */
  get bytes(): number {
    return this.#sparse.bytes + this.#bulk.bytes + this.#inFlightBytes;
  }

  /** IP packets that the last {@link append} was about, taken up or refused; 1 when the hot path could not read it. */
  get appended(): number {
    return this.#appended;
  }

  /** The rate, not the connection, is what packets wait for. */
  get isThrottled(): boolean {
    return this.#isThrottled;
  }

  /** When `flush` would find tokens again, or room in the window; Infinity when it is not they that it waits for. */
  get deadline(): number {
    if (this.#inFlight.length > 0) return Number.POSITIVE_INFINITY;
    if (!this.#isThrottled || this.#bucket === undefined) return this.#gate.opensAt;
    return this.#bucket.timeOf(this.#sparse.bytes > 0 ? -this.#bucket.reserve : 0);
  }

  handleTimeout(): void {
    this.flush();
  }

  /**
   * From now on no more bytes of IP packets are sent than this; what waits already is subject to it too.
   * @param rate bits per second; undefined for no limit.
   * @param burst bytes that may be sent at once after a silence; undefined for a default.
   */
  setRate(rate: number | undefined, burst: number | undefined): void {
    this.#bucket = rate === undefined ? undefined : new TokenBucket(rate, burst, this.#clock(), this.#bucket);
    const bytesPerMs = this.#bucket?.bytesPerMs ?? Number.POSITIVE_INFINITY;
    this.#limit = Math.min(this.#longestLimit, Math.max(SMALLEST_LIMIT, bytesPerMs * SHAPED_LIMIT_MS));
    this.#codel.targetMs = this.#bucket === undefined ? TARGET_MS : SHAPED_TARGET_MS + TARGET_BYTES / bytesPerMs;
    this.flush();
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
    if (this.bytes + bytes > this.#limit) return Refused.QueueFull;
    const now = this.#clock();
    const lane = this.#passesBulk(at, length, bytes, now) ? this.#sparse : this.#bulk;
    return lane.store(bytes, now) ? bytes : Refused.NoBlock;
  }

  /**
   * Says whether the IP packet at `at`, which was judged already, may go on at once; if not, takes up a copy of it.
   * @param protocol its PPP protocol.
   * @returns 0 when it may, and is booked; else as {@link append} does.
   */
  offer(at: number, length: number, protocol: number): number {
    const now = this.#clock();
    if (this.bytes === 0 && this.#spend(this.#bulk, length, now)) return 0;
    if (length > MAX_FRAMED_LENGTH) return PathError.TooLong;
    const bytes = FRAME_HEADER_LENGTH + length;
    if (this.bytes + bytes > this.#limit) return Refused.QueueFull;
    const lane = this.#passesBulk(at, length, bytes, now) ? this.#sparse : this.#bulk;
    if (lane === this.#sparse && lane.bytes === 0 && this.#spend(lane, length, now)) return 0;
    if (!lane.storeCopy(at, length, protocol, now)) return Refused.NoBlock;
    this.#isThrottled = true;
    this.#output.waits?.();
    return bytes;
  }

  flush(): void {
    if (this.#released || this.#inFlight.length > 0) return;
    let room = this.#takeFrom(this.#sparse, FLUSH_BYTES);
    if (this.#bulk.bytes > 0) room = this.#takeFrom(this.#bulk, this.#gate.room(this.#bulk.bytes, room, this.#clock()));
    this.#isThrottled =
      this.#bucket !== undefined && room >= LONGEST_PACKET && this.#sparse.bytes + this.#bulk.bytes > 0;
    if (this.#isThrottled && this.#inFlight.length === 0) this.#output.waits?.();
    if (this.#gate.isShut && this.#inFlight.length === 0) this.#output.waitsForWindow?.();
    // Sent only now: a connection that writes at once calls back, and must not find a flush half made.
    const sends = this.#inFlight.slice();
    for (const { region } of sends) {
      this.#output.sendPackets(this.#path.memory.subarray(region.at, region.at + region.length), this.#written);
    }
  }

  /**
   * The tunnel is gone: nothing more will be sent. What the connection already has stays in its block until it says
   * that it is written, since an orderly close still sends it.
   */
  release(): void {
    this.#released = true;
    this.#isThrottled = false;
    this.#sparse.clear();
    this.#bulk.clear();
  }

  /** @returns what is left of `room`. */
  #takeFrom(lane: TransmitLane, room: number): number {
    let left = room;
    while (left >= LONGEST_PACKET) {
      const tokens = this.#bucket === undefined ? left : this.#tokensFor(lane, this.#clock());
      if (tokens <= 0) break;
      if (lane === this.#bulk) this.#dropStale();
      const region = lane.take(this.#onePacketPerSend ? 1 : Math.min(left, tokens));
      if (region === undefined) break;
      this.#bucket?.spend(region.length - lane.countPackets(region) * FRAME_HEADER_LENGTH);
      left -= region.length;
      this.#inFlightBytes += region.length;
      this.#gate.sent(region.length);
      this.#inFlight.push({ lane, region });
    }
    return left;
  }

  #spend(lane: TransmitLane, bytes: number, now: number): boolean {
    if (this.#tokensFor(lane, now) <= 0) return false;
    this.#bucket?.spend(bytes);
    return true;
  }

  #tokensFor(lane: TransmitLane, now: number): number {
    if (this.#bucket === undefined) return Number.POSITIVE_INFINITY;
    const tokens = this.#bucket.tokens(now);
    return lane === this.#sparse ? tokens + this.#bucket.reserve : tokens;
  }

  #passesBulk(at: number, length: number, bytes: number, now: number): boolean {
    const { stored, served } = this.#bulk;
    const isHeld = this.#isThrottled || this.#gate.isShut || this.#inFlight.length > 0;
    if (!isHeld && this.#bulk.bytes < FLUSH_BYTES - LONGEST_PACKET) {
      this.#unbooked = stored + 1;
      return false;
    }
    this.#credits ??= new FlowCredits();
    // Any flow may have packets among those that queued before flows were told apart: none overtakes until these are served.
    const servedOfFlow = served < this.#unbooked ? NONE_SERVED : served;
    const flow = flowHash(this.#path.view, at, length);
    const isSparse = this.#credits.isSparse(flow, bytes, now, stored + 1, servedOfFlow);
    if (isSparse) this.#gate.sawSparse(now);
    return isSparse;
  }

  #dropStale(): void {
    const now = this.#clock();
    while (this.#bulk.bytes > 0 && this.#codel.shouldDrop(now - this.#bulk.headTime, this.#bulk.bytes, now)) {
      this.#output.dropped(this.#bulk.drop() - FRAME_HEADER_LENGTH);
    }
  }

  #onWritten(): void {
    const sent = this.#inFlight.shift();
    if (sent === undefined) throw new Error('more sends were written than made');
    this.#inFlightBytes -= sent.region.length;
    sent.lane.written(sent.region.block);
    if (this.#inFlight.length === 0) this.flush();
  }
}
