import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  codeReject,
  ControlCode,
  cpPacketLength,
  decodeCpPacket,
  emitCpPacket,
  encodeCpPacket,
  encodeOptions,
  parseCpPacket,
  parseOptions,
  type CpOption,
  type CpPacket,
} from '../../src/wire/control-protocol.ts';
import { isWireError, WireError } from '../../src/wire/wire-error.ts';
import { checkFieldCodec, checkViewCodec } from './codec-contract.ts';
import { counting, hex } from './hex.ts';

describe('PPP control packets', () => {
  checkViewCodec<CpPacket>({
    parse: parseCpPacket,
    length: cpPacketLength,
    emit: emitCpPacket,
    trailing: 'padding',
    vectors: [
      {
        name: 'an empty Configure-Request',
        bytes: hex('01 01 0004'),
        value: { code: ControlCode.ConfigureRequest, id: 1, data: new Uint8Array(0) },
      },
      {
        name: 'a Configure-Nak',
        bytes: hex('03 FE 0008 010405DC'),
        value: { code: ControlCode.ConfigureNak, id: 0xfe, data: hex('010405DC') },
      },
      { name: 'a code that nobody knows', bytes: hex('FF 00 0005 AA'), value: { code: 0xff, id: 0, data: hex('AA') } },
    ],
  });

  test('a length below the header is an error, zero among them', () => {
    for (const length of ['0000', '0001', '0003']) {
      assert.equal(decodeCpPacket(hex(`0101 ${length} 0000`)), WireError.Length);
    }
  });

  test('a length beyond the frame is an error', () => {
    assert.equal(decodeCpPacket(hex('0101 0005')), WireError.Truncated);
    assert.equal(decodeCpPacket(hex('0101 FFFF 00')), WireError.Truncated);
  });

  test('any packet survives the wire, whatever padding follows', () => {
    const packet = fc.record(
      { code: fc.nat(0xff), id: fc.nat(0xff), data: fc.uint8Array({ maxLength: 300 }) },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(packet, fc.uint8Array({ maxLength: 4 }), (value, padding) => {
        assert.deepEqual(decodeCpPacket(Uint8Array.of(...encodeCpPacket(value), ...padding)), value);
      }),
    );
  });

  test('what has no encoding throws', () => {
    assert.equal(encodeCpPacket({ code: 1, id: 1, data: new Uint8Array(0xfffb) }).length, 0xffff);
    assert.throws(() => encodeCpPacket({ code: 1, id: 1, data: new Uint8Array(0xfffc) }), RangeError);
  });
});

describe('configuration options', () => {
  checkFieldCodec<readonly CpOption[]>({
    parse: parseOptions,
    encode: encodeOptions,
    trailing: 'error',
    shortest: 0,
    vectors: [
      { name: 'none', bytes: new Uint8Array(0), value: [] },
      {
        name: "a Windows client's LCP request",
        bytes: hex('01040FFB 050601020304 0702 0802 0D0306 1104064E 131305 00112233445566778899AABBCCDDEEFF'),
        value: [
          { type: 1, value: hex('0FFB') },
          { type: 5, value: hex('01020304') },
          { type: 7, value: new Uint8Array(0) },
          { type: 8, value: new Uint8Array(0) },
          { type: 13, value: hex('06') },
          { type: 17, value: hex('064E') },
          { type: 19, value: hex('05 00112233445566778899AABBCCDDEEFF') },
        ],
      },
    ],
  });

  test('an option shorter than its own header is an error, not an endless walk', () => {
    assert.equal(parseOptions(hex('0100')), WireError.Length);
    assert.equal(parseOptions(hex('0702 0101')), WireError.Length);
  });

  test('an option that leaves the packet is an error', () => {
    assert.equal(parseOptions(hex('010405')), WireError.Truncated);
    assert.equal(parseOptions(hex('0702 01')), WireError.Truncated);
  });

  test('any options survive the wire', () => {
    const option = fc.record(
      { type: fc.nat(0xff), value: fc.uint8Array({ maxLength: 253 }) },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(option, { maxLength: 6 }), options => {
        assert.deepEqual(parseOptions(encodeOptions(options)), options);
      }),
    );
  });

  test('any bytes are options or an error, and options are the same bytes again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
        const options = parseOptions(bytes);
        if (!isWireError(options)) assert.deepEqual(encodeOptions(options), bytes);
      }),
    );
  });

  test('a value longer than the length byte can say throws', () => {
    assert.doesNotThrow(() => encodeOptions([{ type: 1, value: new Uint8Array(253) }]));
    assert.throws(() => encodeOptions([{ type: 1, value: new Uint8Array(254) }]), RangeError);
  });
});

describe('Code-Reject', () => {
  const rejected: CpPacket = { code: 99, id: 7, data: counting(20) };

  test('repeats the rejected packet', () => {
    assert.deepEqual(codeReject(3, rejected, 1500), {
      code: ControlCode.CodeReject,
      id: 3,
      data: encodeCpPacket(rejected),
    });
  });

  test("is never longer than the peer's MRU", () => {
    const packet = codeReject(3, rejected, 12);
    assert.equal(cpPacketLength(packet), 12);
    assert.deepEqual(packet.data, encodeCpPacket(rejected).slice(0, 8));
  });
});
