import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  Dhcpv6OptionCode,
  Dhcpv6Type,
  dnsServersOption,
  encodeDhcpv6,
  encodeIdentityAssociation,
  iaPrefixOption,
  type IaPrefix,
  parseDhcpv6,
  parseIaPrefix,
  parseIdentityAssociation,
  parseOptionRequest,
  statusOption,
} from '../../src/wire/dhcpv6.ts';
import { encodeDomainNames } from '../../src/wire/domain-name.ts';
import { isWireError } from '../../src/wire/wire-error.ts';
import { checkFieldCodec } from './codec-contract.ts';
import { DHCPV6_SOLICIT } from './debian-clients.ts';
import { hex } from './hex.ts';

const SOLICIT = DHCPV6_SOLICIT.subarray(48);
const PREFIX = { address: 0x2001_0db8_1200n << 80n, length: 56 };

describe('DHCPv6', () => {
  test('the Solicit that dhcpcd sent reads as tcpdump reads it, and is written the same', () => {
    const message = parseDhcpv6(SOLICIT);
    assert.ok(!isWireError(message));
    assert.deepEqual([message.type, message.transactionId], [Dhcpv6Type.Solicit, 0xd153d1]);
    assert.deepEqual(
      message.options.map(({ code }) => code),
      [1, 3, 25, 6, 8, 16],
    );
    const [, , delegation, request] = message.options;
    assert.deepEqual(parseIdentityAssociation(delegation!.data), { iaid: 2, t1: 0, t2: 0, options: [] });
    assert.deepEqual(parseOptionRequest(request!.data), [23, 82, 83]);
    assert.deepEqual(encodeDhcpv6(message), SOLICIT);
  });

  test('a cut is a shorter message or an error, never more', () => {
    for (let length = 0; length < SOLICIT.length; length++) {
      const message = parseDhcpv6(SOLICIT.subarray(0, length));
      if (!isWireError(message)) assert.deepEqual(encodeDhcpv6(message), SOLICIT.slice(0, length));
    }
    assert.ok(isWireError(parseDhcpv6(SOLICIT.subarray(0, 3))) && isWireError(parseDhcpv6(SOLICIT.subarray(0, 5))));
  });

  checkFieldCodec({
    parse: parseIdentityAssociation,
    encode: encodeIdentityAssociation,
    trailing: 'error',
    shortest: 12,
    vectors: [
      {
        name: 'an association with a status',
        bytes: hex('00000002 00000708 00000b40 000d 0005 0006 6e6f6e'),
        value: { iaid: 2, t1: 1800, t2: 2880, options: [{ code: 13, data: hex('00066e6f6e') }] },
      },
    ],
  });

  checkFieldCodec<IaPrefix>({
    parse: parseIaPrefix,
    encode: prefix => iaPrefixOption(prefix).data,
    trailing: 'padding',
    shortest: 25,
    vectors: [
      {
        name: 'a delegated prefix',
        bytes: hex('00000e10 00001c20 38 20010db8120000000000000000000000'),
        value: { prefix: PREFIX, preferredLifetime: 3600, validLifetime: 7200 },
      },
    ],
  });

  test('a prefix longer than an address is an error, bits behind its length are none of it', () => {
    assert.ok(isWireError(parseIaPrefix(hex('00000e10 00001c20 81 20010db8120000000000000000000000'))));
    const found = parseIaPrefix(hex('00000e10 00001c20 38 20010db8120000ff0000000000000000'));
    assert.ok(!isWireError(found));
    assert.equal(found.prefix.address, PREFIX.address);
  });

  test('status, name servers and search lists have the bytes of RFC 8415 21.13 and RFC 3646', () => {
    assert.deepEqual(statusOption(2, 'no'), { code: Dhcpv6OptionCode.StatusCode, data: hex('0002 6e6f') });
    assert.deepEqual(dnsServersOption([0x53n]).data, hex('00000000000000000000000000000053'));
    assert.deepEqual(encodeDomainNames(['a.example', 'b.']), hex('0161 07 6578616d706c65 00 0162 00'));
    for (const bad of ['', '.', 'a..b', `${'x'.repeat(64)}.de`, 'x.'.repeat(128)]) {
      assert.throws(() => encodeDomainNames([bad]), RangeError, bad);
    }
  });

  test('any bytes are taken', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 128, size: 'max' }), bytes => {
        parseIdentityAssociation(bytes);
        parseIaPrefix(bytes);
        parseOptionRequest(bytes);
        const message = parseDhcpv6(bytes);
        if (!isWireError(message)) assert.deepEqual(encodeDhcpv6(message), bytes.slice());
      }),
    );
  });
});
