/** Generated traffic of a few flows: mostly what can be coalesced, and now and then a packet that cannot. */
import * as fc from 'fast-check';
import { data, type Fields, Tcp, tcpPacket, timestamps, udpPacket } from './flow-packets.ts';

/** What may happen to one packet of a flow; most are as the one before. */
const Mishap = fc.oneof(
  { weight: 16, arbitrary: fc.constant<Mishap>({ kind: 'none' }) },
  { weight: 4, arbitrary: fc.constant<Mishap>({ kind: 'push' }) },
  {
    weight: 8,
    arbitrary: fc.constantFrom<Mishap>(
      ...(
        ['short', 'empty', 'cwr', 'ece', 'fin', 'syn', 'rst', 'urgent', 'acknowledge', 'window', 'tick'] as const
      ).map(kind => ({ kind })),
      ...(['lost', 'repeated', 'corrupt', 'congested', 'fragment', 'hidden', 'truncated', 'sumless'] as const).map(
        kind => ({ kind }),
      ),
    ),
  },
);

interface Mishap {
  readonly kind: string;
}

export const Flow = fc.record({
  version: fc.constantFrom<4 | 6>(4, 6),
  isTcp: fc.boolean(),
  hasTimestamps: fc.boolean(),
  size: fc.constantFrom<number>(1, 7, 100, 536, 1400),
  mayFragment: fc.boolean(),
  sequence: fc.constantFrom(0, 0x7fff_ffff, 0xffff_ff00),
  mishaps: fc.array(Mishap, { minLength: 1, maxLength: 40, size: 'max' }),
});
export type Flow = typeof Flow extends fc.Arbitrary<infer Value> ? Value : never;

/** Flows and the order in which their packets arrive, a run of one flow's at a time. */
export const Traffic = fc.record({
  flows: fc.array(Flow, { minLength: 1, maxLength: 4 }),
  turns: fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 9 })), { maxLength: 60 }),
});

/**
 * The packets of flow number `flow`, from the address with last byte `source`: each goes on where the one before ended, as far as its mishap lets it.
 */
export function packetsOf(shape: Flow, flow: number, source = 10 + flow): Uint8Array[] {
  const { version, isTcp, hasTimestamps, size, mayFragment, sequence, mishaps } = shape;
  let next = sequence;
  let clock = 1;
  let acknowledgment = 100;
  let window = 500;
  return mishaps.map(({ kind }, index) => {
    if (kind === 'acknowledge') acknowledgment += 1000;
    if (kind === 'window') window += 1;
    if (kind === 'tick') clock += 1;
    if (kind === 'lost') next = (next + size) >>> 0;
    const length = kind === 'empty' ? 0 : kind === 'short' ? Math.ceil(size / 2) : size;
    const fields: Fields = {
      version,
      source,
      sourcePort: 50_000 + flow,
      options: hasTimestamps ? timestamps(clock) : new Uint8Array(0),
      sequence: kind === 'repeated' ? (next - size) >>> 0 : next,
      acknowledgment,
      window,
      flags: Tcp.Ack | (FLAGS.get(kind) ?? 0),
      tos: kind === 'congested' ? 3 : 2,
      identification: 65_530 + index,
      fragment: (mayFragment ? 0 : 0x4000) | (kind === 'fragment' ? 0x2000 : 0),
      ipOptions: kind === 'hidden' && version === 4 ? Uint8Array.of(1, 1, 1, 1) : new Uint8Array(0),
      payload: data(length, flow * 50 + index),
    };
    if (kind !== 'repeated') next = (next + length) >>> 0;
    const packet = isTcp ? tcpPacket(fields) : udpPacket(fields);
    const transport = packet.length - length - (isTcp ? 20 + (hasTimestamps ? 12 : 0) : 8);
    if (kind === 'corrupt') packet[packet.length - 1]! ^= 0x10;
    if (kind === 'sumless' && !isTcp) packet.fill(0, transport + 6, transport + 8);
    return kind === 'truncated' ? packet.slice(0, -1) : packet;
  });
}

const FLAGS = new Map<string, number>([
  ['push', Tcp.Psh],
  ['cwr', Tcp.Cwr],
  ['ece', Tcp.Ece],
  ['fin', Tcp.Fin],
  ['syn', Tcp.Syn],
  ['rst', Tcp.Rst],
  ['urgent', Tcp.Urg],
]);

/** Lets the flows take turns; what is left over comes one by one. `flowOf` knows every packet by its bytes. */
export function interleave(flows: readonly (readonly Uint8Array[])[], turns: readonly (readonly [number, number])[]) {
  const packets: Uint8Array[] = [];
  const flowOf = new Map<string, number>();
  const taken = flows.map(() => 0);
  const take = (flow: number, count: number): void => {
    for (const packet of flows[flow]!.slice(taken[flow], taken[flow]! + count)) {
      packets.push(packet);
      flowOf.set(hex(packet), flow);
      taken[flow]! += 1;
    }
  };
  for (const [flow, count] of turns) take(flow % flows.length, count);
  for (let round = 0; round < 40; round += 1) for (const flow of flows.keys()) take(flow, 1);
  return { packets, flowOf };
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
