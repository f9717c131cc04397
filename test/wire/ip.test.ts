import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  formatIpv4,
  internetChecksum,
  IpProtocol,
  ipv4Destination,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
  ipVersion,
  onesComplementSum,
  parseIpv4,
} from '../../src/wire/ip.ts';
import { counting, hex } from './hex.ts';

// The header that every text on the Internet checksum shows; its checksum is B861.
const IPV4_HEADER = hex('45000073 00004000 4011B861 C0A80001 C0A800C7');

describe('IP headers', () => {
  test('the fields of an IPv4 header, at an offset', () => {
    const view = new DataView(Uint8Array.of(0, 0, 0, ...IPV4_HEADER).buffer);
    assert.equal(ipVersion(view, 3), 4);
    assert.equal(ipv4HeaderLength(view, 3), 20);
    assert.equal(ipv4TotalLength(view, 3), 0x73);
    assert.equal(ipv4Protocol(view, 3), IpProtocol.Udp);
    assert.equal(formatIpv4(ipv4Source(view, 3)), '192.168.0.1');
    assert.equal(formatIpv4(ipv4Destination(view, 3)), '192.168.0.199');
  });
});

describe('the Internet checksum', () => {
  test('of the example in RFC 1071 section 3', () => {
    const bytes = hex('0001F203F4F5F6F7');
    assert.equal(onesComplementSum(new DataView(bytes.buffer), 0, bytes.length), 0xddf2);
    assert.equal(internetChecksum(new DataView(bytes.buffer), 0, bytes.length), 0x220d);
  });

  test('is zero over a header that carries it', () => {
    const view = new DataView(IPV4_HEADER.slice().buffer);
    assert.equal(internetChecksum(view, 0, 20), 0);
    view.setUint16(10, 0);
    assert.equal(internetChecksum(view, 0, 20), 0xb861);
  });

  test('pads an odd last byte with zero', () => {
    const view = new DataView(hex('01 02 03').buffer);
    assert.equal(onesComplementSum(view, 1, 3), 0x0203);
    assert.equal(onesComplementSum(view, 1, 2), 0x0200);
    assert.equal(onesComplementSum(view, 0, 3), 0x0402);
    assert.equal(onesComplementSum(view, 0, 0), 0);
  });

  test('may be summed in pieces of even length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 200 }), fc.nat(100), (bytes, half) => {
        const view = new DataView(bytes.slice().buffer);
        const cut = Math.min(half * 2, bytes.length - (bytes.length % 2));
        const whole = onesComplementSum(view, 0, bytes.length);
        assert.equal(onesComplementSum(view, cut, bytes.length, onesComplementSum(view, 0, cut)), whole);
      }),
    );
  });

  test('folds as often as the sum of a long packet needs', () => {
    const view = new DataView(new Uint8Array(65_536).fill(0xff).buffer);
    assert.equal(onesComplementSum(view, 0, 65_536), 0xffff);
    assert.equal(onesComplementSum(new DataView(counting(4096).buffer), 0, 4096, 0xffff_ffff) >> 16, 0);
  });
});

describe('IPv4 addresses as text', () => {
  test('every address survives', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), address =>
        assert.equal(parseIpv4(formatIpv4(address)), address),
      ),
    );
  });

  test('known ones', () => {
    assert.equal(parseIpv4('0.0.0.0'), 0);
    assert.equal(parseIpv4('10.0.0.1'), 0x0a000001);
    assert.equal(parseIpv4('255.255.255.255'), 0xffffffff);
    assert.equal(formatIpv4(0xc0a80001), '192.168.0.1');
  });

  test('anything else is none', () => {
    for (const text of [
      '',
      '1.2.3',
      '1.2.3.4.5',
      '256.0.0.1',
      '01.2.3.4',
      '1.2.3.-4',
      ' 1.2.3.4',
      '1.2.3.4\n',
      '0x1.2.3.4',
      '::1',
    ]) {
      assert.equal(parseIpv4(text), undefined, text);
    }
  });
});
