import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  AttributeId,
  controlPacketLength,
  cryptoBinding,
  cryptoBindingRequest,
  emitControlPacket,
  ENCAPSULATED_PPP,
  encapsulatedProtocolId,
  encodeControlPacket,
  HashProtocol,
  MAX_PACKET_LENGTH,
  MAX_STATUS_VALUE_LENGTH,
  MessageType,
  parseControlPacket,
  parseCryptoBinding,
  parseCryptoBindingRequest,
  parseEncapsulatedProtocolId,
  parseStatusInfo,
  Status,
  statusInfo,
  type ControlPacket,
} from '../../src/wire/sstp.ts';
import { isWireError, WireError } from '../../src/wire/wire-error.ts';
import { checkFieldCodec, checkViewCodec } from './codec-contract.ts';
import { counting, hex } from './hex.ts';

const NONCE = counting(32);
const NONCE_HEX = '000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F';
const SHA1_HASH = '5746399EF1D604CD985C922C1A3202EB7FAAEEC5';
const SHA1_MAC = 'BCFE2681ECDD0F4803E93168D660FD953DBF1107';
const SHA256_HASH = '5F07A5D0402606B52AD05294D6BA2E515D12F686B69315EF741A1AEBC99E2F72';
const SHA256_MAC = '42838818026F62C6A058755EC1D0AB698460F2787DCC6D9FF0684CF09838B24A';
const PADDING = '00'.repeat(12);

const sha1Binding = {
  hashProtocol: HashProtocol.Sha1,
  nonce: NONCE,
  certificateHash: hex(SHA1_HASH),
  compoundMac: hex(SHA1_MAC),
  paddingIsZero: true,
};
const sha256Binding = {
  hashProtocol: HashProtocol.Sha256,
  nonce: NONCE,
  certificateHash: hex(SHA256_HASH),
  compoundMac: hex(SHA256_MAC),
  paddingIsZero: true,
};

const { EncapsulatedProtocolId, CryptoBinding } = AttributeId;

