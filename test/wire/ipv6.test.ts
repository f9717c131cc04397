import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  formatIpv6,
  formatIpv6Prefix,
  isInIpv6Prefix,
  parseIpv6,
  parseIpv6Prefix,
  readIpv6,
  writeIpv6,
} from '../../src/wire/ipv6.ts';

const addresses = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });

describe('IPv6 text', () => {
  // RFC 5952 section 4.
  for (const [input, shown] of [
    ['2001:db8::1', '2001:db8::1'],
    ['2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['::', '::'],
    ['1::', '1::'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ] as const) {
    test(`${input} is ${shown}`, () => assert.equal(formatIpv6(parseIpv6(input)!), shown));
  }

  for (const bad of [
    '',
    ':',
    '1:2',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    'g::',
    '12345::',
    '::1.2.3',
    '::1.2.3.256',
    'fe80::1%eth0',
    '1.2.3.4',
  ]) {
    test(`"${bad}" is none`, () => assert.equal(parseIpv6(bad), undefined));
  }

  test('whatever is written is read back, as text and as bytes', () => {
    fc.assert(
      fc.property(addresses, address => {
        const bytes = new Uint8Array(20);
        writeIpv6(address, bytes, 3);
        assert.equal(readIpv6(bytes, 3), address);
        assert.equal(parseIpv6(formatIpv6(address)), address);
      }),
    );
  });

  test('no text is taken that the platform refuses', () => {
    const characters = fc.constantFrom(...'0123456789abcdefg:.% '.split(''));
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 24 }), text => {
        if (parseIpv6(text) !== undefined) assert.ok(isIPv6(text), text);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('IPv6 prefixes', () => {
  test('a prefix is written and read', () => {
    const prefix = parseIpv6Prefix('2001:db8:1::/48')!;
    assert.equal(formatIpv6Prefix(prefix), '2001:db8:1::/48');
    assert.ok(isInIpv6Prefix(parseIpv6('2001:db8:1:ffff::1')!, prefix));
    assert.ok(!isInIpv6Prefix(parseIpv6('2001:db8:2::1')!, prefix));
    assert.ok(isInIpv6Prefix(1n, { address: 0n, length: 0 }));
  });

  test('bits behind the length, and lengths over 128, are refused', () => {
    assert.equal(parseIpv6Prefix('2001:db8::1/64'), undefined);
    assert.equal(parseIpv6Prefix('2001:db8::/129'), undefined);
    assert.equal(parseIpv6Prefix('2001:db8::'), undefined);
  });
});
