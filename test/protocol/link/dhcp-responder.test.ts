import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { answerInform, type DhcpSettings } from '../../../src/protocol/link/dhcp-responder.ts';
import type { Ipv4Parameters } from '../../../src/protocol/ppp/credentials.ts';
import { type DhcpMessage, encodeDhcp, parseDhcp } from '../../../src/wire/dhcp.ts';
import { encodeUdp4, parseIpv4Packet, parseUdp4 } from '../../../src/wire/ip-packet.ts';
import { isWireError } from '../../../src/wire/wire-error.ts';
import { DHCPINFORM } from '../../wire/debian-clients.ts';
import { ascii, hex } from '../../wire/hex.ts';

const IPV4: Ipv4Parameters = { address: 0x0a420007, gateway: 0x0a420001, dns: [0x0a420035], nbns: [0x0a42002c] };
const SETTINGS: DhcpSettings = {
  domain: 'corp.example',
  search: ['corp.example', 'lab.example'],
  routes: [
    { address: 0x0a000000, length: 8 },
    { address: 0xc0a80000, length: 16 },
  ],
};
const ROUTES = hex('08 0a 0a420001 10 c0a8 0a420001');
/** What Windows 11 asks for over PPP, as it asks on every other interface. */
const WINDOWS_LIST = Uint8Array.of(1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252);

describe('DHCPINFORM', () => {
  test('Windows is told of DNS, domain, search list and routes, from the gateway to its own address', () => {
    const { packet, message } = answered(inform({ 55: WINDOWS_LIST }));
    assert.deepEqual([packet.source, packet.destination], [IPV4.gateway, IPV4.address]);
    const { op, xid, ciaddr } = message;
    assert.deepEqual([op, xid, ciaddr], [2, 0xa09cde80, IPV4.address]);
    assert.deepEqual(
      message.options,
      new Map([
        [53, hex('05')],
        [54, hex('0a420001')],
        [6, hex('0a420035')],
        [15, ascii('corp.example')],
        [121, ROUTES],
        [249, ROUTES],
        [119, hex('04 636f7270 07 6578616d706c65 00 03 6c6162 07 6578616d706c65 00')],
        [44, hex('0a42002c')],
      ]),
    );
  });

  test('dhcpcd is told what it asks for, and no lease time', () => {
    const { message } = answered(DHCPINFORM);
    assert.deepEqual([...message.options.keys()], [53, 54, 6, 15, 121, 119]);
  });

  test('who has no list gets all, and what is not configured is left out', () => {
    assert.deepEqual([...answered(inform({})).message.options.keys()], [53, 54, 6, 15, 121, 249, 119, 44]);
    const bare = answerInform(
      inform({}),
      { ...IPV4, dns: [], nbns: [] },
      { domain: undefined, search: [], routes: [] },
      1400,
    );
    assert.deepEqual([...messageOf(bare).options.keys()], [53, 54]);
  });

  test('options that do not fit into the MTU are left out whole', () => {
    const routes = Array.from({ length: 100 }, (_, index) => ({ address: 0x0a000000 + index * 256, length: 24 }));
    for (const mtu of [576, 800, 1280, 1400, 4087]) {
      const answer = answerInform(inform({ 55: WINDOWS_LIST }), IPV4, { ...SETTINGS, routes }, mtu);
      assert.ok(answer !== undefined && answer.length <= mtu, `${answer?.length} of ${mtu}`);
      const sent = messageOf(answer).options;
      assert.deepEqual([sent.has(6), sent.has(15)], [true, true]);
      assert.deepEqual([sent.has(121), sent.has(249)], [mtu >= 1280, mtu >= 4087]);
    }
  });

  test('what is no DHCPINFORM of this client gets no answer', () => {
    for (const [why, packet] of Object.entries({
      'a DHCPDISCOVER': inform({ 53: hex('01') }),
      'no type': inform({ 53: undefined }),
      'a type of two bytes': inform({ 53: hex('0808') }),
      'a reply': changed({ op: 2 }),
      'another client': changed({ ciaddr: 0x0a420008 }),
      'another port': encodeUdp4(IPV4.address, 0xffffffff, {
        sourcePort: 68,
        destinationPort: 68,
        data: DHCPINFORM.slice(28),
      }),
    })) {
      assert.equal(answerInform(packet, IPV4, SETTINGS, 1400), undefined, why);
    }
  });

  test('any packet is taken', () => {
    const damage = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 });
    fc.assert(
      fc.property(damage, fc.nat(400), (bytes, cut) => {
        const packet = DHCPINFORM.slice(0, cut % 3 === 0 ? cut : DHCPINFORM.length);
        for (const [at, value] of bytes) packet.fill(value, at, at + 1);
        answerInform(packet, IPV4, SETTINGS, 1400);
      }),
    );
  });
});

/** What dhcpcd sent, with these options of its own. */
function inform(options: Readonly<Record<number, Uint8Array | undefined>>): Uint8Array {
  const present = Object.entries({ 53: hex('08'), ...options });
  return changed({
    options: new Map(present.flatMap(([code, data]) => (data === undefined ? [] : [[Number(code), data]]))),
  });
}

function changed(fields: Partial<DhcpMessage>): Uint8Array {
  const data = encodeDhcp({ ...messageOf(DHCPINFORM), ...fields });
  return encodeUdp4(IPV4.address, 0xffffffff, { sourcePort: 68, destinationPort: 67, data });
}

function answered(question: Uint8Array) {
  const answer = answerInform(question, IPV4, SETTINGS, 1400);
  assert.ok(answer !== undefined);
  const packet = parseIpv4Packet(answer);
  assert.ok(!isWireError(packet));
  return { packet, message: messageOf(answer) };
}

function messageOf(bytes: Uint8Array | undefined): DhcpMessage {
  const packet = parseIpv4Packet(bytes ?? new Uint8Array(0));
  assert.ok(!isWireError(packet));
  const datagram = parseUdp4(packet);
  assert.ok(!isWireError(datagram));
  const message = parseDhcp(datagram.data);
  assert.ok(!isWireError(message));
  return message;
}
