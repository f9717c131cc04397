/**
 * A long cable with a bottleneck, made of two TUN devices: a rate limit with a buffer that drops at its tail, and a
 * delay, in both directions. In a process of its own, and not of tc(8), because few kernels of virtual machines and
 * containers have netem; the steps of its timer, 1 ms, are small beside the delay. Says as a JSON line that the
 * devices are there, and runs until it is killed.
 */
import { VIRTIO_HEADER_LENGTH } from '../src/wire/virtio.ts';
import { TunDevice, openTun } from '../src/tun/tun-device.ts';

export interface SlowPathRequest {
  /** Their directions are towards the left and towards the right. */
  readonly devices: readonly [string, string];
  /** One way. */
  readonly delayMs: number;
  /** Absent: only delayed. */
  readonly bottleneck?: { readonly bitsPerSecond: number; readonly bufferBytes: number };
}

const HEADROOM = 16;
const STRIDE = 2048;
const LANDING_SLOTS = 64;
/** Packets that are under way in one direction at most: 5 times what 50 Mbit/s and 40 ms ask for. */
const LINE_SLOTS = 1024;

/** Packets under way to `to`, in a ring of slots from `at` on. */
class Line {
  readonly #memory: Uint8Array;
  readonly #at: number;
  readonly #to: TunDevice;
  readonly #request: SlowPathRequest;
  readonly #due = new Float64Array(LINE_SLOTS);
  readonly #lengths = new Uint16Array(LINE_SLOTS);
  #head = 0;
  #count = 0;
  /** When the bottleneck will have sent what waits in front of it. */
  #freeAt = 0;
  #isArmed = false;

  constructor(memory: Uint8Array, at: number, to: TunDevice, request: SlowPathRequest) {
    this.#memory = memory;
    this.#at = at;
    this.#to = to;
    this.#request = request;
  }

  take(at: number, length: number): void {
    const now = performance.now();
    if (this.#count === LINE_SLOTS || !this.#passBottleneck(length, now)) return;
    const slot = (this.#head + this.#count) % LINE_SLOTS;
    this.#memory.copyWithin(this.#packetAt(slot) - VIRTIO_HEADER_LENGTH, at - VIRTIO_HEADER_LENGTH, at + length);
    this.#lengths[slot] = length;
    this.#due[slot] = Math.max(now, this.#freeAt) + this.#request.delayMs;
    this.#count += 1;
    this.#arm(now);
  }

  /** False when the packet finds the buffer full. */
  #passBottleneck(length: number, now: number): boolean {
    const { bottleneck } = this.#request;
    if (bottleneck === undefined) return true;
    const bytesPerMs = bottleneck.bitsPerSecond / 8000;
    const begin = Math.max(now, this.#freeAt);
    if ((begin - now) * bytesPerMs + length > bottleneck.bufferBytes) return false;
    this.#freeAt = begin + length / bytesPerMs;
    return true;
  }

  #deliver(): void {
    this.#isArmed = false;
    const now = performance.now();
    for (; this.#count > 0 && this.#due[this.#head]! <= now; this.#count -= 1) {
      this.#to.write(this.#packetAt(this.#head), this.#lengths[this.#head]!);
      this.#head = (this.#head + 1) % LINE_SLOTS;
    }
    if (this.#count > 0) this.#arm(now);
  }

  #arm(now: number): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    setTimeout(() => this.#deliver(), this.#due[this.#head]! - now);
  }

  #packetAt(slot: number): number {
    return this.#at + slot * STRIDE + HEADROOM;
  }
}

const request = JSON.parse(process.argv[2] ?? '') as SlowPathRequest;
const landingLength = LANDING_SLOTS * STRIDE;
const lineLength = LINE_SLOTS * STRIDE;
const memory = new Uint8Array(2 * (landingLength + lineLength));
const [left, right] = [open(request.devices[0], 0), open(request.devices[1], landingLength)];
join(left, new Line(memory, 2 * landingLength, right, request));
join(right, new Line(memory, 2 * landingLength + lineLength, left, request));
console.log(JSON.stringify({ ready: true }));

function open(name: string, at: number): TunDevice {
  return new TunDevice(openTun(name), { memory, at, slots: LANDING_SLOTS, stride: STRIDE, headroom: HEADROOM });
}

function join(from: TunDevice, line: Line): void {
  from.start({
    receive: (at, length) => line.take(at, length),
    drained: () => {},
    onError: error => {
      throw error;
    },
  });
}
