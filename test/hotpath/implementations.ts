/** What every test of this folder runs against: both WASM builds and the twin. */
import { Hotpath, loadHotpath } from '../../src/hotpath/hotpath.ts';
import { HotpathTwin } from '../../src/hotpath/hotpath-twin.ts';
import { ENTRY_AT, ENTRY_BYTES, ENTRY_LENGTH, ENTRY_PROTOCOL, type PacketPath } from '../../src/hotpath/packet-path.ts';

export interface Implementation {
  readonly name: string;
  /** A fresh one: own memory, no routes. */
  readonly create: () => PacketPath;
}

const release = await loadHotpath('release');
const debug = await loadHotpath('debug');

export const implementations: readonly Implementation[] = [
  { name: 'release build', create: () => new Hotpath(release) },
  { name: 'debug build', create: () => new Hotpath(debug) },
  { name: 'twin', create: () => new HotpathTwin() },
];

/** A table entry; `at` is relative to the start of the input, so that entries of different builds compare. */
export interface Entry {
  readonly at: number;
  readonly length: number;
  readonly protocol: number;
}

export function readEntries(path: PacketPath, entries: number, origin = path.inputAt): Entry[] {
  return Array.from({ length: entries }, (_, index) => {
    const entry = path.tableAt + index * ENTRY_LENGTH;
    return {
      at: path.view.getUint32(entry + ENTRY_AT, true) - origin,
      length: path.view.getUint16(entry + ENTRY_BYTES, true),
      protocol: path.view.getUint16(entry + ENTRY_PROTOCOL, true),
    };
  });
}

/** Puts one entry into the table, as `delineate` would. */
export function writeEntry(path: PacketPath, index: number, at: number, length: number, protocol: number): void {
  const entry = path.tableAt + index * ENTRY_LENGTH;
  path.view.setUint32(entry + ENTRY_AT, at, true);
  path.view.setUint16(entry + ENTRY_BYTES, length, true);
  path.view.setUint16(entry + ENTRY_PROTOCOL, protocol, true);
}

/** Runs `action` and returns the ranges of the memory which it changed, as [from, to) pairs in ascending order. */
export function changedRanges(path: PacketPath, action: () => void): [number, number][] {
  const before = path.memory.slice(0, path.transmitAt + 2 * path.transmitBlockLength);
  action();
  const ranges: [number, number][] = [];
  for (let at = 0; at < before.length; at += 1) {
    if (before[at] === path.memory[at]) continue;
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === at) last[1] = at + 1;
    else ranges.push([at, at + 1]);
  }
  return ranges;
}
