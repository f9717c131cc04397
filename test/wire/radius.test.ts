import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { parseIpv6, parseIpv6Prefix } from '../../src/wire/ipv6.ts';
import {
  addressValue,
  attributeOffset,
  encodeRadiusPacket,
  integerValue,
  interfaceIdValue,
  ipv6AddressValue,
  ipv6PrefixValue,
  MicrosoftAttribute,
  parseRadiusPacket,
  RadiusAttribute,
  RadiusCode,
  type RadiusPacket,
  RadiusVendor,
  readInteger,
  readInterfaceId,
  readIpv6Address,
  readIpv6PrefixValue,
  textValue,
  vendorAttribute,
  vendorAttributes,
} from '../../src/wire/radius.ts';
import { isWireError, WireError } from '../../src/wire/wire-error.ts';
import { checkFieldCodec } from './codec-contract.ts';
import { ascii, counting, hex } from './hex.ts';

const NEMO_REQUEST = hex(`
  01 00 00 38 0f 40 3f 94 73 97 80 57 bd 83 d5 cb 98 f4 22 7a
  01 06 6e 65 6d 6f 02 12 0d be 70 8d 93 d4 13 ce 31 96 e4 3f 78 2a 0a ee
  04 06 c0 a8 01 10 05 06 00 00 00 03`);

describe('RADIUS packets', () => {
  checkFieldCodec({
    parse: parseRadiusPacket,
    encode: encodeRadiusPacket,
    trailing: 'padding',
    shortest: NEMO_REQUEST.length,
    vectors: [
      {
        name: 'RFC 2865 7.1',
        bytes: NEMO_REQUEST,
        value: {
          code: RadiusCode.AccessRequest,
          identifier: 0,
          authenticator: hex('0f403f9473978057bd83d5cb98f4227a'),
          attributes: [
            { type: RadiusAttribute.UserName, value: ascii('nemo') },
            { type: RadiusAttribute.UserPassword, value: hex('0dbe708d93d413ce3196e43f782a0aee') },
            { type: RadiusAttribute.NasIpAddress, value: addressValue(0xc0a80110) },
            { type: RadiusAttribute.NasPort, value: integerValue(3) },
          ],
        },
      },
    ],
  });

  test('a packet without attributes is one', () => {
    const bare = { code: 13, identifier: 255, authenticator: counting(16), attributes: [] };
    assert.deepEqual(parseRadiusPacket(encodeRadiusPacket(bare)), bare);
  });

  test('a length below the header or above 4096 is an error', () => {
    for (const length of [0, 19, 4097, 0xffff]) {
      const bytes = new Uint8Array(0x10000);
      bytes.set([1, 0, length >> 8, length & 0xff]);
      assert.equal(parseRadiusPacket(bytes), WireError.Length, String(length));
    }
  });

  test('an attribute that is shorter than its own header, or longer than the packet, is an error', () => {
    const cases: [attribute: string, error: WireError][] = [
      ['01 00', WireError.Length],
      ['01 01', WireError.Length],
      ['01 03', WireError.Truncated],
      ['01', WireError.Truncated],
      ['01 03 61 02', WireError.Truncated],
    ];
    for (const [attribute, error] of cases) {
      const body = hex(attribute);
      const bytes = Uint8Array.of(1, 0, 0, 20 + body.length, ...counting(16), ...body, ...counting(9));
      assert.equal(parseRadiusPacket(bytes), error, attribute);
    }
  });

  test('what has no encoding throws', () => {
    assert.equal(encodeRadiusPacket(packetOf([...Array<number>(15).fill(253), 249])).length, 4096);
    assert.throws(() => encodeRadiusPacket(packetOf([...Array<number>(15).fill(253), 250])), RangeError);
    assert.throws(() => encodeRadiusPacket(packetOf([254])), RangeError);
    assert.throws(() => encodeRadiusPacket(packetOf([], 15)), RangeError);
  });

  test('an attribute is found by its type, and not inside the value of another', () => {
    const bytes = encodeRadiusPacket({
      code: 1,
      identifier: 1,
      authenticator: counting(16),
      attributes: [
        { type: 1, value: hex('5012 5012') },
        { type: 80, value: counting(16) },
      ],
    });
    assert.equal(attributeOffset(bytes, 80), 26);
    assert.equal(attributeOffset(bytes, 81), -1);
  });

  test('any bytes are a packet that encodes to the same bytes, or an error', () => {
    const body = fc.uint8Array({ maxLength: 60 });
    fc.assert(
      fc.property(body, counted => {
        const bytes = Uint8Array.of(2, 9, 0, 20 + counted.length, ...counting(16), ...counted);
        const packet = parseRadiusPacket(bytes);
        if (!isWireError(packet)) assert.deepEqual(encodeRadiusPacket(packet), bytes);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), bytes => void parseRadiusPacket(bytes)));
  });
});

