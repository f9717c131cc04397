/** The twin of `assembly/admit6.ts` and `assembly/routes6.ts`. */
import { IPV6_HEADER_LENGTH } from '../wire/ip.ts';
import { PppProtocol } from '../wire/ppp.ts';
import { ENTRY_AT, ENTRY_BYTES, ENTRY_LENGTH, ENTRY_PROTOCOL, EntryMark } from './packet-path.ts';
import { clampMssIpv6 } from './twin-clamp-mss.ts';

const SOURCE = 8;
const DESTINATION = 24;
const MAX_PREFIX_LENGTH = 128;
const MAX_ROUTES = 98_304;

export function admit6(
  view: DataView,
  table: number,
  tableEnd: number,
  routes: TwinRoutes6,
  slot: number,
  mss: number,
): number {
  let admitted = 0;
  for (let entry = table; entry < tableEnd; entry += ENTRY_LENGTH) {
    if (view.getUint16(entry + ENTRY_PROTOCOL, true) !== PppProtocol.Ipv6) continue;
    const at = view.getUint32(entry + ENTRY_AT, true);
    const mark = judge(view, at, view.getUint16(entry + ENTRY_BYTES, true), routes, slot);
    view.setUint16(entry + ENTRY_PROTOCOL, mark, true);
    if (mark !== PppProtocol.Ipv6 && mark !== EntryMark.ToControl) continue;
    const total = IPV6_HEADER_LENGTH + view.getUint16(at + 4);
    view.setUint16(entry + ENTRY_BYTES, total, true);
    if (mark !== PppProtocol.Ipv6) continue;
    if (mss !== 0) clampMssIpv6(view, at, total, mss);
    admitted += 1;
  }
  return admitted;
}

/** The protocol that the entry is to have: its own when the packet may pass. */
function judge(view: DataView, at: number, length: number, routes: TwinRoutes6, slot: number): number {
  if (length < IPV6_HEADER_LENGTH || view.getUint8(at) >> 4 !== 6) return EntryMark.Malformed;
  if (IPV6_HEADER_LENGTH + view.getUint16(at + 4) > length) return EntryMark.Malformed;
  const staysOnLink = isLinkLocal(view, at + DESTINATION) || isLinkMulticast(view, at + DESTINATION);
  if (staysOnLink && (isLinkLocal(view, at + SOURCE) || isUnspecified(view, at + SOURCE))) return EntryMark.ToControl;
  if (slot >= 0 && routes.find(view, at + SOURCE) !== slot) return EntryMark.Spoofed;
  return staysOnLink ? EntryMark.ToControl : PppProtocol.Ipv6;
}

function isLinkLocal(view: DataView, at: number): boolean {
  return (view.getUint16(at) & 0xffc0) === 0xfe80;
}

function isLinkMulticast(view: DataView, at: number): boolean {
  return view.getUint8(at) === 0xff && (view.getUint8(at + 1) & 0x0f) <= 2;
}

function isUnspecified(view: DataView, at: number): boolean {
  return view.getBigUint64(at) === 0n && view.getBigUint64(at + 8) === 0n;
}

/** The bits of the 32-bit word at byte `word` of an address that belong to a prefix. */
function wordMask(prefixLength: number, word: number): number {
  const bits = Math.min(32, Math.max(0, prefixLength - word * 8));
  return bits === 0 ? 0 : -1 << (32 - bits);
}

/** Prefixes by length. The keys are texts: simple, and a lookup allocates no more than one for each length that there is. */
export class TwinRoutes6 {
  readonly #byLength = new Map<number, Map<string, number>>();
  #lengths: number[] = [];
  #size = 0;

  add(view: DataView, at: number, prefixLength: number, slot: number): boolean {
    if (prefixLength < 0 || prefixLength > MAX_PREFIX_LENGTH || slot < 0) return false;
    let routes = this.#byLength.get(prefixLength);
    const prefix = key(view, at, prefixLength);
    const isNew = routes?.has(prefix) !== true;
    if (isNew && this.#size === MAX_ROUTES) return false;
    if (routes === undefined) {
      this.#byLength.set(prefixLength, (routes = new Map()));
      this.#sortLengths();
    }
    routes.set(prefix, slot);
    if (isNew) this.#size += 1;
    return true;
  }

  remove(view: DataView, at: number, prefixLength: number): boolean {
    const routes = this.#byLength.get(prefixLength);
    if (routes?.delete(key(view, at, prefixLength)) !== true) return false;
    this.#size -= 1;
    if (routes.size === 0) {
      this.#byLength.delete(prefixLength);
      this.#sortLengths();
    }
    return true;
  }

  /** @returns the slot for the address at `at`, or -1. IPv4-mapped addresses have none. */
  find(view: DataView, at: number): number {
    if (view.getBigUint64(at) === 0n && view.getUint32(at + 8) === 0xffff) return -1;
    for (const prefixLength of this.#lengths) {
      const slot = this.#byLength.get(prefixLength)?.get(key(view, at, prefixLength));
      if (slot !== undefined) return slot;
    }
    return -1;
  }

  #sortLengths(): void {
    this.#lengths = [...this.#byLength.keys()].toSorted((a, b) => b - a);
  }
}

function key(view: DataView, at: number, prefixLength: number): string {
  const word = (offset: number): number => view.getInt32(at + offset) & wordMask(prefixLength, offset);
  return `${word(0)} ${word(4)} ${word(8)} ${word(12)}`;
}
