import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { decodeCpPacket, encodeCpPacket } from '../../src/wire/control-protocol.ts';
import { PapCode, papRequest, papResult, parsePapMessage, parsePapRequest } from '../../src/wire/pap.ts';
import { isWireError, WireError } from '../../src/wire/wire-error.ts';
import { checkFieldCodec } from './codec-contract.ts';
import { ascii, counting, hex } from './hex.ts';

describe('PAP Authenticate-Request', () => {
  checkFieldCodec({
    parse: parsePapRequest,
    encode: request => papRequest(1, request).data,
    trailing: 'padding',
    shortest: 16,
    vectors: [
      {
        name: 'User with clientPass',
        bytes: Uint8Array.of(4, ...ascii('User'), 10, ...ascii('clientPass')),
        value: { user: ascii('User'), password: ascii('clientPass') },
      },
    ],
  });

  test('the whole packet', () => {
    const packet = papRequest(7, { user: ascii('a'), password: ascii('b') });
    assert.deepEqual(encodeCpPacket(packet), hex('01 07 0008 01 61 01 62'));
  });

  test('empty fields are fields', () => {
    const empty = { user: new Uint8Array(0), password: new Uint8Array(0) };
    assert.deepEqual(parsePapRequest(hex('0000')), empty);
    assert.deepEqual(papRequest(1, empty).data, hex('0000'));
  });

  test('a length that leaves the packet is an error', () => {
    assert.equal(parsePapRequest(hex('05 61626364')), WireError.Truncated);
    assert.equal(parsePapRequest(hex('01 61 02 62')), WireError.Truncated);
    assert.equal(parsePapRequest(hex('FF')), WireError.Truncated);
  });

  test('a field that its length byte cannot hold throws', () => {
    const [longest, longer] = [counting(255), counting(256)];
    assert.deepEqual(parsePapRequest(papRequest(1, { user: longest, password: longest }).data), {
      user: longest,
      password: longest,
    });
    assert.throws(() => papRequest(1, { user: longer, password: longest }), RangeError);
    assert.throws(() => papRequest(1, { user: longest, password: longer }), RangeError);
  });

  test('any bytes are a request or an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), bytes => {
        const request = parsePapRequest(bytes);
        if (isWireError(request)) return;
        const again = papRequest(1, request).data;
        assert.deepEqual(again, bytes.slice(0, again.length));
      }),
    );
  });
});

describe('PAP Ack and Nak', () => {
  test('carry a message behind its length', () => {
    const packet = papResult(PapCode.AuthenticateNak, 7, ascii('no'));
    assert.deepEqual(encodeCpPacket(packet), hex('03 07 0007 02 6E6F'));
    assert.deepEqual(parsePapMessage(packet.data), ascii('no'));
  });

  test('a message is cut to 255 bytes', () => {
    const packet = papResult(PapCode.AuthenticateAck, 7, counting(300));
    assert.deepEqual(parsePapMessage(packet.data), counting(255));
  });

  test("MikroTik's Ack, whose Length leaves out the message behind it, is a good Ack", () => {
    const packet = decodeCpPacket(Uint8Array.of(...hex('02 01 0004 08'), ...ascii('Login ok')));
    assert.ok(!isWireError(packet));
    assert.equal(packet.code, PapCode.AuthenticateAck);
    assert.deepEqual(parsePapMessage(packet.data), new Uint8Array(0));
  });

  test('a message shorter than it says is what there is of it', () => {
    assert.deepEqual(parsePapMessage(hex('08 6162')), ascii('ab'));
  });
});
