import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { encodeIcmpv6, type Icmpv6Message, parseIcmpv6 } from '../../src/wire/icmpv6.ts';
import { encodeIpv6Packet, type Ipv6Packet, parseIpv6Packet } from '../../src/wire/ip-packet.ts';
import { isWireError, WireError } from '../../src/wire/wire-error.ts';
import { ROUTER_SOLICITATION } from './debian-clients.ts';
import { counting, hex } from './hex.ts';

const [ROUTER, HOST] = [(0xfe80n << 112n) | 1n, (0xfe80n << 112n) | 7n];

const MESSAGES: readonly Icmpv6Message[] = [
  { kind: 'echo-request', identifier: 0x5353, sequence: 9, data: counting(56) },
  { kind: 'echo-reply', identifier: 1, sequence: 0xffff, data: counting(0) },
  { kind: 'router-solicitation' },
  {
    kind: 'router-advertisement',
    hopLimit: 64,
    isManaged: false,
    hasOther: true,
    routerLifetime: 3600,
    prefixes: [
      {
        prefix: { address: 0x2001_0db8_0007n << 80n, length: 64 },
        isOnLink: true,
        isAutonomous: true,
        validLifetime: 2_592_000,
        preferredLifetime: 604_800,
      },
    ],
    mtu: 1400,
    dns: [{ lifetime: 3600, servers: [(0x2001_0db8n << 96n) | 0x53n, ROUTER] }],
  },
  {
    kind: 'router-advertisement',
    hopLimit: 0,
    isManaged: true,
    hasOther: false,
    routerLifetime: 0,
    prefixes: [],
    mtu: undefined,
    dns: [],
  },
  { kind: 'neighbor-solicitation', target: ROUTER },
  { kind: 'neighbor-advertisement', isRouter: true, isSolicited: true, isOverride: true, target: ROUTER },
  { kind: 'neighbor-advertisement', isRouter: false, isSolicited: false, isOverride: false, target: HOST },
];

describe('ICMPv6', () => {
  test('the solicitation that Debian sent is one', () => {
    assert.deepEqual(parse(ROUTER_SOLICITATION), { kind: 'router-solicitation' });
  });

  test('an advertisement has the bytes of RFC 4861 4.2, 4.6.2, 4.6.4 and RFC 8106 5.1', () => {
    const bytes = encodeIcmpv6(ROUTER, HOST, MESSAGES[3]!);
    const withoutChecksum = bytes.slice(40).fill(0, 2, 4);
    assert.deepEqual(
      withoutChecksum,
      hex(`86 00 0000 40 40 0e10 00000000 00000000
        03 04 40 c0 00278d00 00093a80 00000000 20010db8000700000000000000000000
        05 01 0000 00000578
        19 05 0000 00000e10 20010db8000000000000000000000053 fe800000000000000000000000000001`),
    );
    assert.deepEqual(bytes.slice(0, 8), hex('60000000 0060 3a ff'));
  });

  for (const message of MESSAGES) {
    test(`${message.kind} survives the way there and back, and no truncation of it`, () => {
      const bytes = encodeIcmpv6(ROUTER, HOST, message);
      assert.deepEqual(parse(bytes), message);
      const packet = parsed(bytes);
      for (let length = 0; length < packet.payload.length; length++) {
        assert.ok(isWireError(parseIcmpv6({ ...packet, payload: packet.payload.subarray(0, length) })));
      }
      for (let at = 8; at < bytes.length; at++) {
        const damaged = at === 40 ? bytes.with(at, 1) : bytes.with(at, bytes[at]! ^ 0x10);
        assert.ok(isWireError(parse(damaged)), `damage at ${at}`);
      }
    });
  }

  test('Neighbor Discovery that a router has passed on is refused, a ping is not', () => {
    for (const message of MESSAGES) {
      const packet = { ...parsed(encodeIcmpv6(ROUTER, HOST, message)), hopLimit: 254 };
      assert.equal(isWireError(parseIcmpv6(packet)), !message.kind.startsWith('echo'));
    }
  });

  test('options that are too short or too long for themselves are errors', () => {
    for (const options of [
      '0100000000000000',
      '0102000000000000',
      '01',
      '0302000000000000 0000000000000000',
      '0502000000000000 0000000000000000',
      '1901000000000e10',
    ]) {
      const found = resealed(Uint8Array.of(...hex('86000000400007080000000000000000'), ...hex(options)));
      assert.ok(isWireError(parseIcmpv6(found)), options);
    }
    assert.equal(parseIcmpv6(resealed(hex('8500000000000000 0102000000000000'))), WireError.Truncated);
    assert.equal(parseIcmpv6(resealed(hex('0100000000000000'))), WireError.Value);
  });

  test('bits behind a prefix length are no part of the prefix', () => {
    const information = hex(`0304 3c c0 00278d00 00093a80 00000000 20010db8000700ffffffffffffffffff`);
    const found = parseIcmpv6(resealed(Uint8Array.of(...hex('86000000400007080000000000000000'), ...information)));
    assert.ok(!isWireError(found) && found.kind === 'router-advertisement');
    assert.equal(found.prefixes[0]?.prefix.address, 0x2001_0db8_0007_00f0n << 64n);
  });

  test('any payload is taken', () => {
    const payload = fc.tuple(
      fc.constantFrom(128, 133, 134, 135, 136, 1),
      fc.uint8Array({ maxLength: 96, size: 'max' }),
    );
    fc.assert(
      fc.property(payload, ([type, rest]) => void parseIcmpv6(resealed(Uint8Array.of(type, 0, 0, 0, ...rest)))),
    );
  });
});

function parse(bytes: Uint8Array): Icmpv6Message | WireError {
  return parseIcmpv6(parsed(bytes));
}

function parsed(bytes: Uint8Array): Ipv6Packet {
  const packet = parseIpv6Packet(bytes);
  assert.ok(!isWireError(packet));
  return packet;
}

/** A packet with this payload and a checksum that is right. */
function resealed(payload: Uint8Array): Ipv6Packet {
  const bytes = encodeIpv6Packet({ nextHeader: 58, hopLimit: 255, source: ROUTER, destination: HOST, payload });
  const view = new DataView(bytes.buffer);
  view.setUint16(42, 0);
  let sum = 58 + payload.length;
  for (let at = 8; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(42, sum ^ 0xffff);
  return parsed(bytes);
}
