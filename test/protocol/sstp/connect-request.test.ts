/** What a server answers to a Call Connect Request that it refuses. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { viewOf } from '../../../src/wire/bytes.ts';
import {
  AttributeId,
  encapsulatedProtocolId,
  MessageType,
  parseControlPacket,
  Status,
  statusInfo,
  type RawAttribute,
} from '../../../src/wire/sstp.ts';
import { isWireError } from '../../../src/wire/wire-error.ts';
import { bytes, CONNECT_REQUEST, CONNECT_REQUEST_FOR_ANOTHER_PROTOCOL, control } from './fixtures.ts';
import { accepted, NEGOTIATION_MS } from './server-bench.ts';

describe('Call Connect Nak', () => {
  const ppp = encapsulatedProtocolId(1);

  test('names the protocol that is not supported, byte for byte', () => {
    assert.deepEqual(
      nakFor(CONNECT_REQUEST_FOR_ANOTHER_PROTOCOL),
      bytes('10010016 0003 0001 0002000E 000000 01 00000004 0002'),
    );
  });

  test('names the protocol attribute that is missing, byte for byte', () => {
    assert.deepEqual(nakFor(request()), bytes('10010014 0003 0001 0002000C 000000 01 0000000A'));
  });

  const faults: readonly (readonly [name: string, attributes: RawAttribute[], infos: RawAttribute[]])[] = [
    [
      'a Status Info with a status',
      [ppp, statusInfo(1, Status.ValueNotSupported)],
      [statusInfo(AttributeId.StatusInfo, Status.StatusInfoNotSupportedInMessage)],
    ],
    [
      'a Status Info of wrong length',
      [ppp, { id: 2, value: bytes('0102') }],
      [statusInfo(AttributeId.StatusInfo, Status.InvalidAttributeValueLength, bytes('0102'))],
    ],
    [
      'a protocol attribute of wrong length',
      [{ id: 1, value: bytes('000001') }],
      [statusInfo(1, Status.InvalidAttributeValueLength, bytes('000001'))],
    ],
    ['an attribute that comes twice', [ppp, ppp], [statusInfo(1, Status.DuplicateAttribute, bytes('0001'))]],
    ['an unknown attribute', [ppp, { id: 9, value: bytes('AABB') }], [statusInfo(9, Status.UnrecognizedAttribute)]],
    [
      'an attribute of another message',
      [ppp, { id: 4, value: new Uint8Array(36) }],
      [statusInfo(4, Status.UnrecognizedAttribute)],
    ],
    [
      'several faults at once, each by itself',
      [{ id: 9, value: bytes('') }, encapsulatedProtocolId(2), encapsulatedProtocolId(3), { id: 7, value: bytes('') }],
      [
        statusInfo(9, Status.UnrecognizedAttribute),
        statusInfo(1, Status.ValueNotSupported, bytes('0002')),
        statusInfo(1, Status.DuplicateAttribute, bytes('0003')),
        statusInfo(7, Status.UnrecognizedAttribute),
      ],
    ],
  ];
  for (const [name, attributes, infos] of faults) {
    test(`answers ${name}`, () => assert.deepEqual(nakFor(request(...attributes)), nak(...infos)));
  }

  test('repeats 64 bytes of a refused value and no more', () => {
    const long = Uint8Array.from({ length: 300 }, (_, index) => index);
    assert.deepEqual(
      nakFor(request({ id: 1, value: long })),
      nak(statusInfo(1, Status.InvalidAttributeValueLength, long.subarray(0, 64))),
    );
  });

  test('is not sent for a Status Info without a status', () => {
    assert.deepEqual(answersTo(request(ppp, statusInfo(0, Status.NoError))), ['CallConnectAck', 'lowerLinkUp']);
  });

  test('reports what fits one packet when a hostile request has more faults than that', () => {
    const empty = { id: 1, value: new Uint8Array(0) };
    const packet = nakFor(request(...Array.from({ length: 1_000 }, () => empty)));
    assert.ok(packet !== undefined && packet.length <= 4_095 && packet.length > 4_000);
    assert.ok(!isWireError(parseControlPacket(viewOf(packet), 0, packet.length)));
  });

  test('is sent three times, and the call may still come to something', () => {
    const { call, recorder } = accepted();
    for (let count = 0; count < 3; count += 1) call.receiveControl(request(), 1_000);
    assert.equal(call.deadline, NEGOTIATION_MS, 'refused requests do not buy time');
    call.receiveControl(CONNECT_REQUEST, 2_000);
    assert.deepEqual(recorder.take().slice(3), ['CallConnectAck', 'lowerLinkUp']);
    assert.equal(call.deadline, 2_000 + NEGOTIATION_MS);
  });

  test('is sent as often as configured', () => {
    const { call, recorder } = accepted({ nakLimit: 1 });
    call.receiveControl(request(), 0);
    call.receiveControl(request(), 0);
    assert.deepEqual(recorder.take(), ['CallConnectNak(1,10)', 'CallAbort(2,6)', 'closing(nak-limit)']);
  });
});

function request(...attributes: RawAttribute[]): Uint8Array {
  return control(MessageType.CallConnectRequest, ...attributes);
}

function nak(...infos: RawAttribute[]): Uint8Array {
  return control(MessageType.CallConnectNak, ...infos);
}

function nakFor(packet: Uint8Array): Uint8Array | undefined {
  const { call, recorder } = accepted();
  call.receiveControl(packet, 0);
  assert.equal(call.state, 'ServerConnectRequestPending');
  return recorder.sent[0];
}

function answersTo(packet: Uint8Array): string[] {
  const { call, recorder } = accepted();
  call.receiveControl(packet, 0);
  return recorder.take();
}
