import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { ChapCode, chapValue, parseChapValue } from '../../src/wire/chap.ts';
import {
  EapCode,
  eapMsChapV2OpCode,
  EapType,
  encodeEapMsChapV2,
  encodeEapPacket,
  parseEapMsChapV2,
  parseEapPacket,
  wantedEapTypes,
} from '../../src/wire/eap.ts';
import { isWireError, WireError } from '../../src/wire/wire-error.ts';
import { checkFieldCodec } from './codec-contract.ts';
import { ascii, counting, hex } from './hex.ts';

describe('EAP packet', () => {
  checkFieldCodec({
    parse: parseEapPacket,
    encode: encodeEapPacket,
    trailing: 'padding',
    // Length covers all of it, so that every cut is one too many.
    shortest: 10,
    vectors: [
      {
        name: 'an Identity response',
        bytes: Uint8Array.of(2, 7, 0, 10, 1, ...ascii('alice')),
        value: { code: EapCode.Response, id: 7, type: EapType.Identity, data: ascii('alice') },
      },
    ],
  });

  checkFieldCodec({
    parse: parseEapPacket,
    encode: encodeEapPacket,
    trailing: 'padding',
    shortest: 4,
    vectors: [
      { name: 'a Success', bytes: hex('03 09 0004'), value: { code: EapCode.Success, id: 9 } },
      { name: 'a Failure', bytes: hex('04 09 0004'), value: { code: EapCode.Failure, id: 9 } },
    ],
  });

  test('a type without data is a whole packet: the Identity request, an empty fragment', () => {
    const request = { code: EapCode.Request, id: 1, type: EapType.Identity, data: new Uint8Array(0) };
    assert.deepEqual(parseEapPacket(hex('01 01 0005 01')), request);
    assert.deepEqual(encodeEapPacket(request), hex('01 01 0005 01'));
  });

  test('a Request or Response without a type is an error', () => {
    assert.equal(parseEapPacket(hex('01 01 0004')), WireError.Truncated);
    // The byte behind Length is padding and no type.
    assert.equal(parseEapPacket(hex('02 01 0004 01')), WireError.Truncated);
  });

  test('other codes, among them those of RFC 6696, are an error', () => {
    for (const code of [0, 5, 6, 255]) assert.equal(parseEapPacket(Uint8Array.of(code, 1, 0, 5, 1)), WireError.Value);
  });

  test('any bytes are a packet that is written as it was read, or an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), noise => {
        const bytes = Uint8Array.of(...noise.subarray(0, 2).map(byte => byte & 3), 0, ...noise.subarray(2));
        const packet = parseEapPacket(bytes);
        if (isWireError(packet) || !('type' in packet)) return;
        const again = encodeEapPacket(packet);
        assert.deepEqual(again, bytes.slice(0, again.length));
      }),
    );
  });

  test('a Nak lists types; zero is the wish for none', () => {
    assert.deepEqual(wantedEapTypes(hex('1A 0D')), [EapType.MsChapV2, 13]);
    assert.deepEqual(wantedEapTypes(hex('00')), []);
    assert.deepEqual(wantedEapTypes(hex('')), []);
  });
});

describe('EAP-MSCHAPv2 message', () => {
  const challenge = chapValue(ChapCode.Challenge, 5, { value: counting(16), name: ascii('gw') });

  checkFieldCodec({
    parse: parseEapMsChapV2,
    encode: encodeEapMsChapV2,
    trailing: 'content',
    shortest: 4,
    vectors: [
      {
        name: 'a challenge',
        bytes: hex('01 05 0017 10 000102030405060708090A0B0C0D0E0F 6777'),
        value: challenge,
      },
    ],
  });

  test('MS-Length is that of EAP without its five bytes of header', () => {
    const data = encodeEapMsChapV2(challenge);
    const packet = encodeEapPacket({ code: EapCode.Request, id: 9, type: EapType.MsChapV2, data });
    assert.equal(packet[3], 28);
    assert.equal(data[3], packet.length - 5);
  });

  test('a name ends where the packet does, whatever MS-Length says', () => {
    for (const wrong of ['0000', '0015', '0018', 'FFFF']) {
      const message = parseEapMsChapV2(hex(`02 05 ${wrong} 01 AA 616C696365`));
      assert.ok(!isWireError(message));
      assert.deepEqual(parseChapValue(message.data), { value: hex('AA'), name: ascii('alice') });
    }
  });

  test('the answer to Success or Failure is an OpCode alone', () => {
    assert.equal(eapMsChapV2OpCode(hex('03')), ChapCode.Success);
    assert.equal(eapMsChapV2OpCode(hex('04 05 0004')), ChapCode.Failure);
    assert.equal(eapMsChapV2OpCode(hex('')), undefined);
    assert.equal(parseEapMsChapV2(hex('03')), WireError.Truncated);
  });
});
