import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { echoReply, longestReply } from '../../src/tun/echo-reply.ts';
import { internetChecksum, parseIpv4 } from '../../src/wire/ip.ts';
import { echoRequest, icmpPacket, ipv4Packet, resealHeader, udpChecksum, udpPacket } from './packets.ts';

const GATEWAY = '10.66.0.1';
const CLIENT = '10.66.0.7';
const DATA = Uint8Array.from({ length: 33 }, (_, index) => index * 7);

describe('echoReply', () => {
  test('answers an ICMP echo request with its data, back to the sender, with valid checksums', () => {
    const reply = answerTo(echoRequest(CLIENT, GATEWAY, 9, DATA));
    assert.deepEqual(
      reply,
      withTimeToLive(icmpPacket(GATEWAY, CLIENT, { type: 0, id: 0x5350, sequence: 9, data: DATA })),
    );
  });

  test('answers an echo request that carries IP options', () => {
    const plain = echoRequest(CLIENT, GATEWAY, 1, DATA);
    const reply = answerTo(resealHeader(withOptions(plain)));
    assert.equal(reply[0], 0x46);
    assert.equal(internetChecksum(viewOf(reply), 0, 24), 0);
    assert.equal(internetChecksum(viewOf(reply), 24, reply.length), 0);
    assert.equal(reply[24], 0);
  });

  test('sends a UDP datagram back from the port that it came to, with a valid checksum', () => {
    const reply = answerTo(udpPacket(CLIENT, 40000, GATEWAY, 5001, DATA));
    assert.deepEqual(reply, withTimeToLive(udpPacket(GATEWAY, 5001, CLIENT, 40000, DATA)));
    assert.equal(udpChecksum(viewOf(reply)), 0);
  });

  test('leaves a UDP checksum that was not used unused', () => {
    const question = udpPacket(CLIENT, 40000, GATEWAY, 7, DATA);
    viewOf(question).setUint16(26, 0);
    assert.equal(viewOf(answerTo(question)).getUint16(26), 0);
  });

  test('leaves off bytes behind the IP packet', () => {
    const question = echoRequest(CLIENT, GATEWAY, 1, DATA);
    const padded = new Uint8Array(question.length + 5);
    padded.set(question);
    assert.equal(answerTo(padded).length, question.length);
  });

  const unreachable: [string, Uint8Array, number][] = [
    ['TCP to the gateway: port', ipv4Packet(CLIENT, GATEWAY, 6, DATA), 3],
    ['an unknown protocol to the gateway: protocol', ipv4Packet(CLIENT, GATEWAY, 132, DATA), 2],
    ['UDP to another host: host', udpPacket(CLIENT, 4000, '198.51.100.1', 53, DATA), 1],
    ['ping to another host: host', echoRequest(CLIENT, '198.51.100.1'), 1],
    ['a bare header to another host: host', ipv4Packet(CLIENT, '198.51.100.1', 6, new Uint8Array(0)), 1],
  ];
  for (const [name, question, code] of unreachable) {
    test(`answers unreachable to ${name}`, () => {
      const quote = question.subarray(0, 28);
      const reply = answerTo(question);
      assert.equal(reply.length, 20 + 8 + quote.length);
      assert.deepEqual([...reply.subarray(20, 22)], [3, code]);
      assert.deepEqual(reply.subarray(28), quote);
      assert.equal(internetChecksum(viewOf(reply), 0, 20), 0);
      assert.equal(internetChecksum(viewOf(reply), 20, reply.length), 0);
      assert.deepEqual([...reply.subarray(12, 20)], [10, 66, 0, 1, 10, 66, 0, 7]);
    });
  }

  const silent: [string, Uint8Array][] = [
    ['an empty packet', new Uint8Array(0)],
    ['IPv6', Uint8Array.from({ length: 60 }, () => 0x60)],
    ['a header that is cut off', echoRequest(CLIENT, GATEWAY).subarray(0, 19)],
    ['a packet shorter than its total length', echoRequest(CLIENT, GATEWAY).subarray(0, 40)],
    ['a header length below 20', resealHeader(Uint8Array.of(0x44, ...echoRequest(CLIENT, GATEWAY).subarray(1)))],
    ['a wrong header checksum', changed(echoRequest(CLIENT, GATEWAY), 10, 0xff)],
    ['a wrong ICMP checksum', changed(echoRequest(CLIENT, GATEWAY), 30, 0xff)],
    ['a wrong UDP checksum', changed(udpPacket(CLIENT, 4000, GATEWAY, 7, DATA), 30, 0xff)],
    ['a UDP length beyond the packet', changed(udpPacket(CLIENT, 4000, GATEWAY, 7, DATA), 24, 0x40)],
    ['a UDP header that is cut off', ipv4Packet(CLIENT, GATEWAY, 17, DATA.subarray(0, 7))],
    ['an ICMP header that is cut off', ipv4Packet(CLIENT, GATEWAY, 1, Uint8Array.of(8, 0, 0xf7, 0xff))],
    ['a first fragment', resealHeader(changed(echoRequest(CLIENT, GATEWAY), 6, 0x20))],
    ['a later fragment', resealHeader(changed(echoRequest(CLIENT, GATEWAY), 7, 0x01))],
    ['an echo reply', icmpPacket(CLIENT, GATEWAY, { type: 0 })],
    ['an ICMP error, wherever it goes', icmpPacket(CLIENT, '198.51.100.1', { type: 3, code: 1 })],
    ['UDP from port 0', udpPacket(CLIENT, 0, GATEWAY, 7, DATA)],
    ['UDP from the echo port', udpPacket(CLIENT, 7, GATEWAY, 7, DATA)],
    ['broadcast', echoRequest(CLIENT, '255.255.255.255')],
    ['multicast', udpPacket(CLIENT, 5353, '224.0.0.251', 5353, DATA)],
    ['a multicast source', echoRequest('224.0.0.1', GATEWAY)],
    ['no source', echoRequest('0.0.0.0', GATEWAY)],
    ['a loopback source', echoRequest('127.0.0.1', GATEWAY)],
    ['its own address as source', echoRequest(GATEWAY, GATEWAY)],
  ];
  for (const [name, question] of silent) {
    test(`answers nothing to ${name}`, () => assert.equal(answerTo(question).length, 0));
  }

  test('any bytes: stays inside its bounds, and every answer is a whole packet from the gateway', () => {
    const seeds = [echoRequest(CLIENT, GATEWAY, 1, DATA), udpPacket(CLIENT, 99, GATEWAY, 7, DATA), unreachable[0]![1]];
    const mutated = fc
      .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }), fc.boolean())
      .map(([seed, edits, reseal]) => {
        const packet = seed.slice();
        for (const [at, value] of edits) if (at < packet.length) packet[at] = value;
        return reseal && (packet[0]! & 0x0f) * 4 <= packet.length ? resealHeader(packet) : packet;
      });
    let answered = 0;
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), mutated), question => {
        const reply = answerTo(question);
        if (reply.length === 0) return;
        answered += 1;
        assert.ok(reply.length <= longestReply(question.length));
        assert.equal(viewOf(reply).getUint16(2), reply.length);
        assert.equal(internetChecksum(viewOf(reply), 0, (reply[0]! & 0x0f) * 4), 0);
        assert.equal(viewOf(reply).getUint32(12), parseIpv4(GATEWAY));
      }),
      { numRuns: 5000 },
    );
    assert.ok(answered > 100, `${answered} answers`);
  });
});

/** The answer, with guard bytes around it and the question checked. */
function answerTo(question: Uint8Array): Uint8Array {
  const room = longestReply(question.length);
  const memory = new Uint8Array(8 + question.length + 8 + room + 8).fill(0xa5);
  const to = 8 + question.length + 8;
  memory.set(question, 8);
  const length = echoReply(new DataView(memory.buffer), 8, question.length, to, parseIpv4(GATEWAY) ?? 0);
  assert.deepEqual(memory.subarray(8, 8 + question.length), question);
  assert.ok(memory.subarray(8 + question.length, to).every(byte => byte === 0xa5));
  assert.ok(memory.subarray(to + length).every(byte => byte === 0xa5));
  return memory.slice(to, to + length);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function changed(packet: Uint8Array, at: number, mask: number): Uint8Array {
  packet[at]! ^= mask;
  return packet;
}

function withTimeToLive(packet: Uint8Array): Uint8Array {
  packet[8] = 64;
  return resealHeader(packet);
}

function withOptions(packet: Uint8Array): Uint8Array {
  const result = Uint8Array.of(...packet.subarray(0, 20), 1, 1, 1, 0, ...packet.subarray(20));
  result[0] = 0x46;
  viewOf(result).setUint16(2, result.length);
  return result;
}