describe('SSTP control packets', () => {
  checkViewCodec<ControlPacket>({
    parse: parseControlPacket,
    length: controlPacketLength,
    emit: emitControlPacket,
    trailing: 'error',
    vectors: [
      {
        name: 'Call Connect Request',
        bytes: hex('1001000E 0001 0001 00010006 0001'),
        value: { type: MessageType.CallConnectRequest, attributes: [encapsulatedProtocolId(ENCAPSULATED_PPP)] },
      },
      {
        name: 'Call Connect Ack, SHA-256 only',
        bytes: hex(`10010030 0002 0001 00040028 000000 02 ${NONCE_HEX}`),
        value: {
          type: MessageType.CallConnectAck,
          attributes: [cryptoBindingRequest({ hashProtocols: HashProtocol.Sha256, nonce: NONCE })],
        },
      },
      {
        name: 'Call Connect Ack, both hashes',
        bytes: hex(`10010030 0002 0001 00040028 000000 03 ${NONCE_HEX}`),
        value: {
          type: MessageType.CallConnectAck,
          attributes: [cryptoBindingRequest({ hashProtocols: HashProtocol.Sha1 | HashProtocol.Sha256, nonce: NONCE })],
        },
      },
      {
        name: 'Call Connect Nak, protocol not supported',
        bytes: hex('10010016 0003 0001 0002000E 000000 01 00000004 0002'),
        value: {
          type: MessageType.CallConnectNak,
          attributes: [statusInfo(EncapsulatedProtocolId, Status.ValueNotSupported, Uint8Array.of(0, 2))],
        },
      },
      {
        name: 'Call Connect Nak, protocol missing',
        bytes: hex('10010014 0003 0001 0002000C 000000 01 0000000A'),
        value: {
          type: MessageType.CallConnectNak,
          attributes: [statusInfo(EncapsulatedProtocolId, Status.RequiredAttributeMissing)],
        },
      },
      {
        name: 'Call Connect Nak with two faults',
        bytes: hex('10010022 0003 0002 0002000E 000000 01 00000004 0002 0002000C 000000 09 00000002'),
        value: {
          type: MessageType.CallConnectNak,
          attributes: [
            statusInfo(EncapsulatedProtocolId, Status.ValueNotSupported, Uint8Array.of(0, 2)),
            statusInfo(9, Status.UnrecognizedAttribute),
          ],
        },
      },
      {
        name: 'Call Connected, SHA-256',
        bytes: hex(`10010070 0004 0001 00030068 00000002 ${NONCE_HEX} ${SHA256_HASH} ${SHA256_MAC}`),
        value: { type: MessageType.CallConnected, attributes: [cryptoBinding(sha256Binding)] },
      },
      {
        name: 'Call Connected, SHA-1',
        bytes: hex(`10010070 0004 0001 00030068 00000001 ${NONCE_HEX} ${SHA1_HASH} ${PADDING} ${SHA1_MAC} ${PADDING}`),
        value: { type: MessageType.CallConnected, attributes: [cryptoBinding(sha1Binding)] },
      },
      {
        name: 'Call Abort, negotiation timeout',
        bytes: hex('10010014 0005 0001 0002000C 000000 02 00000008'),
        value: {
          type: MessageType.CallAbort,
          attributes: [statusInfo(AttributeId.StatusInfo, Status.NegotiationTimeout)],
        },
      },
      {
        name: 'Call Abort, crypto binding refused',
        bytes: hex('10010014 0005 0001 0002000C 000000 03 00000004'),
        value: { type: MessageType.CallAbort, attributes: [statusInfo(CryptoBinding, Status.ValueNotSupported)] },
      },
      {
        name: 'Call Abort without Status Info',
        bytes: hex('10010008 0005 0000'),
        value: { type: MessageType.CallAbort, attributes: [] },
      },
      {
        name: 'Call Disconnect',
        bytes: hex('10010014 0006 0001 0002000C 000000 00 00000000'),
        value: {
          type: MessageType.CallDisconnect,
          attributes: [statusInfo(AttributeId.NoError, Status.NoError)],
        },
      },
      {
        name: 'Call Disconnect Ack',
        bytes: hex('10010008 0007 0000'),
        value: { type: MessageType.CallDisconnectAck, attributes: [] },
      },
      {
        name: 'Echo Request',
        bytes: hex('10010008 0008 0000'),
        value: { type: MessageType.EchoRequest, attributes: [] },
      },
      {
        name: 'Echo Response',
        bytes: hex('10010008 0009 0000'),
        value: { type: MessageType.EchoResponse, attributes: [] },
      },
      {
        name: 'a message type and an attribute that nobody knows',
        bytes: hex('1001000D BEEF 0001 00FE0005 77'),
        value: { type: 0xbeef, attributes: [{ id: 0xfe, value: Uint8Array.of(0x77) }] },
      },
    ],
  });

  test('reserved bits are ignored on receipt and not sent back', () => {
    const dirty = hex('10FFF00E 0001 0001 FF01F006 0001');
    const clean = hex('1001000E 0001 0001 00010006 0001');
    const packet = parse(dirty);
    assert.ok(!isWireError(packet));
    assert.deepEqual(encodeControlPacket(packet), clean);
  });

  const malformed: readonly [name: string, bytes: string, error: WireError][] = [
    ['another version', '1101000E 0001 0001 00010006 0001', WireError.Version],
    ['the control bit clear', '1000000E 0001 0001 00010006 0001', WireError.Value],
    ['a length below the control header', '10010007 0001 00', WireError.Length],
    ['a length of zero', '10010000 0001 0000', WireError.Length],
    ['a header without a message', '10010004', WireError.Length],
    ['an attribute of length zero', '1001000C 0001 0001 00010000', WireError.Length],
    ['an attribute of length three', '1001000C 0001 0001 00010003', WireError.Length],
    ['an attribute that leaves the packet', '1001000E 0001 0001 00010007 0001', WireError.Length],
    ['half an attribute header', '1001000A 0001 0001 0001', WireError.Length],
    ['fewer attributes than announced', '1001000E 0001 0002 00010006 0001', WireError.Count],
    ['more attributes than announced', '1001000E 0001 0000 00010006 0001', WireError.Count],
    ['a count that only its low byte would match', '1001000E 0001 0101 00010006 0001', WireError.Count],
  ];
  for (const [name, bytes, error] of malformed) {
    test(`${name} is an error`, () => assert.equal(parse(hex(bytes)), error));
  }

  test('what has no encoding throws instead of sending something else', () => {
    const attributes = [{ id: 1, value: new Uint8Array(MAX_PACKET_LENGTH - 11) }];
    assert.throws(() => encodeControlPacket({ type: 1, attributes }), RangeError);
  });

  test('the longest packet has an encoding', () => {
    const packet = { type: 1, attributes: [{ id: 1, value: new Uint8Array(MAX_PACKET_LENGTH - 12) }] };
    const bytes = encodeControlPacket(packet);
    assert.equal(bytes.length, MAX_PACKET_LENGTH);
    assert.deepEqual(parse(bytes), packet);
  });

  test('any packet survives the wire', () => {
    const attribute = fc.record(
      { id: fc.nat(0xff), value: fc.uint8Array({ maxLength: 120 }) },
      { noNullPrototype: true },
    );
    const packet = fc.record(
      { type: fc.nat(0xffff), attributes: fc.array(attribute, { maxLength: 10 }) },
      { noNullPrototype: true },
    );
    fc.assert(fc.property(packet, value => assert.deepEqual(parse(encodeControlPacket(value)), value)));
  });

  test('any bytes are a packet or an error, and a packet keeps its meaning when sent again', () => {
    const body = fc.uint8Array({ maxLength: 64 });
    fc.assert(
      fc.property(fc.oneof(body, body.map(framed)), bytes => {
        const packet = parse(bytes);
        if (isWireError(packet)) return;
        assert.deepEqual(parse(encodeControlPacket(packet)), packet);
      }),
    );
  });
});

