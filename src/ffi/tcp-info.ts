// What the kernel knows of a TCP connection: TCP_INFO of tcp(7), the fields that say how fast it sends and what waits.

import { addressOf, LITTLE_ENDIAN, readSocketOption } from './libc.ts';

const IPPROTO_TCP = 6;
const TCP_INFO = 11;

// Bytes from the start of struct tcp_info (linux/tcp.h), which only ever grows at its end.
const SEGMENT_LENGTH = 16;
const ROUND_TRIP_US = 68;
const WINDOW_SEGMENTS = 80;
/** Bytes per second, 64 bits; all ones while there is none. */
const PACING_RATE = 104;
const UNSENT = 144;
const LENGTH = 148;

/** How a connection sends. */
export interface Sending {
  /** Bytes that wait for their first transmission. */
  unsent: number;
  /** Bytes per millisecond that congestion control lets go; 0 before a round trip was measured. */
  rate: number;
}

const info = new DataView(new ArrayBuffer(LENGTH));
const length = new Uint32Array(1);
const infoAt = addressOf(new Uint8Array(info.buffer));
const lengthAt = addressOf(new Uint8Array(length.buffer));
/** One for all connections of the thread. */
const sending: Sending = { unsent: 0, rate: 0 };

/** Good until the next call. Undefined when `fd` is no TCP socket (any more), or the kernel is older than 4.6. */
export function readSending(fd: number): Readonly<Sending> | undefined {
  length[0] = LENGTH;
  if (readSocketOption(fd, IPPROTO_TCP, TCP_INFO, infoAt, lengthAt) !== 0 || length[0] !== LENGTH) return undefined;
  const window = field(WINDOW_SEGMENTS) * field(SEGMENT_LENGTH);
  const roundTripMs = field(ROUND_TRIP_US) / 1000;
  const pacingRate = Number(info.getBigUint64(PACING_RATE, LITTLE_ENDIAN)) / 1000;
  sending.unsent = field(UNSENT);
  sending.rate = roundTripMs === 0 ? 0 : Math.min(window / roundTripMs, pacingRate);
  return sending;
}

function field(at: number): number {
  return info.getUint32(at, LITTLE_ENDIAN);
}
