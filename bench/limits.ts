/** What `bench limit` found, and how near to it another result is. */
import { readFileSync } from 'node:fs';
import type { Flag, FlagValues, Row } from './benchmark.ts';
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
  /**
   * `records` have {@link LIMIT_RECORD_LENGTH} bytes each. `spread` is small records, {@link SPREAD_RECORD_LENGTH}, one a connection
   * in turn over {@link SPREAD_CONNECTIONS} connections.
   */
  readonly tls: Readonly<
    Record<'receive' | 'send', { readonly bulk: Cost; readonly records: Cost; readonly spread: Cost }>
  >;
  /** A copy from device to device: each packet is read and written. */
  readonly tun: { readonly packets: Cost; readonly superPackets: Cost };
}

/** An IP packet of 1400 bytes in its SSTP and PPP headers. */
export const LIMIT_RECORD_LENGTH = 1408;
/** An IP packet of 64 bytes in them. */
export const SPREAD_RECORD_LENGTH = 72;
export const SPREAD_CONNECTIONS = 1000;
const SHARE = '% of limit';
const NANO = 1e-9;
const MICRO = 1e-6;

function readLimits(file: string): Limits {
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
function leastPacketCost(
  { tls, tun }: Limits,
  direction: Direction,
  packetLength: number,
  recordPerPacket: boolean,
  tunnels: number,
): number {
  const { bulk, records, spread } = tls[direction === 'upload' ? 'receive' : 'send'];
  const bytesCost = (packetLength * bulk.cpuPerGb * NANO) / MICRO;
  const recordCost = recordPerPacket ? records.microsecondsPerUnit : bytesCost;
  const tlsCost = tunnels >= SPREAD_CONNECTIONS ? Math.max(spread.microsecondsPerUnit, recordCost) : recordCost;
  return tlsCost + tun.packets.microsecondsPerUnit / 2;
}

export const limitFlag: Readonly<Record<string, Flag>> = {
  limit: { type: 'string', argument: 'FILE', help: 'results of "limit" on this machine, to compare with' },
};

/** @throws Error when the file is no result of `limit` */
export function limitsFrom(flags: FlagValues): Limits | undefined {
  const file = flags['limit'];
  return typeof file === 'string' ? readLimits(file) : undefined;
}

/** A row of `tcp` or `udp` with a column that says how near to the limit it is, 100 being the limit itself. */
export function withShare(benchmark: string, row: Row, limits: Limits | undefined): Row {
  if (limits === undefined) return row;
  if (benchmark === 'tcp') return withTcpShare(row, limits);
  return benchmark === 'udp' ? withUdpShare(row, limits) : row;
}

function withTcpShare(row: Row, limits: Limits): Row {
  const least = leastCost(limits, row['direction'] as Direction);
  return { ...row, [SHARE]: Math.round((least / Number(row['gateway CPU s/GB'])) * 100) };
}

/** In the direction's name is whether each packet has a record of its own. */
function withUdpShare(row: Row, limits: Limits): Row {
  const [direction, recordEach] = String(row['direction']).split(', ');
  const [bytes, tunnels] = [Number(row['bytes']), Number(row['tunnels'])];
  const least = leastPacketCost(limits, direction as Direction, bytes, recordEach !== undefined, tunnels);
  return { ...row, [SHARE]: Math.round((least / Number(row['gateway CPU us/packet'])) * 100) };
}
