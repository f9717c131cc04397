import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  DATA_HEADER_LENGTH,
  encodeDataPacket,
  isControlProtocol,
  MAX_INFORMATION_LENGTH,
  parsePppFrame,
  PppProtocol,
  type PppFrame,
} from '../../src/wire/ppp.ts';
import { HEADER_LENGTH, MAX_PACKET_LENGTH } from '../../src/wire/sstp.ts';
import { isWireError, WireError } from '../../src/wire/wire-error.ts';
import { counting, hex } from './hex.ts';

describe('PPP frames', () => {
  const accepted: readonly [name: string, bytes: string, frame: PppFrame][] = [
    ['with address, control and a full protocol', 'FF03 C021 01', { protocol: PppProtocol.Lcp, at: 4, end: 5 }],
    ['without address and control', 'C021 01', { protocol: PppProtocol.Lcp, at: 2, end: 3 }],
    ['with a compressed protocol', 'FF03 21 45', { protocol: PppProtocol.Ipv4, at: 3, end: 4 }],
    ['with everything compressed', '21 45', { protocol: PppProtocol.Ipv4, at: 1, end: 2 }],
    ['with a full IPv4 protocol', '0021 45', { protocol: PppProtocol.Ipv4, at: 2, end: 3 }],
    ['without information', 'FF03 8021', { protocol: PppProtocol.Ipcp, at: 4, end: 4 }],
    ['with a one-byte frame', '57', { protocol: PppProtocol.Ipv6, at: 1, end: 1 }],
    ['with a compressed datagram in full form', 'FF03 00FD 90', { protocol: 0x00fd, at: 4, end: 5 }],
    ['with a compressed datagram in short form', 'FD 90', { protocol: 0x00fd, at: 1, end: 2 }],
    ['with FF 03 as its information', 'C021 FF03', { protocol: PppProtocol.Lcp, at: 2, end: 4 }],
  ];
  for (const [name, bytes, frame] of accepted) {
    test(`${name} are accepted`, () => {
      assert.deepEqual(parse(hex(bytes)), frame);
      const shifted = Uint8Array.of(0xff, 0x03, ...hex(bytes), 0x03);
      const view = new DataView(shifted.buffer);
      assert.deepEqual(parsePppFrame(view, 2, shifted.length - 1), {
        protocol: frame.protocol,
        at: frame.at + 2,
        end: frame.end + 2,
      });
    });
  }

  const refused: readonly [name: string, bytes: string, error: WireError][] = [
    ['nothing at all', '', WireError.Truncated],
    ['address and control alone', 'FF03', WireError.Truncated],
    ['half a protocol', 'C0', WireError.Truncated],
    ['half a protocol behind address and control', 'FF03 00', WireError.Truncated],
    ['a protocol with an even second byte', 'FF03 C020 01', WireError.Value],
    ['address without control', 'FF04 C021', WireError.Value],
    ['the address byte alone', 'FF', WireError.Value],
  ];
  for (const [name, bytes, error] of refused) {
    test(`${name} is an error`, () => assert.equal(parse(hex(bytes)), error));
  }

  test('any bytes are a frame inside its bounds or an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 8 }), bytes => {
        const frame = parse(bytes);
        if (isWireError(frame)) return;
        assert.ok(frame.at > 0 && frame.at <= frame.end && frame.end === bytes.length);
        assert.equal(frame.protocol & 1, 1);
      }),
    );
  });
});

describe('SSTP data packets', () => {
  test('an empty LCP Configure-Request', () => {
    assert.deepEqual(encodeDataPacket(PppProtocol.Lcp, hex('01010004')), hex('1000000C FF03 C021 01010004'));
  });

  test('always have FF 03 and a full protocol, even where it could be compressed', () => {
    assert.deepEqual(encodeDataPacket(PppProtocol.Ipv4, hex('45')), hex('10000009 FF03 0021 45'));
  });

  test('are read back as the frame that they were made of', () => {
    const protocols = fc.constantFrom(...Object.values(PppProtocol));
    fc.assert(
      fc.property(protocols, fc.uint8Array({ maxLength: 40 }), (protocol, information) => {
        const packet = encodeDataPacket(protocol, information);
        const frame = parsePppFrame(new DataView(packet.buffer), HEADER_LENGTH, packet.length);
        assert.ok(!isWireError(frame));
        assert.equal(frame.protocol, protocol);
        assert.deepEqual(packet.slice(frame.at, frame.end), information);
      }),
    );
  });

  test('take the longest information field that 4095 bytes hold, and throw for more', () => {
    const packet = encodeDataPacket(PppProtocol.Ipv6, counting(MAX_INFORMATION_LENGTH));
    assert.equal(packet.length, MAX_PACKET_LENGTH);
    assert.equal(MAX_INFORMATION_LENGTH, 4087);
    assert.deepEqual(packet.slice(DATA_HEADER_LENGTH), counting(MAX_INFORMATION_LENGTH));
    assert.throws(() => encodeDataPacket(PppProtocol.Ipv6, counting(MAX_INFORMATION_LENGTH + 1)), RangeError);
  });
});

test('control protocols begin at 0x8000', () => {
  for (const protocol of [PppProtocol.Ipv4, PppProtocol.Ipv6, PppProtocol.CompressedDatagram, 0x7fff]) {
    assert.equal(isControlProtocol(protocol), false);
  }
  for (const protocol of [0x8000, PppProtocol.Ipcp, PppProtocol.Lcp, PppProtocol.Eap, 0xffff]) {
    assert.equal(isControlProtocol(protocol), true);
  }
});

function parse(bytes: Uint8Array): PppFrame | WireError {
  return parsePppFrame(new DataView(bytes.buffer), 0, bytes.length);
}
