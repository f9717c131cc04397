// The few byte operations that every wire format shares.

/** A view of exactly these bytes, wherever in their buffer they lie. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Copies `[at, end)`: parsed values outlive the receive buffer, which is reused. */
export function copyBytes(view: DataView, at: number, end: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, end - at).slice();
}

/** Writes the bytes and returns the offset behind them. Throws RangeError when the caller's buffer is too small. */
export function putBytes(view: DataView, at: number, bytes: Uint8Array): number {
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(bytes, at);
  return at + bytes.length;
}
