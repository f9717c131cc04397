/** Packets for Linux's GRO, and its answers in a form that compares. */
import * as fc from 'fast-check';
import type { SuperPacket } from './gathering.ts';
import { type Flow, hex, interleave, packetsOf, Traffic } from './traffic.ts';

export const RECORDING = new URL('../../../test/hotpath/kernel-gro.json', import.meta.url);

/** What GRO got and what it made of it, in hexadecimal digits; of super-packets see {@link describeSupers}. */
export interface RecordedRound {
  readonly packets: readonly string[];
  readonly supers: readonly string[];
}

const SEED = 20;

/** Traffic as it comes, but for packets that no router forwards. */
export function rounds(count: number): Uint8Array[][] {
  return generate(count, ({ mishaps }) => mishaps.filter(({ kind }) => kind !== 'truncated'));
}

/**
 * Traffic for which our rules are Linux's. They are not where Linux would let a packet that it cannot join overtake the open super-packet of
 * its flow (wrong or no checksum, fragment, IP options, empty datagram), nor for FIN and CWR: Linux joins the segment with FIN as the last
 * one, and from 6.15 on leaves one with CWR alone, which was the first one of a super-packet before.
 * @param sizes of payloads, in place of those that were generated
 */
export function alikeRounds(count: number, sizes?: readonly number[]): Uint8Array[][] {
  const unlike = new Set(['truncated', 'corrupt', 'sumless', 'fragment', 'hidden', 'fin', 'cwr']);
  return generate(
    count,
    ({ isTcp, mishaps }) => mishaps.filter(({ kind }) => !unlike.has(kind) && (isTcp || kind !== 'empty')),
    sizes,
  );
}

function generate(count: number, keep: (flow: Flow) => Flow['mishaps'], sizes?: readonly number[]): Uint8Array[][] {
  return fc.sample(Traffic, { seed: SEED, numRuns: count }).map(({ flows, turns }) => {
    const kept = flows.map(flow => {
      const size = sizes?.[flow.size % sizes.length] ?? flow.size;
      return { ...flow, size, mishaps: keep(flow) };
    });
    return interleave(
      kept.map((flow, index) => packetsOf(flow, index)),
      turns,
    ).packets;
  });
}

/** A line for each, in an order of its own: GRO lets flows overtake each other. */
export function describeSupers(supers: readonly SuperPacket[]): string[] {
  return supers
    .map(({ virtio, bytes, packets }) => `${packets} ${hex(Uint8Array.from(virtio))} ${hex(bytes)}`)
    .toSorted();
}

export function fromText(text: string): SuperPacket {
  const [packets, virtio, bytes] = text.split(' ') as [string, string, string];
  return {
    packets: Number(packets),
    virtio: [...Buffer.from(virtio, 'hex')],
    bytes: new Uint8Array(Buffer.from(bytes, 'hex')),
  };
}
