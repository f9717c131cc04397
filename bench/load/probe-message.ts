export const PROBE_MESSAGE = 'memory of a thread';

/** Bytes of one thread of a gateway. Buffers outside of the heap count as native memory. */
export interface ThreadMemory {
  readonly thread: number;
  /** Pages that the heap occupies, and what of them is occupied by objects, dead ones included. */
  readonly heapTotal: number;
  readonly heapUsed: number;
}

export const LAG_MESSAGE = 'lag of the main thread';

/** How late the main thread's event loop was since it was last asked. */
export interface MainThreadLag {
  readonly p99Ms: number;
  readonly maxMs: number;
}
