/** Super-packets of every kind that is segmented: what the headers hold, and how the payload is to be cut. */
import { MAX_FRAMED_LENGTH } from '../../src/hotpath/packet-path.ts';
import { destinationOptions, type SuperPacketFields } from './segment-packets.ts';

export const TIMESTAMPS = Uint8Array.of(1, 1, 8, 10, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88);
const ROUTER_ALERT = Uint8Array.of(0x94, 4, 0, 0);

export interface Shape {
  readonly title: string;
  readonly fields: Omit<SuperPacketFields, 'payload'>;
  readonly payloadLength: number;
  readonly gsoSize: number;
}

export const TCP4 = { version: 4, protocol: 'tcp' } as const;
export const TCP6 = { version: 6, protocol: 'tcp' } as const;
export const UDP4 = { version: 4, protocol: 'udp' } as const;
const UDP6 = { version: 6, protocol: 'udp' } as const;

export const SHAPES: readonly Shape[] = [
  ...[TCP4, TCP6, UDP4, UDP6].flatMap(fields => {
    const kind = `${fields.protocol} over IPv${fields.version}`;
    return [
      { title: `${kind}, the last one shorter`, fields, payloadLength: 5000, gsoSize: 1360 },
      { title: `${kind}, an exact multiple`, fields, payloadLength: 4 * 1360, gsoSize: 1360 },
      { title: `${kind}, a byte more than a multiple`, fields, payloadLength: 4 * 1360 + 1, gsoSize: 1360 },
      { title: `${kind}, odd sizes`, fields, payloadLength: 9999, gsoSize: 1337 },
      { title: `${kind}, one byte each`, fields, payloadLength: 40, gsoSize: 1 },
      { title: `${kind}, less than one segment`, fields, payloadLength: 300, gsoSize: 1360 },
      { title: `${kind}, exactly one segment`, fields, payloadLength: 1360, gsoSize: 1360 },
      { title: `${kind}, no payload`, fields, payloadLength: 0, gsoSize: 1360 },
      { title: `${kind}, segments of a size that no packet reaches`, fields, payloadLength: 9, gsoSize: 65_000 },
    ];
  }),
  { title: 'TCP over IPv4, 64 KiB', fields: TCP4, payloadLength: 65_535 - 40, gsoSize: 1360 },
  { title: 'TCP over IPv6, 64 KiB', fields: TCP6, payloadLength: 65_535 - 20, gsoSize: 1340 },
  { title: 'UDP over IPv4, 64 KiB', fields: UDP4, payloadLength: 65_535 - 28, gsoSize: 1372 },
  { title: 'UDP over IPv6, 64 KiB', fields: UDP6, payloadLength: 65_535 - 8, gsoSize: 1352 },
  {
    title: 'TCP with timestamps',
    fields: { ...TCP4, tcpOptions: TIMESTAMPS },
    payloadLength: 20_000,
    gsoSize: 1348,
  },
  {
    title: 'TCP over IPv6 with all options that fit',
    fields: { ...TCP6, tcpOptions: new Uint8Array(40).fill(1) },
    payloadLength: 20_000,
    gsoSize: 1300,
  },
  {
    title: 'TCP behind IPv4 options',
    fields: { ...TCP4, ipOptions: ROUTER_ALERT, tcpOptions: TIMESTAMPS },
    payloadLength: 6000,
    gsoSize: 1344,
  },
  {
    title: 'UDP behind IPv4 options',
    fields: { ...UDP4, ipOptions: new Uint8Array(40).fill(1) },
    payloadLength: 6000,
    gsoSize: 1000,
  },
  {
    title: 'TCP behind an IPv6 extension header',
    fields: { ...TCP6, ipOptions: destinationOptions(8) },
    payloadLength: 6000,
    gsoSize: 1300,
  },
  {
    title: 'UDP behind a long IPv6 extension header',
    fields: { ...UDP6, ipOptions: destinationOptions(256) },
    payloadLength: 6000,
    gsoSize: 1000,
  },
  {
    title: 'TCP in packets of 4087 bytes',
    fields: TCP4,
    payloadLength: 50_000,
    gsoSize: MAX_FRAMED_LENGTH - 40,
  },
];

/** Bytes in no order, the same in each run. */
export function noise(length: number): Uint8Array {
  let state = length + 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}
