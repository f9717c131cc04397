import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { readReplyAttributes } from '../../../src/aaa/radius/reply-attributes.ts';
import type { SessionAttributes } from '../../../src/aaa/session-attributes.ts';
import { parseIpv4 } from '../../../src/wire/ip.ts';
import { parseIpv6, parseIpv6Prefix } from '../../../src/wire/ipv6.ts';
import {
  type Attribute,
  integerValue,
  interfaceIdValue,
  ipv6AddressValue,
  ipv6PrefixValue,
  RadiusAttribute as Type,
  RadiusVendor,
  textValue,
  vendorAttribute,
} from '../../../src/wire/radius.ts';

const ADDRESS = parseIpv4('10.9.8.7')!;
const PREFIX = parseIpv6Prefix('2001:db8:7::/64')!;

const meanings: [name: string, attributes: Attribute[], meaning: SessionAttributes][] = [
  ['nothing', [], {}],
  ['an address', [integer(Type.FramedIpAddress, ADDRESS)], { ipv4: { kind: 'fixed', address: ADDRESS } }],
  ['the address that the client wants', [integer(Type.FramedIpAddress, 0xffffffff)], { ipv4: { kind: 'peer' } }],
  ['an address of ours', [integer(Type.FramedIpAddress, 0xfffffffe)], { ipv4: { kind: 'pool', name: undefined } }],
  ['a pool', [text(Type.FramedPool, 'staff')], { ipv4: { kind: 'pool', name: 'staff' } }],
  [
    'an address of a pool',
    [integer(Type.FramedIpAddress, 0xfffffffe), text(Type.FramedPool, 'staff')],
    { ipv4: { kind: 'pool', name: 'staff' } },
  ],
  [
    'an address in spite of a pool',
    [text(Type.FramedPool, 'staff'), integer(Type.FramedIpAddress, ADDRESS)],
    { ipv4: { kind: 'fixed', address: ADDRESS } },
  ],
  [
    'a network around the address',
    [integer(Type.FramedIpAddress, ADDRESS), integer(Type.FramedIpNetmask, 0xffffff00)],
    { ipv4: { kind: 'fixed', address: ADDRESS }, routes: [route('10.9.8.0', 24)] },
  ],
  [
    'no network but the address',
    [integer(Type.FramedIpAddress, ADDRESS), integer(Type.FramedIpNetmask, 0xffffffff)],
    { ipv4: { kind: 'fixed', address: ADDRESS } },
  ],
  [
    'routes in all their forms',
    [
      integer(Type.FramedIpAddress, ADDRESS),
      ...['192.168.7.0/24 0.0.0.0 1', '172.16.0.0/12', '10.0.0.0', '192.168.9.77/24 10.9.8.7 5 6'].map(each =>
        text(Type.FramedRoute, each),
      ),
    ],
    {
      ipv4: { kind: 'fixed', address: ADDRESS },
      routes: [route('192.168.7.0', 24, 1), route('172.16.0.0', 12), route('10.0.0.0', 8), route('192.168.9.0', 24, 5)],
    },
  ],
  [
    'IPv6 routes',
    [text(Type.FramedIpv6Route, '2001:db8:9::/48 :: 3')],
    { routes: [{ family: 6, prefix: parseIpv6Prefix('2001:db8:9::/48')!, metric: 3 }] },
  ],
  ['a prefix', [prefix(Type.FramedIpv6Prefix)], { ipv6Prefix: { kind: 'fixed', prefix: PREFIX } }],
  ['a pool of prefixes', [text(Type.FramedIpv6Pool, 'six')], { ipv6Prefix: { kind: 'pool', name: 'six' } }],
  ['a prefix to delegate', [prefix(Type.DelegatedIpv6Prefix)], { delegatedPrefix: { kind: 'fixed', prefix: PREFIX } }],
  [
    'a pool of prefixes to delegate',
    [text(Type.DelegatedIpv6PrefixPool, 'pd')],
    { delegatedPrefix: { kind: 'pool', name: 'pd' } },
  ],
  [
    'an interface identifier',
    [{ type: Type.FramedInterfaceId, value: interfaceIdValue(0x1234n) }],
    { interfaceId: 0x1234n },
  ],
  [
    'an IPv6 address',
    [{ type: Type.FramedIpv6Address, value: ipv6AddressValue(parseIpv6('2001:db8:7::42')!) }],
    { ipv6Prefix: { kind: 'fixed', prefix: PREFIX }, interfaceId: 0x42n },
  ],
  [
    'DNS and NBNS servers, the first first',
    [microsoft(29, '10.0.0.2'), microsoft(28, '10.0.0.1'), microsoft(30, '10.0.0.3'), microsoft(31, '0.0.0.0')],
    { dns: [parseIpv4('10.0.0.1')!, parseIpv4('10.0.0.2')!], nbns: [parseIpv4('10.0.0.3')!] },
  ],
  [
    'IPv6 DNS servers',
    [{ type: Type.DnsServerIpv6Address, value: ipv6AddressValue(parseIpv6('2001:db8::53')!) }],
    { dns6: [parseIpv6('2001:db8::53')!] },
  ],
  ['an MTU', [integer(Type.FramedMtu, 1300)], { mtu: 1300 }],
  [
    'times',
    [integer(Type.SessionTimeout, 3600), integer(Type.IdleTimeout, 300), integer(Type.AcctInterimInterval, 600)],
    { sessionTimeoutMs: 3_600_000, idleTimeoutMs: 300_000, interimIntervalMs: 600_000 },
  ],
  [
    'no times',
    [integer(Type.SessionTimeout, 0), integer(Type.IdleTimeout, 0), integer(Type.AcctInterimInterval, 0)],
    {},
  ],
  ['a minute between interims at least', [integer(Type.AcctInterimInterval, 5)], { interimIntervalMs: 60_000 }],
  ['a number of sessions', [integer(Type.PortLimit, 2)], { maxSessions: 2 }],
  [
    'classes in their order',
    [text(Type.Class, 'b'), text(Type.Class, 'a')],
    { classes: [textValue('b'), textValue('a')] },
  ],
  ['a filter', [text(Type.FilterId, 'staff-acl')], { filterId: 'staff-acl' }],
  [
    'a rate in a filter',
    [text(Type.FilterId, '2000/1000')],
    { filterId: '2000/1000', rate: { up: 1e6, down: 2e6, upBurst: undefined, downBurst: undefined } },
  ],
  [
    "MikroTik's rate rather than another",
    [text(Type.FilterId, '1/1'), vendor(RadiusVendor.Wispr, 7, integerValue(9)), mikrotik('1M/2M')],
    { filterId: '1/1', rate: { up: 1e6, down: 2e6, upBurst: undefined, downBurst: undefined } },
  ],
  [
    "WISPr's rate",
    [vendor(RadiusVendor.Wispr, 7, integerValue(1e6)), vendor(RadiusVendor.Wispr, 8, integerValue(2e6))],
    { rate: { up: 1e6, down: 2e6, upBurst: undefined, downBurst: undefined } },
  ],
  [
    "Cisco's rates of both directions among other pairs",
    [
      cisco('ip:addr-pool=x'),
      cisco('lcp:interface-config#1=rate-limit output 2000000 1000 1000 conform-action transmit exceed-action drop'),
      cisco('lcp:interface-config#2=rate-limit input 1000000 500 500 conform-action transmit exceed-action drop'),
    ],
    { rate: { up: 1e6, down: 2e6, upBurst: 500, downBurst: 1000 } },
  ],
  [
    'what is of no use here',
    [
      integer(Type.TerminationAction, 1),
      vendor(RadiusVendor.Microsoft, 7, integerValue(1)),
      vendor(RadiusVendor.Microsoft, 8, integerValue(6)),
      { type: Type.VendorSpecific, value: Uint8Array.of(0, 0, 1) },
      { type: 250, value: new Uint8Array(3) },
    ],
    {},
  ],
];