describe('vendor-specific attributes', () => {
  test('one is vendor, type, length, value', () => {
    const attribute = vendorAttribute(RadiusVendor.Microsoft, MicrosoftAttribute.MsRasVendor, integerValue(311));
    assert.deepEqual(attribute, { type: 26, value: hex('00000137 09 06 00000137') });
    assert.deepEqual(vendorAttributes(attribute), [{ vendor: 311, type: 9, value: integerValue(311) }]);
  });

  test('several may share one attribute', () => {
    assert.deepEqual(vendorAttributes({ type: 26, value: hex('00000009 01 03 61 02 02') }), [
      { vendor: 9, type: 1, value: hex('61') },
      { vendor: 9, type: 2, value: hex('') },
    ]);
  });

  test('what has another layout is an error', () => {
    const cases: [value: string, error: WireError][] = [
      ['', WireError.Truncated],
      ['000001', WireError.Truncated],
      ['00000137 01', WireError.Truncated],
      ['00000137 01 01', WireError.Length],
      ['00000137 01 09 61', WireError.Truncated],
      ['00000137 01 03 61 01', WireError.Truncated],
    ];
    for (const [value, error] of cases) assert.equal(vendorAttributes({ type: 26, value: hex(value) }), error, value);
  });

  test('the longest value has 247 bytes', () => {
    assert.equal(vendorAttribute(9, 1, new Uint8Array(247)).value.length, 253);
    assert.throws(() => vendorAttribute(9, 1, new Uint8Array(248)), RangeError);
  });

  test('any value is attributes or an error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 253 }), value => void vendorAttributes({ type: 26, value })));
  });
});

describe('attribute values', () => {
  test('integers have four bytes and no sign', () => {
    assert.deepEqual(integerValue(0xfffffffe), hex('fffffffe'));
    assert.equal(readInteger(hex('fffffffe')), 0xfffffffe);
    // Microsoft's Tunnel-Type for SSTP, MS-RNAP 2.2.2.1, with tag 0.
    assert.deepEqual(integerValue(0x013701), hex('00 013701'));
    for (const value of ['', '000001', '0000000001']) assert.equal(readInteger(hex(value)), undefined);
  });

  test('text is cut to what fits, between two characters', () => {
    assert.deepEqual(textValue('M\u{fc}ller'), hex('4dc3bc6c6c6572'));
    assert.equal(textValue('a'.repeat(253)).length, 253);
    assert.deepEqual(textValue('a'.repeat(300)), ascii('a'.repeat(253)));
    assert.deepEqual(textValue(`${'a'.repeat(252)}\u{fc}`), ascii('a'.repeat(252)));
    assert.deepEqual(textValue(`${'a'.repeat(250)}\u{1f600}`), ascii('a'.repeat(250)));
  });

  test('IPv6 prefixes carry the bytes that have bits of theirs', () => {
    const prefix = parseIpv6Prefix('2001:db8:1:100::/56')!;
    assert.deepEqual(ipv6PrefixValue(prefix), hex('00 38 20010db8000101'));
    assert.deepEqual(readIpv6PrefixValue(hex('00 38 20010db8000101')), prefix);
    // RFC 3162 2.3: up to 16 bytes, bits outside of the prefix zero; some send the address of a host.
    assert.deepEqual(readIpv6PrefixValue(hex('00 38 20010db8 000101ff 00000000 00000001')), prefix);
    assert.deepEqual(readIpv6PrefixValue(hex('00 40 20010db8')), parseIpv6Prefix('2001:db8::/64'));
    for (const value of ['', '00', '00 81 2001', `00 40 ${'00'.repeat(17)}`]) {
      assert.equal(readIpv6PrefixValue(hex(value)), undefined);
    }
  });

  test('IPv6 addresses have 16 bytes, interface identifiers eight', () => {
    const address = parseIpv6('2001:db8::1')!;
    assert.equal(readIpv6Address(ipv6AddressValue(address)), address);
    assert.equal(readIpv6Address(new Uint8Array(15)), undefined);
    assert.equal(readInterfaceId(interfaceIdValue(0xfedc_0000_0000_0001n)), 0xfedc_0000_0000_0001n);
    assert.equal(readInterfaceId(new Uint8Array(9)), undefined);
  });
});

/** With attributes of these lengths. */
function packetOf(lengths: readonly number[], authenticator = 16): RadiusPacket {
  return {
    code: 1,
    identifier: 1,
    authenticator: new Uint8Array(authenticator),
    attributes: lengths.map(length => ({ type: 79, value: new Uint8Array(length) })),
  };
}
