/** The packet path as AssemblyScript: host side of `assembly/`. */
import { readFile } from 'node:fs/promises';
import type { PacketPath } from './packet-path.ts';

/** The ABI_VERSION of `assembly/index.ts` that this host was written for. */
const ABI_VERSION = 5;

export type HotpathTarget = 'release' | 'debug';

/** `assembly/index.ts` as JavaScript sees it. */
interface HotpathExports {
  readonly memory: WebAssembly.Memory;
  readonly ABI_VERSION: WebAssembly.Global;
  readonly STATIC_END: WebAssembly.Global;
  readonly CHANGED_AT: WebAssembly.Global;
  readonly COUNTER_SLOTS: WebAssembly.Global;
  readonly COUNTERS_AT: WebAssembly.Global;
  readonly SUPERS_AT: WebAssembly.Global;
  readonly VECTORS_AT: WebAssembly.Global;
  readonly INPUT_AT: WebAssembly.Global;
  readonly INPUT_LENGTH: WebAssembly.Global;
  readonly RECEIVE_AT: WebAssembly.Global;
  readonly RECEIVE_LENGTH: WebAssembly.Global;
  readonly TABLE_AT: WebAssembly.Global;
  readonly TABLE_ENTRIES: WebAssembly.Global;
  readonly TUN_AT: WebAssembly.Global;
  readonly TUN_SLOTS: WebAssembly.Global;
  readonly TUN_STRIDE: WebAssembly.Global;
  readonly TUN_HEADROOM: WebAssembly.Global;
  readonly TRANSMIT_AT: WebAssembly.Global;
  readonly TRANSMIT_BLOCKS: WebAssembly.Global;
  readonly TRANSMIT_BLOCK_LENGTH: WebAssembly.Global;
  readonly SCRATCH_AT: WebAssembly.Global;
  readonly SCRATCH_LENGTH: WebAssembly.Global;
  readonly delineate: (at: number, end: number) => number;
  readonly consumed: () => number;
  readonly admit: (entries: number, source: number, slot: number, mss: number) => number;
  readonly dhcpServer: (address: number) => void;
  readonly segmentBegin: (at: number, length: number, mss: number) => number;
  readonly segmentBytes: () => number;
  readonly segmentInto: (to: number, room: number) => number;
  readonly routeAdd: (address: number, slot: number) => number;
  readonly routeRemove: (address: number) => number;
  readonly routeLookup: (at: number, length: number) => number;
  readonly checksum: (at: number, length: number, initial: number) => number;
  readonly admit6: (entries: number, slot: number, mss: number) => number;
  readonly networkAdd: (address: number, prefixLength: number, slot: number) => number;
  readonly networkRemove: (address: number, prefixLength: number) => number;
  readonly route6Add: (at: number, prefixLength: number, slot: number) => number;
  readonly route6Remove: (at: number, prefixLength: number) => number;
  readonly coalesceKinds: (bits: number) => void;
  readonly setMemoryBase: (low: number, high: number) => void;
  readonly gather: (entries: number, from: number, slot: number) => number;
  readonly gathered: () => number;
  readonly gatherEnd: () => number;
  readonly gatherReset: () => void;
  readonly countSent: (slot: number, packets: number, bytes: number) => void;
  readonly countDropped: (slot: number, packets: number) => void;
  readonly countersChanged: () => number;
  readonly countersTaken: () => void;
  readonly countersClear: (slot: number) => void;
}

/** Compiles the module that the build left beside the compiled JavaScript. Rejects when it is missing or not WebAssembly. */
export async function loadHotpath(target: HotpathTarget = 'release'): Promise<WebAssembly.Module> {
  const file = target === 'release' ? 'hotpath.wasm' : 'hotpath.debug.wasm';
  return await WebAssembly.compile(await readFile(new URL(`../../${file}`, import.meta.url)));
}

