import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { internetChecksum } from '../../src/wire/ip.ts';
import {
  encodeIpv4Packet,
  encodeIpv6Packet,
  encodeUdp4,
  encodeUdp6,
  parseIpv4Packet,
  parseIpv6Packet,
  parseUdp4,
  parseUdp6,
} from '../../src/wire/ip-packet.ts';
import { isWireError, WireError } from '../../src/wire/wire-error.ts';
import { DHCPINFORM, DHCPV6_SOLICIT } from './debian-clients.ts';
import { counting } from './hex.ts';

const CLIENT6 = 0xfe80_0000_0000_0000_c818_8fff_fe0a_f591n;
const DATAGRAM = { sourcePort: 68, destinationPort: 67, data: counting(33) };

describe('IP packets as values', () => {
  test('what Debian sent is read, checksums included', () => {
    const packet4 = parsed(parseIpv4Packet(DHCPINFORM));
    assert.deepEqual([packet4.protocol, packet4.source, packet4.destination], [17, 0x0a420007, 0xffffffff]);
    const datagram4 = parsed(parseUdp4(packet4));
    assert.deepEqual([datagram4.sourcePort, datagram4.destinationPort, datagram4.data.length], [68, 67, 300]);

    const packet6 = parsed(parseIpv6Packet(DHCPV6_SOLICIT));
    assert.deepEqual([packet6.nextHeader, packet6.hopLimit, packet6.source], [17, 1, CLIENT6]);
    const datagram6 = parsed(parseUdp6(packet6));
    assert.deepEqual([datagram6.sourcePort, datagram6.destinationPort, datagram6.data.length], [546, 547, 134]);
  });

  test('a datagram survives the way there and back, in both families', () => {
    const packet4 = parsed(parseIpv4Packet(encodeUdp4(0x0a420001, 0xc0a80001, DATAGRAM)));
    assert.deepEqual(parseUdp4(packet4), DATAGRAM);
    const packet6 = parsed(parseIpv6Packet(encodeUdp6(1n, CLIENT6, DATAGRAM)));
    assert.deepEqual(parseUdp6(packet6), DATAGRAM);
  });

  test('an IPv4 header has a valid checksum and asks not to be fragmented', () => {
    const bytes = encodeIpv4Packet({ protocol: 17, source: 1, destination: 2, payload: counting(5) });
    const view = new DataView(bytes.buffer);
    assert.deepEqual([internetChecksum(view, 0, 20), view.getUint16(2), view.getUint16(6)], [0, 25, 0x4000]);
  });

  test('a UDP checksum that comes out as zero is sent as its other form', () => {
    for (let word = 0; word < 0x10000; word += 1) {
      const data = Uint8Array.of(word >> 8, word & 0xff);
      const bytes = encodeUdp6(1n, 2n, { sourcePort: 1, destinationPort: 2, data });
      const checksum = new DataView(bytes.buffer).getUint16(46);
      assert.notEqual(checksum, 0);
      if (checksum === 0xffff) return;
    }
    assert.fail('no data has that checksum');
  });

  test('every truncation is an error, padding is none', () => {
    for (const [packet, parse] of [
      [DHCPINFORM, parseIpv4Packet],
      [DHCPV6_SOLICIT, parseIpv6Packet],
    ] as const) {
      for (let length = 0; length < packet.length; length++) {
        assert.ok(isWireError(parse(packet.subarray(0, length))), `${length} bytes`);
      }
      assert.deepEqual(parse(Uint8Array.of(...packet, 1, 2, 3)), parse(packet));
    }
    const { payload, ...header } = parsed(parseIpv6Packet(DHCPV6_SOLICIT));
    for (let length = 0; length < payload.length; length++) {
      assert.ok(isWireError(parseUdp6({ ...header, payload: payload.subarray(0, length) })));
    }
  });

  test('a fragment, a broken header, another version and a wrong UDP checksum are errors', () => {
    assert.equal(parseIpv4Packet(DHCPINFORM.with(6, 0x20)), WireError.Value);
    assert.equal(parseIpv4Packet(DHCPINFORM.with(8, 63)), WireError.Value);
    assert.equal(parseIpv4Packet(DHCPINFORM.with(0, 0x65)), WireError.Version);
    assert.equal(parseIpv4Packet(DHCPINFORM.with(0, 0x44)), WireError.Length);
    assert.equal(parseIpv6Packet(DHCPV6_SOLICIT.with(0, 0x45)), WireError.Version);
    assert.equal(parseUdp4(parsed(parseIpv4Packet(DHCPINFORM.with(60, 1)))), WireError.Value);
    assert.equal(parseUdp6(parsed(parseIpv6Packet(DHCPV6_SOLICIT.with(60, 1)))), WireError.Value);
  });

  test('a UDP checksum may be missing in IPv4 only', () => {
    const without4 = DHCPINFORM.with(26, 0).with(27, 0);
    assert.ok(!isWireError(parseUdp4(parsed(parseIpv4Packet(without4)))));
    const without6 = DHCPV6_SOLICIT.with(46, 0).with(47, 0);
    assert.equal(parseUdp6(parsed(parseIpv6Packet(without6))), WireError.Value);
  });

  test('any bytes are taken', () => {
    const bytes = fc.uint8Array({ maxLength: 128, size: 'max' });
    fc.assert(
      fc.property(bytes, fc.constantFrom(0x45, 0x60, undefined), (tail, first) => {
        const packet = first === undefined ? tail : Uint8Array.of(first, ...tail);
        const [four, six] = [parseIpv4Packet(packet), parseIpv6Packet(packet)];
        if (!isWireError(four)) parseUdp4(four);
        if (!isWireError(six)) {
          parseUdp6(six);
          assert.deepEqual(parseIpv6Packet(encodeIpv6Packet(six)), six);
        }
      }),
    );
  });
});

function parsed<Value>(value: Value | WireError): Value {
  assert.ok(!isWireError(value));
  return value;
}
