import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { ControlCode, cpPacketLength } from '../../src/wire/control-protocol.ts';
import {
  authenticationProtocolOption,
  ChapAlgorithm,
  echoReply,
  echoRequest,
  LcpOption,
  magicNumberOption,
  mruOption,
  parseAuthenticationProtocol,
  parseMagicData,
  parseMagicNumber,
  parseMru,
  parseProtocolReject,
  protocolReject,
} from '../../src/wire/lcp.ts';
import { PppProtocol } from '../../src/wire/ppp.ts';
import { WireError } from '../../src/wire/wire-error.ts';
import { checkFieldCodec } from './codec-contract.ts';
import { ascii, counting, hex } from './hex.ts';

describe('LCP options', () => {
  checkFieldCodec<number>({
    parse: parseMru,
    encode: mru => mruOption(mru).value,
    trailing: 'error',
    shortest: 2,
    vectors: [{ name: 'MRU', bytes: hex('0FFB'), value: 4091 }],
  });

  checkFieldCodec<number>({
    parse: parseMagicNumber,
    encode: magic => magicNumberOption(magic).value,
    trailing: 'error',
    shortest: 4,
    vectors: [{ name: 'magic number with the highest bit set', bytes: hex('FEDCBA98'), value: 0xfedcba98 }],
  });

  checkFieldCodec({
    parse: parseAuthenticationProtocol,
    encode: option => authenticationProtocolOption(option).value,
    trailing: 'error',
    shortest: 3,
    vectors: [
      {
        name: 'MS-CHAPv2',
        bytes: hex('C22381'),
        value: { protocol: PppProtocol.Chap, algorithm: ChapAlgorithm.MsChapV2 },
      },
      {
        name: 'CHAP with MD5',
        bytes: hex('C22305'),
        value: { protocol: PppProtocol.Chap, algorithm: ChapAlgorithm.Md5 },
      },
    ],
  });

  checkFieldCodec({
    parse: parseAuthenticationProtocol,
    encode: option => authenticationProtocolOption(option).value,
    trailing: 'padding',
    shortest: 2,
    vectors: [
      { name: 'PAP', bytes: hex('C023'), value: { protocol: PppProtocol.Pap, algorithm: undefined } },
      { name: 'EAP', bytes: hex('C227'), value: { protocol: PppProtocol.Eap, algorithm: undefined } },
    ],
  });

  test('options carry their type', () => {
    assert.equal(mruOption(1500).type, LcpOption.Mru);
    assert.equal(magicNumberOption(1).type, LcpOption.MagicNumber);
    assert.equal(
      authenticationProtocolOption({ protocol: PppProtocol.Pap, algorithm: undefined }).type,
      LcpOption.AuthenticationProtocol,
    );
  });
});

describe('LCP Echo', () => {
  test('a request carries the magic number alone', () => {
    assert.deepEqual(echoRequest(9, 0x80000001), { code: ControlCode.EchoRequest, id: 9, data: hex('80000001') });
  });

  test('data may be the magic number alone', () => {
    assert.deepEqual(parseMagicData(hex('80000001')), { magic: 0x80000001, data: new Uint8Array(0) });
  });

  test('a reply carries our magic number and the data of the request', () => {
    const data = ascii('Abura Mashi Mashi');
    const reply = echoReply(9, 0x01020304, data, 1500);
    assert.equal(reply.code, ControlCode.EchoReply);
    assert.equal(reply.id, 9);
    assert.deepEqual(parseMagicData(reply.data), { magic: 0x01020304, data });
  });

  test("a reply is cut to the peer's MRU", () => {
    const reply = echoReply(1, 0, counting(200), 100);
    assert.equal(cpPacketLength(reply), 100);
    assert.deepEqual(parseMagicData(reply.data), { magic: 0, data: counting(92) });
  });

  test('data without a whole magic number is an error', () => {
    for (const length of [0, 1, 2, 3]) assert.equal(parseMagicData(counting(length)), WireError.Truncated);
  });
});

describe('LCP Protocol-Reject', () => {
  test('carries the protocol and the rejected information', () => {
    const packet = protocolReject(4, PppProtocol.Ccp, hex('01010004'), 1500);
    assert.deepEqual(packet, { code: ControlCode.ProtocolReject, id: 4, data: hex('80FD 01010004') });
    assert.deepEqual(parseProtocolReject(packet.data), { protocol: PppProtocol.Ccp, information: hex('01010004') });
  });

  test('may repeat nothing but the protocol', () => {
    assert.deepEqual(parseProtocolReject(hex('80FD')), { protocol: PppProtocol.Ccp, information: new Uint8Array(0) });
  });

  test("is cut to the peer's MRU", () => {
    const packet = protocolReject(4, PppProtocol.Ipv6, counting(1400), 576);
    assert.equal(cpPacketLength(packet), 576);
    assert.deepEqual(parseProtocolReject(packet.data), { protocol: PppProtocol.Ipv6, information: counting(570) });
  });

  test('data without a whole protocol is an error', () => {
    for (const length of [0, 1]) assert.equal(parseProtocolReject(counting(length)), WireError.Truncated);
  });
});