/** One instance with its own memory (79.6 MiB of addresses; a page costs memory from its first use on). */
export class Hotpath implements PacketPath {
  readonly memory: Uint8Array;
  readonly view: DataView;
  readonly inputAt: number;
  readonly inputLength: number;
  readonly landing: Uint8Array;
  readonly tableAt: number;
  readonly tableEntries: number;
  readonly tunAt: number;
  readonly tunSlots: number;
  readonly tunStride: number;
  readonly headroom: number;
  readonly transmitAt: number;
  readonly transmitBlocks: number;
  readonly transmitBlockLength: number;
  readonly scratchAt: number;
  readonly scratchLength: number;
  readonly supersAt: number;
  readonly vectorsAt: number;
  readonly countersAt: number;
  readonly counterSlots: number;
  readonly changedAt: number;
  // The exports themselves where no conversion is needed: a wrapper would be a second call per packet.
  readonly delineate: PacketPath['delineate'];
  readonly consumed: PacketPath['consumed'];
  readonly admit: PacketPath['admit'];
  readonly admit6: PacketPath['admit6'];
  readonly dhcpServer: PacketPath['dhcpServer'];
  readonly segmentBegin: PacketPath['segmentBegin'];
  readonly segmentBytes: PacketPath['segmentBytes'];
  readonly segmentInto: PacketPath['segmentInto'];
  readonly routeLookup: PacketPath['routeLookup'];
  readonly checksum: PacketPath['checksum'];
  readonly coalesceKinds: PacketPath['coalesceKinds'];
  readonly setMemoryBase: PacketPath['setMemoryBase'];
  readonly gather: PacketPath['gather'];
  readonly gathered: PacketPath['gathered'];
  readonly gatherEnd: PacketPath['gatherEnd'];
  readonly gatherReset: PacketPath['gatherReset'];
  readonly countSent: PacketPath['countSent'];
  readonly countDropped: PacketPath['countDropped'];
  readonly countersChanged: PacketPath['countersChanged'];
  readonly countersTaken: PacketPath['countersTaken'];
  readonly countersClear: PacketPath['countersClear'];
  readonly #exports: HotpathExports;

  /** @throws Error when the module was built for another host. */
  constructor(module: WebAssembly.Module) {
    const exports = new WebAssembly.Instance(module).exports as unknown as HotpathExports;
    if (exports.ABI_VERSION?.value !== ABI_VERSION) {
      throw new Error(`hotpath: ABI version ${exports.ABI_VERSION?.value}, expected ${ABI_VERSION}: run the build`);
    }
    if (exports.STATIC_END.value > exports.INPUT_AT.value) {
      throw new Error('hotpath: static data overlaps with the input region');
    }
    this.memory = new Uint8Array(exports.memory.buffer);
    this.view = new DataView(exports.memory.buffer);
    this.inputAt = exports.INPUT_AT.value;
    this.inputLength = exports.INPUT_LENGTH.value;
    this.landing = this.memory.subarray(
      exports.RECEIVE_AT.value,
      exports.RECEIVE_AT.value + exports.RECEIVE_LENGTH.value,
    );
    this.tableAt = exports.TABLE_AT.value;
    this.tableEntries = exports.TABLE_ENTRIES.value;
    this.tunAt = exports.TUN_AT.value;
    this.tunSlots = exports.TUN_SLOTS.value;
    this.tunStride = exports.TUN_STRIDE.value;
    this.headroom = exports.TUN_HEADROOM.value;
    this.transmitAt = exports.TRANSMIT_AT.value;
    this.transmitBlocks = exports.TRANSMIT_BLOCKS.value;
    this.transmitBlockLength = exports.TRANSMIT_BLOCK_LENGTH.value;
    this.scratchAt = exports.SCRATCH_AT.value;
    this.scratchLength = exports.SCRATCH_LENGTH.value;
    this.supersAt = exports.SUPERS_AT.value;
    this.vectorsAt = exports.VECTORS_AT.value;
    this.countersAt = exports.COUNTERS_AT.value;
    this.counterSlots = exports.COUNTER_SLOTS.value;
    this.changedAt = exports.CHANGED_AT.value;
    this.delineate = exports.delineate;
    this.consumed = exports.consumed;
    this.admit = exports.admit;
    this.admit6 = exports.admit6;
    this.dhcpServer = exports.dhcpServer;
    this.segmentBegin = exports.segmentBegin;
    this.segmentBytes = exports.segmentBytes;
    this.segmentInto = exports.segmentInto;
    this.routeLookup = exports.routeLookup;
    this.checksum = exports.checksum;
    this.coalesceKinds = exports.coalesceKinds;
    this.setMemoryBase = exports.setMemoryBase;
    this.gather = exports.gather;
    this.gathered = exports.gathered;
    this.gatherEnd = exports.gatherEnd;
    this.gatherReset = exports.gatherReset;
    this.countSent = exports.countSent;
    this.countDropped = exports.countDropped;
    this.countersChanged = exports.countersChanged;
    this.countersTaken = exports.countersTaken;
    this.countersClear = exports.countersClear;
    this.#exports = exports;
  }

  routeAdd(address: number, slot: number): boolean {
    return this.#exports.routeAdd(address, slot) !== 0;
  }

  routeRemove(address: number): boolean {
    return this.#exports.routeRemove(address) !== 0;
  }

  networkAdd(address: number, prefixLength: number, slot: number): boolean {
    return this.#exports.networkAdd(address, prefixLength, slot) !== 0;
  }

  networkRemove(address: number, prefixLength: number): boolean {
    return this.#exports.networkRemove(address, prefixLength) !== 0;
  }

  route6Add(at: number, prefixLength: number, slot: number): boolean {
    return this.#exports.route6Add(at, prefixLength, slot) !== 0;
  }

  route6Remove(at: number, prefixLength: number): boolean {
    return this.#exports.route6Remove(at, prefixLength) !== 0;
  }
}
