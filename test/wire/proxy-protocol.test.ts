import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseProxyHeader } from '../../src/wire/proxy-protocol.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const V4 = `${SIGNATURE}2111000cc0000207cb00710515b301bb`;
const V6 = `${SIGNATURE}2121002420010db800000000000000000000000120010db800000000000000000000000215b301bb`;
const V6_MAPPED = `${SIGNATURE}2121002400000000000000000000ffffc000020700000000000000000000ffffcb00710515b301bb`;

const headers: readonly { what: string; bytes: Buffer; source: string | undefined }[] = [
  { what: 'v1 TCP4', bytes: text('PROXY TCP4 192.0.2.7 203.0.113.5 5555 443'), source: '192.0.2.7 5555' },
  { what: 'v1 TCP6', bytes: text('PROXY TCP6 2001:db8::1 2001:db8::2 5555 443'), source: '2001:db8::1 5555' },
  {
    what: 'v1 TCP6 in another spelling',
    bytes: text('PROXY TCP6 2001:DB8:0:0::1 2001:db8::2 5555 443'),
    source: '2001:db8::1 5555',
  },
  {
    what: 'v1 TCP6 of an IPv4 client',
    bytes: text('PROXY TCP6 ::ffff:192.0.2.7 ::ffff:203.0.113.5 5555 443'),
    source: '192.0.2.7 5555',
  },
  { what: 'v1 UNKNOWN', bytes: text('PROXY UNKNOWN'), source: undefined },
  { what: 'v1 UNKNOWN with words behind', bytes: text('PROXY UNKNOWN ffff::1 ffff::2 65535 65535'), source: undefined },
  { what: 'v2 IPv4', bytes: hex(V4), source: '192.0.2.7 5555' },
  { what: 'v2 IPv6', bytes: hex(V6), source: '2001:db8::1 5555' },
  { what: 'v2 IPv6 of an IPv4 client', bytes: hex(V6_MAPPED), source: '192.0.2.7 5555' },
  { what: 'v2 IPv4 with a TLV', bytes: hex(V4.replace('000c', '0010') + '04000100'), source: '192.0.2.7 5555' },
  { what: 'v2 LOCAL', bytes: hex(`${SIGNATURE}20000000`), source: undefined },
];

describe('PROXY header', () => {
  for (const { what, bytes, source } of headers) {
    test(`${what}: who is behind it, and where the client's bytes begin`, () => {
      const found = parseProxyHeader(Buffer.concat([bytes, Buffer.from([0x16, 3, 1])]));
      assert.ok(found.kind === 'header');
      assert.equal(found.length, bytes.length);
      assert.equal(found.source && `${found.source.address} ${found.source.port}`, source);
      assert.equal(found.destination === undefined, source === undefined);
    });

    test(`${what}: each part of it asks for more`, () => {
      for (let length = 0; length < bytes.length; length++) {
        const found = parseProxyHeader(bytes.subarray(0, length));
        assert.ok(found.kind === 'more' && found.needed > length && found.needed <= bytes.length, `${length}`);
      }
    });
  }

  for (const [what, bytes] of [
    ['a TLS record', hex('160301')],
    ['a v1 line without end', Buffer.from('PROXY TCP4 '.padEnd(107, '1'))],
    ['v1 with another family', text('PROXY UDP4 192.0.2.7 203.0.113.5 5555 443')],
    ['v1 with an address too many', text('PROXY TCP4 192.0.2.7 203.0.113.5 5555 443 1')],
    ['v1 with a port out of range', text('PROXY TCP4 192.0.2.7 203.0.113.5 65536 443')],
    ['v1 with a name for an address', text('PROXY TCP4 localhost 203.0.113.5 5555 443')],
    ['v1 with IPv6 in TCP4', text('PROXY TCP4 ::1 ::2 5555 443')],
    ['v2 of version 3', hex(V4.replace('2111', '3111'))],
    ['v2 with an unknown command', hex(V4.replace('2111', '2211'))],
    ['v2 of UDP', hex(V4.replace('2111', '2112'))],
    ['v2 with too few address bytes', hex(V6.replace('0024', '0020').slice(0, -8))],
    ['v2 with an endless body', hex(`${SIGNATURE}2111ffff`)],
  ] as const) {
    test(`${what} is refused`, () => assert.deepEqual(parseProxyHeader(bytes), { kind: 'bad' }));
  }

  test('no bytes at all make it throw or claim more than there is', () => {
    const start = fc.constantFrom(Buffer.alloc(0), Buffer.from('PROXY '), hex(SIGNATURE), hex(`${SIGNATURE}2111`));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), (head, tail) => {
        const bytes = Buffer.concat([head, tail]);
        const found = parseProxyHeader(bytes);
        if (found.kind === 'header') assert.ok(found.length <= bytes.length);
        if (found.kind === 'more') assert.ok(found.needed > bytes.length);
      }),
      { numRuns: 2000 },
    );
  });
});

function text(line: string): Buffer {
  return Buffer.from(`${line}\r\n`, 'latin1');
}

function hex(digits: string): Buffer {
  return Buffer.from(digits, 'hex');
}
