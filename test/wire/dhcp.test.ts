import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  dhcpMessageLength,
  DhcpOptionCode,
  dhcpOptionLength,
  encodeClasslessRoutes,
  encodeDhcp,
  parseDhcp,
} from '../../src/wire/dhcp.ts';
import { isWireError, WireError } from '../../src/wire/wire-error.ts';
import { DHCPINFORM } from './debian-clients.ts';
import { counting, hex } from './hex.ts';

const MESSAGE = DHCPINFORM.subarray(28);

describe('DHCP', () => {
  test('the DHCPINFORM that dhcpcd sent reads as tcpdump reads it, and is written the same', () => {
    const message = parseDhcp(MESSAGE);
    assert.ok(!isWireError(message));
    const { options, chaddr, ...header } = message;
    assert.deepEqual(header, { op: 1, htype: 1, hlen: 6, xid: 0xa09cde80, flags: 0, ciaddr: 0x0a420007, giaddr: 0 });
    assert.deepEqual(chaddr, hex('ca188f0af591 00000000000000000000'));
    assert.deepEqual([...options.keys()], [53, 55, 57, 61, 145]);
    assert.deepEqual(options.get(DhcpOptionCode.ParameterRequestList), hex('017903060c0f1a1c21333677'));
    assert.deepEqual(encodeDhcp(message), MESSAGE);
  });

  test('a cut inside of the header or of an option is an error', () => {
    const optionsEnd = 286;
    const boundaries = new Set([240, 243, 257, 261, 282, 285]);
    for (let length = 0; length < optionsEnd; length++) {
      assert.equal(isWireError(parseDhcp(MESSAGE.subarray(0, length))), !boundaries.has(length), `${length} bytes`);
    }
  });

  test('BOOTP without the magic cookie is an error', () => {
    assert.equal(parseDhcp(MESSAGE.with(236, 0)), WireError.Value);
  });

  test('a long option is sent in parts and joined again (RFC 3396)', () => {
    const message = parseDhcp(MESSAGE);
    assert.ok(!isWireError(message));
    for (const length of [0, 1, 255, 256, 510, 700]) {
      const options = new Map([[121, counting(length)]]);
      const bytes = encodeDhcp({ ...message, options });
      assert.equal(bytes.length, dhcpMessageLength(dhcpOptionLength(length)));
      const again = parseDhcp(bytes);
      assert.ok(!isWireError(again));
      assert.deepEqual(again.options, options);
    }
  });

  test('routes are written as in the examples of RFC 3442', () => {
    const router = 0x0a000001;
    const routes = [
      ['00 0a000001', 0, 0],
      ['08 0a 0a000001', 0x0a000000, 8],
      ['18 0a0000 0a000001', 0x0a000000, 24],
      ['10 0a11 0a000001', 0x0a110000, 16],
      ['18 0a1b81 0a000001', 0x0a1b8100, 24],
      ['19 0a e5 00 80 0a000001', 0x0ae50080, 25],
      ['20 0ac67a2f 0a000001', 0x0ac67a2f, 32],
    ] as const;
    for (const [bytes, address, length] of routes) {
      assert.deepEqual(encodeClasslessRoutes([{ address, length, router }]), hex(bytes));
    }
  });

  test('any bytes are taken', () => {
    const options = fc.uint8Array({ maxLength: 96, size: 'max' });
    fc.assert(
      fc.property(options, tail => {
        const message = parseDhcp(Uint8Array.of(...MESSAGE.subarray(0, 240), ...tail));
        if (isWireError(message)) return;
        const again = parseDhcp(encodeDhcp(message));
        assert.ok(!isWireError(again));
        assert.deepEqual(again, message);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), bytes => void parseDhcp(bytes)));
  });
});
