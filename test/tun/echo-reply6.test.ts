import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { echoReply6 } from '../../src/tun/echo-reply6.ts';
import { encodeIcmpv6, parseIcmpv6 } from '../../src/wire/icmpv6.ts';
import { encodeUdp6, parseIpv6Packet, parseUdp6 } from '../../src/wire/ip-packet.ts';
import { parseIpv6 } from '../../src/wire/ipv6.ts';
import { isWireError } from '../../src/wire/wire-error.ts';

const GATEWAY = address('2001:db8::1');
const CLIENT = address('2001:db8:7::5');
const DATA = Uint8Array.from({ length: 33 }, (_, index) => index * 7);
const PING = { kind: 'echo-request', identifier: 0x5353, sequence: 9, data: DATA } as const;

describe('echoReply6', () => {
  test('answers an echo request with its data, back to the sender, with a valid checksum', () => {
    const reply = parseIpv6Packet(answerTo(encodeIcmpv6(CLIENT, GATEWAY, PING)));
    assert.ok(!isWireError(reply));
    assert.deepEqual([reply.source, reply.destination, reply.hopLimit], [GATEWAY, CLIENT, 64]);
    assert.deepEqual(parseIcmpv6(reply), { ...PING, kind: 'echo-reply' });
  });

  test('sends a UDP datagram back from the port that it came to, with a valid checksum', () => {
    const question = encodeUdp6(CLIENT, GATEWAY, { sourcePort: 40000, destinationPort: 5001, data: DATA });
    const reply = parseIpv6Packet(answerTo(question));
    assert.ok(!isWireError(reply));
    assert.deepEqual(parseUdp6(reply), { sourcePort: 5001, destinationPort: 40000, data: DATA });
  });

  test('stays silent to what is not for it, broken, or might come back for ever', () => {
    const ping = encodeIcmpv6(CLIENT, GATEWAY, PING);
    for (const [why, packet] of Object.entries({
      'another host': encodeIcmpv6(CLIENT, GATEWAY + 1n, PING),
      'from itself': encodeIcmpv6(GATEWAY, GATEWAY, PING),
      'from nobody': encodeIcmpv6(0n, GATEWAY, PING),
      'from a group': encodeIcmpv6(address('ff02::1'), GATEWAY, PING),
      'a reply': encodeIcmpv6(CLIENT, GATEWAY, { ...PING, kind: 'echo-reply' }),
      'a wrong checksum': ping.with(50, ping[50]! ^ 1),
      'another version': ping.with(0, 0x45),
      'from the echo port': encodeUdp6(CLIENT, GATEWAY, { sourcePort: 7, destinationPort: 5001, data: DATA }),
    })) {
      assert.equal(answerTo(packet).length, 0, why);
    }
    for (let length = 0; length < ping.length; length++) assert.equal(answerTo(ping.subarray(0, length)).length, 0);
  });

  test('takes any bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 80, size: 'max' }).map(tail => Uint8Array.of(0x60, ...tail));
    fc.assert(fc.property(bytes, packet => void answerTo(packet)));
  });
});

function answerTo(packet: Uint8Array): Uint8Array {
  const memory = new Uint8Array(512);
  memory.set(packet, 3);
  return memory.slice(256, 256 + echoReply6(new DataView(memory.buffer), 3, packet.length, 256, GATEWAY));
}

function address(text: string): bigint {
  const parsed = parseIpv6(text);
  assert.ok(parsed !== undefined);
  return parsed;
}
