/**
 * A bad cable, made of two TUN devices: it loses, repeats and reorders packets by the dice of a seeded generator. In a process of its own,
 * and not of tc(8), because few kernels of virtual machines and containers have netem. Says as a JSON line that the devices are there; at
 * SIGTERM, what became of the packets.
 */
import { closeTun, openTun, TunDevice } from '../../src/tun/tun-device.ts';
import { NO_OFFLOADS } from '../../src/tun/offloads.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import { holdForGro, openNapiTun } from '../tun/napi-tun.ts';

/** Probabilities of a packet's fate, 0 to 1. */
interface Impairment {
  readonly loss: number;
  readonly duplication: number;
  /** The packet comes behind some of those that followed it. */
  readonly reordering: number;
}

export interface ImpairedPathRequest extends Impairment {
  readonly devices: readonly [string, string];
  /** The first device's kernel does GRO on what comes through: its stack sees super-packets. */
  readonly gro: boolean;
  readonly seed: number;
}

/** Packets of both directions. */
export interface ImpairedPathReport {
  passed: number;
  lost: number;
  duplicated: number;
  reordered: number;
}

const HEADROOM = 16;
const STRIDE = 2048;
const LANDING_SLOTS = 64;
/** A packet that is held back lets up to so many pass, */
const MAX_OVERTAKERS = 8;
/** or leaves after this, when no more come. */
const HOLD_MS = 2;
/** About what a network card's interrupt moderation comes to. */
const GRO_HOLD_US = 200;

const request = JSON.parse(process.argv[2] ?? '') as ImpairedPathRequest;
const report: ImpairedPathReport = { passed: 0, lost: 0, duplicated: 0, reordered: 0 };
const random = generator(request.seed);

/** One direction. */
class Line {
  readonly #memory: Uint8Array;
  /** Where the packet lies that is held back. */
  readonly #heldAt: number;
  readonly #to: TunDevice;
  #heldLength = 0;
  /** Packets that have yet to overtake it. */
  #overtakers = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(memory: Uint8Array, slot: number, to: TunDevice) {
    this.#memory = memory;
    this.#heldAt = slot + HEADROOM;
    this.#to = to;
  }

  take(at: number, length: number): void {
    const { loss, duplication, reordering } = request;
    const dice = random();
    if (dice < loss) {
      report.lost += 1;
      return;
    }
    if (dice < loss + reordering && this.#heldLength === 0) {
      this.#hold(at, length);
      return;
    }
    this.#pass(at, length);
    if (dice > 1 - duplication) {
      report.duplicated += 1;
      this.#to.write(at, length);
    }
    if (this.#heldLength > 0 && --this.#overtakers === 0) this.#release();
  }

  #pass(at: number, length: number): void {
    report.passed += 1;
    this.#to.write(at, length);
  }

  #hold(at: number, length: number): void {
    report.reordered += 1;
    this.#memory.copyWithin(this.#heldAt - VIRTIO_HEADER_LENGTH, at - VIRTIO_HEADER_LENGTH, at + length);
    this.#heldLength = length;
    this.#overtakers = 1 + Math.floor(random() * MAX_OVERTAKERS);
    this.#timer = setTimeout(() => this.#release(), HOLD_MS);
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#pass(this.#heldAt, this.#heldLength);
    this.#heldLength = 0;
  }
}

const landingLength = LANDING_SLOTS * STRIDE;
const memory = new Uint8Array(2 * landingLength + 2 * STRIDE);
const handles = [
  request.gro ? openNapiTun(request.devices[0], NO_OFFLOADS) : openTun(request.devices[0]),
  openTun(request.devices[1]),
] as const;
if (request.gro) holdForGro(request.devices[0], GRO_HOLD_US);
const [left, right] = handles.map(
  (handle, index) =>
    new TunDevice(handle, {
      memory,
      at: index * landingLength,
      slots: LANDING_SLOTS,
      stride: STRIDE,
      headroom: HEADROOM,
    }),
) as [TunDevice, TunDevice];
join(left, new Line(memory, 2 * landingLength, right));
join(right, new Line(memory, 2 * landingLength + STRIDE, left));
process.once('SIGTERM', () => {
  for (const device of [left, right]) device.close();
  for (const handle of handles) closeTun(handle);
  console.log(JSON.stringify(report));
});
console.log(JSON.stringify({ ready: true }));

function join(from: TunDevice, line: Line): void {
  from.start({
    receive: (at, length) => line.take(at, length),
    drained: () => {},
    onError: error => {
      throw error;
    },
  });
}

/** Numbers from 0 to 1, the same for the same seed: xorshift32 of Marsaglia. */
function generator(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
