/** What no peer should send: packets with random damage, and random bytes. The same in each run. */
import * as fc from 'fast-check';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import { concat, sstpData } from '../hotpath/packets.ts';
import { offloadFor, superPacket } from '../hotpath/segment-packets.ts';
import { packetsOf, Traffic } from '../hotpath/traffic.ts';
import { encodeVirtioHeader } from '../tun/virtio.ts';

const SEED = 3;
const TRAFFIC_ROUNDS = 40;
/** Of PPP; 0x00fd is compressed data. None that would end the tunnel. */
const PROTOCOLS = [0x0021, 0x0021, 0x0021, 0x0057, 0x0057, 0x0031, 0x00fd];

/** SSTP data packets. Many of those with damaged packets are from address `host` of the clients' network. */
export function noiseFrames(count: number, host: number): Uint8Array[] {
  const Frame = fc.tuple(fc.constantFrom(...PROTOCOLS), anything(host));
  return fc
    .sample(Frame, { seed: SEED, numRuns: count })
    .map(([protocol, packet]) => sstpData(concat(Uint8Array.of(0xff, 0x03, protocol >> 8, protocol & 0xff), packet)));
}

/** Virtio headers and packets, super-packets among them. */
export function noisePackets(count: number, host: number): [Uint8Array, Uint8Array][] {
  const Plain = fc.tuple(fc.constant(new Uint8Array(VIRTIO_HEADER_LENGTH)), anything(host));
  const Super = fc
    .record({
      version: fc.constantFrom<4 | 6>(4, 6),
      protocol: fc.constantFrom<'tcp' | 'udp'>('tcp', 'udp'),
      payload: fc.nat(20_000).map(length => new Uint8Array(length)),
      gsoSize: fc.integer({ min: 1, max: 1500 }),
      inHeader: fc.array(fc.tuple(fc.nat(VIRTIO_HEADER_LENGTH - 1), fc.nat(255)), { maxLength: 2 }),
      inPacket: Mutations,
    })
    .map(({ gsoSize, inHeader, inPacket, ...fields }): [Uint8Array, Uint8Array] => {
      const packet = superPacket(fields);
      const header = encodeVirtioHeader({ ...offloadFor(fields, gsoSize), headerLength: 40 });
      for (const [at, value] of inHeader) header[at] = value;
      for (const [at, value] of inPacket) packet[at] = value;
      return [header, packet];
    });
  return fc.sample(fc.oneof(Plain, Super), { seed: SEED, numRuns: count });
}

const Mutations = fc.array(fc.tuple(fc.nat(79), fc.nat(255)), { maxLength: 4 });

function anything(host: number): fc.Arbitrary<Uint8Array> {
  const whole = fc
    .sample(Traffic, { seed: SEED, numRuns: TRAFFIC_ROUNDS })
    .flatMap(({ flows }) => flows.flatMap((flow, index) => packetsOf(flow, index, host)));
  const damaged = fc
    .tuple(fc.constantFrom(...whole), Mutations, fc.option(fc.nat(100)))
    .map(([packet, mutations, cut]) => {
      const copy = packet.slice(0, cut ?? packet.length);
      for (const [at, value] of mutations) copy.fill(value, at, at + 1);
      return copy;
    });
  return fc.oneof({ weight: 3, arbitrary: damaged }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) });
}