describe('attributes mean', () => {
  for (const [name, attributes, meaning] of meanings) {
    test(name, () => assert.deepEqual(readReplyAttributes(attributes, 1), { attributes: meaning, problems: [] }));
  }
});

describe('attributes that mean nothing are reported, and the others count', () => {
  const cases: [name: string, attribute: Attribute][] = [
    ['Framed-IP-Address', { type: Type.FramedIpAddress, value: new Uint8Array(3) }],
    ['Framed-IP-Netmask', integer(Type.FramedIpNetmask, 0xff00ff00)],
    ['Framed-IP-Netmask', integer(Type.FramedIpNetmask, 0)],
    ['Framed-Route', text(Type.FramedRoute, '10.0.0.0/8 10.255.0.1 1')],
    ['Framed-Route', text(Type.FramedRoute, '0.0.0.0/0 0.0.0.0 1')],
    ['Framed-Route', text(Type.FramedRoute, '10.0.0.0/33')],
    ['Framed-Route', text(Type.FramedRoute, '10.0.0.0/8 0.0.0.0 much')],
    ['Framed-Route', text(Type.FramedRoute, '224.0.0.0')],
    ['Framed-Route', text(Type.FramedRoute, '')],
    ['Framed-IPv6-Route', text(Type.FramedIpv6Route, '::/0 :: 1')],
    ['Framed-IPv6-Route', text(Type.FramedIpv6Route, '2001:db8::/32 fe80::1 1')],
    ['Framed-IPv6-Prefix', { type: Type.FramedIpv6Prefix, value: Uint8Array.of(0, 129) }],
    ['Framed-IPv6-Prefix', { type: Type.FramedIpv6Prefix, value: Uint8Array.of(0, 0) }],
    ['Framed-Interface-Id', { type: Type.FramedInterfaceId, value: new Uint8Array(8) }],
    ['Framed-MTU', integer(Type.FramedMtu, 575)],
    ['Mikrotik-Rate-Limit', mikrotik('fast')],
    ['MS-Primary-DNS-Server', vendor(RadiusVendor.Microsoft, 28, new Uint8Array(5))],
  ];
  for (const [at, [name, attribute]] of cases.entries()) {
    test(`${name}, case ${at}`, () => {
      const { attributes, problems } = readReplyAttributes([attribute, integer(Type.PortLimit, 2)], 1);
      assert.deepEqual(attributes, { maxSessions: 2 });
      assert.equal(problems.length, 1);
      assert.ok(problems[0]?.startsWith(`${name}: `), problems[0]);
    });
  }

  test('any attributes mean something or nothing', () => {
    const attribute = fc.record({ type: fc.integer({ min: 0, max: 255 }), value: fc.uint8Array({ maxLength: 30 }) });
    fc.assert(fc.property(fc.array(attribute), attributes => void readReplyAttributes(attributes, 1)));
    const word = fc.stringMatching(/^[0-9a-f:./ ]{0,24}$/);
    fc.assert(
      fc.property(word, value => {
        readReplyAttributes([text(Type.FramedRoute, value), text(Type.FramedIpv6Route, value)], 1);
      }),
    );
  });
});

function integer(type: number, value: number): Attribute {
  return { type, value: integerValue(value) };
}

function text(type: number, value: string): Attribute {
  return { type, value: textValue(value) };
}

function vendor(id: number, type: number, value: Uint8Array): Attribute {
  return vendorAttribute(id, type, value);
}

function microsoft(type: number, address: string): Attribute {
  return vendor(RadiusVendor.Microsoft, type, integerValue(parseIpv4(address)!));
}

function mikrotik(rate: string): Attribute {
  return vendor(RadiusVendor.Mikrotik, 8, textValue(rate));
}

function cisco(pair: string): Attribute {
  return vendor(RadiusVendor.Cisco, 1, textValue(pair));
}

function prefix(type: number): Attribute {
  return { type, value: ipv6PrefixValue(PREFIX) };
}

function route(address: string, length: number, metric?: number): NonNullable<SessionAttributes['routes']>[number] {
  return { family: 4, address: parseIpv4(address)!, length, metric };
}