describe('Encapsulated Protocol ID', () => {
  checkFieldCodec<number>({
    parse: parseEncapsulatedProtocolId,
    encode: protocol => encapsulatedProtocolId(protocol).value,
    trailing: 'error',
    shortest: 2,
    vectors: [
      { name: 'PPP', bytes: hex('0001'), value: ENCAPSULATED_PPP },
      { name: 'a protocol that does not exist', bytes: hex('FFFE'), value: 0xfffe },
    ],
  });
});

describe('Crypto Binding Request', () => {
  checkFieldCodec({
    parse: parseCryptoBindingRequest,
    encode: request => cryptoBindingRequest(request).value,
    trailing: 'error',
    shortest: 36,
    vectors: [{ name: 'both hashes', bytes: hex(`00000003${NONCE_HEX}`), value: { hashProtocols: 3, nonce: NONCE } }],
  });

  test('reserved bytes are ignored', () => {
    const request = parseCryptoBindingRequest(hex(`FFFFFF01${NONCE_HEX}`));
    assert.deepEqual(request, { hashProtocols: HashProtocol.Sha1, nonce: NONCE });
  });

  test('a nonce of another length throws', () => {
    assert.throws(() => cryptoBindingRequest({ hashProtocols: 3, nonce: new Uint8Array(31) }), RangeError);
  });
});

describe('Crypto Binding', () => {
  checkFieldCodec({
    parse: parseCryptoBinding,
    encode: binding => cryptoBinding(binding).value,
    trailing: 'error',
    shortest: 100,
    vectors: [
      { name: 'SHA-256', bytes: hex(`00000002${NONCE_HEX}${SHA256_HASH}${SHA256_MAC}`), value: sha256Binding },
      {
        name: 'SHA-1',
        bytes: hex(`00000001${NONCE_HEX}${SHA1_HASH}${PADDING}${SHA1_MAC}${PADDING}`),
        value: sha1Binding,
      },
      {
        name: 'a hash protocol that nobody knows, with full fields',
        bytes: hex(`00000080${NONCE_HEX}${SHA256_HASH}${SHA256_MAC}`),
        value: { ...sha256Binding, hashProtocol: 0x80 },
      },
    ],
  });

  test('the padding behind each SHA-1 field is looked at, byte by byte', () => {
    const clean = hex(`00000001${NONCE_HEX}${SHA1_HASH}${PADDING}${SHA1_MAC}${PADDING}`);
    const paddingAt = [...Array(12).keys()].flatMap(at => [36 + 20 + at, 68 + 20 + at]);
    for (const at of paddingAt) {
      const dirty = clean.slice();
      dirty[at] = 1;
      assert.deepEqual(parseCryptoBinding(dirty), { ...sha1Binding, paddingIsZero: false }, `byte ${at}`);
    }
  });

  test('hashes whose length is not that of the hash protocol throw', () => {
    assert.throws(() => cryptoBinding({ ...sha256Binding, certificateHash: hex(SHA1_HASH) }), RangeError);
    assert.throws(() => cryptoBinding({ ...sha1Binding, compoundMac: hex(SHA256_MAC) }), RangeError);
  });
});

describe('Status Info', () => {
  checkFieldCodec({
    parse: parseStatusInfo,
    encode: info => statusInfo(info.attributeId, info.status, info.value).value,
    trailing: 'content',
    shortest: 8,
    vectors: [
      {
        name: 'without a value',
        bytes: hex('00000002 00000008'),
        value: { attributeId: 2, status: Status.NegotiationTimeout, value: new Uint8Array(0) },
      },
      {
        name: 'with the refused value',
        bytes: hex('00000001 00000004 0002'),
        value: { attributeId: 1, status: Status.ValueNotSupported, value: hex('0002') },
      },
      {
        name: 'a status that nobody knows',
        bytes: hex('000000FF FFFFFFFF'),
        value: { attributeId: 0xff, status: 0xffffffff, value: new Uint8Array(0) },
      },
    ],
  });

  test('a refused value is repeated up to 64 bytes, and a peer that repeats more is wrong', () => {
    const attribute = statusInfo(1, Status.InvalidAttributeValueLength, counting(100));
    assert.deepEqual(parseStatusInfo(attribute.value), {
      attributeId: 1,
      status: Status.InvalidAttributeValueLength,
      value: counting(MAX_STATUS_VALUE_LENGTH),
    });
    assert.equal(parseStatusInfo(Uint8Array.of(...attribute.value, 0)), WireError.Length);
  });
});

function parse(bytes: Uint8Array): ControlPacket | WireError {
  return parseControlPacket(new DataView(bytes.buffer), 0, bytes.length);
}

/** A header that is right for random bytes, so that the walk over attributes is reached. */
function framed(body: Uint8Array): Uint8Array {
  const bytes = Uint8Array.of(0x10, 0x01, 0, 0, 0, 1, 0, 1, ...body);
  new DataView(bytes.buffer).setUint16(2, bytes.length);
  return bytes;
}
