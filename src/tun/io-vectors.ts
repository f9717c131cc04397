// The `struct iovec` that writev(2) takes: u64 base, u64 length, in the machine's byte order, which is little-endian everywhere here.

export const IO_VECTOR_LENGTH = 16;
/** UIO_MAXIOV: what one writev takes. */
const MAX_IO_VECTORS = 1024;

/**
 * Whether the vectors at [vectorsAt, vectorsAt + count * 16), and all that they point at, lie in the memory of `view`, whose first byte has
 * the address `memoryBase`. The kernel is handed bare addresses: what lies outside of the memory must never reach an interface.
 */
export function vectorsLieInside(view: DataView, memoryBase: number, vectorsAt: number, count: number): boolean {
  const end = vectorsAt + count * IO_VECTOR_LENGTH;
  if (vectorsAt < 0 || count > MAX_IO_VECTORS || end > view.byteLength) return false;
  for (let vector = vectorsAt; vector < end; vector += IO_VECTOR_LENGTH) {
    const at = vectorBase(view, vector) - memoryBase;
    if (at < 0 || at + vectorLength(view, vector) > view.byteLength) return false;
  }
  return true;
}

/** The address that the vector at `at` points at: exact below 2^53, and addresses of processes lie below 2^48. */
export function vectorBase(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

export function vectorLength(view: DataView, at: number): number {
  return view.getUint32(at + 12, true) * 2 ** 32 + view.getUint32(at + 8, true);
}
