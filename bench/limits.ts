/** What `bench limit` found, and how near to it another result is. */
import { readFileSync } from 'node:fs';
import type { Direction } from './iperf.ts';

/** CPU time is that of the process which is in the gateway's place. */
export interface Cost {
  readonly gigabitsPerSecond: number;
  /** Seconds. */
  readonly cpuPerGb: number;
  /** CPU of a record, or of a packet. */
  readonly microsecondsPerUnit: number;
}

export interface Limits {
  /** `records` have {@link LIMIT_RECORD_LENGTH} bytes each. */
  readonly tls: Readonly<Record<'receive' | 'send', { readonly bulk: Cost; readonly records: Cost }>>;
  /** A copy from device to device: each packet is read and written. */
  readonly tun: { readonly packets: Cost; readonly superPackets: Cost };
}

/** An IP packet of 1400 bytes in its SSTP and PPP headers. */
export const LIMIT_RECORD_LENGTH = 1408;
const NANO = 1e-9;
const MICRO = 1e-6;

/** @throws Error when the file is no result of `bench limit` */
export function readLimits(file: string): Limits {
  const { benchmark, results } = JSON.parse(readFileSync(file, 'utf8')) as {
    benchmark?: string;
    results?: { limits?: Limits };
  };
  if (benchmark !== 'limit' || results?.limits === undefined) throw new Error(`${file} holds no results of "limit"`);
  return results.limits;
}

/** CPU s/GB of a gateway that adds nothing to TLS and TUN, for bulk TCP. */
export function leastCost({ tls, tun }: Limits, direction: Direction): number {
  return tls[direction === 'upload' ? 'receive' : 'send'].bulk.cpuPerGb + tun.superPackets.cpuPerGb / 2;
}

/**
 * The same for one packet of UDP, in microseconds. TUN devices are counted packet by packet: a gateway that reads or
 * writes super-packets of datagrams can be better than this.
 */
export function leastPacketCost(
  { tls, tun }: Limits,
  direction: Direction,
  packetLength: number,
  recordPerPacket: boolean,
): number {
  const { bulk, records } = tls[direction === 'upload' ? 'receive' : 'send'];
  const perByte = (bulk.cpuPerGb * NANO) / MICRO;
  const tlsCost = recordPerPacket ? records.microsecondsPerUnit : packetLength * perByte;
  return tlsCost + tun.packets.microsecondsPerUnit / 2;
}
