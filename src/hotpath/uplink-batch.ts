/**
 * What the tunnels of one thread send to the network in one turn of the event loop.
 *
 * 1. A chunk of a tunnel's TLS stream lands in the {@link arena} (its {@link StreamCutter} puts it there) and is cut and judged.
 * 2. `add` gathers the table's packets. They stay in the arena, which is held from then on.
 * 3. `flush` writes one super-packet with each call of the device. It runs at the end of the turn, and at once when the arena or the
 *    round of coalescing is full.
 *
 * Nothing is allocated per packet. A tunnel that ends within the turn needs no care: its packets are the batch's by then.
 */
import {
  CoalesceKind,
  SUPER_FIRST_VECTOR,
  SUPER_LENGTH,
  SUPER_PACKETS,
  SUPER_VECTORS,
  VECTOR_LENGTH,
} from './coalescing.ts';
import { InputArena } from './input-arena.ts';
import type { PacketPath } from './packet-path.ts';

/** What the batch uses of a packet device. */
export interface UplinkDevice {
  /** Super-packets that it takes. With neither, every packet is written on its own. */
  readonly offloads: { readonly tcp: boolean; readonly udp: boolean };
  /** The address of the hot path's memory. */
  readonly memoryBase: number;
  /** Writes one packet: `count` I/O vectors at `vectorsAt`, the first of them the virtio header. False when it was refused. */
  writeVectors(vectorsAt: number, count: number): boolean;
}

export interface UplinkBatchOptions {
  /** Has `flush` called once, when all that is readable in this turn has been read: setImmediate does. */
  readonly atEndOfTurn: (flush: () => void) => void;
  /** The device was called so many times. */
  readonly wrote?: (calls: number) => void;
  /** The device refused packets of which `add` has said that they were taken. */
  readonly refused: (packets: number) => void;
}

export class UplinkBatch {
  /** For the cutters of all tunnels of the thread. */
  readonly arena: InputArena;
  readonly #path: PacketPath;
  readonly #device: UplinkDevice;
  readonly #options: UplinkBatchOptions;
  readonly #endTurn = (): void => {
    this.#isScheduled = false;
    this.flush();
  };
  #isScheduled = false;

  constructor(path: PacketPath, device: UplinkDevice, options: UplinkBatchOptions) {
    this.arena = new InputArena(path, () => this.flush());
    this.#path = path;
    this.#device = device;
    this.#options = options;
    const { tcp, udp } = device.offloads;
    path.coalesceKinds((tcp ? CoalesceKind.Tcp : 0) | (udp ? CoalesceKind.Udp : 0));
    path.setMemoryBase(device.memoryBase % 2 ** 32, Math.floor(device.memoryBase / 2 ** 32));
  }

  /**
   * Takes the IP packets among [from, entries) of the table, after `admit` and `admit6`, and counts them for the tunnel of `slot`; other
   * entries are left to the caller.
   * @returns how many packets it took.
   */
  add(entries: number, from: number, slot: number): number {
    const path = this.#path;
    let packets = 0;
    for (let next = from; ;) {
      const taken = path.gather(entries, next, slot);
      packets += taken;
      if (taken > 0) this.#hold();
      next = path.gathered();
      if (next >= entries) return packets;
      this.flush();
    }
  }

  /** Writes what has been added. Does nothing when there is nothing. */
  flush(): void {
    const { view, supersAt, vectorsAt } = this.#path;
    const supers = this.#path.gatherEnd();
    if (supers > 0) this.#options.wrote?.(supers);
    const end = supersAt + supers * SUPER_LENGTH;
    for (let row = supersAt; row < end; row += SUPER_LENGTH) {
      const first = vectorsAt + view.getUint32(row + SUPER_FIRST_VECTOR, true) * VECTOR_LENGTH;
      if (!this.#device.writeVectors(first, view.getUint32(row + SUPER_VECTORS, true))) {
        this.#options.refused(view.getUint32(row + SUPER_PACKETS, true));
      }
    }
    this.#path.gatherReset();
    this.arena.release();
  }

  #hold(): void {
    this.arena.hold();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.atEndOfTurn(this.#endTurn);
  }
}
