import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { credentialsAt } from '../../src/wire/credentials.ts';
import { hex } from './hex.ts';

/** What stays of the frame, in hexadecimal; the rest is kept from others. */
function shown(text: string): string {
  const bytes = hex(text);
  const at = credentialsAt(new DataView(bytes.buffer), 0, bytes.length);
  assert.ok(at >= 0 && at <= bytes.length);
  return Buffer.from(bytes.subarray(0, at)).toString('hex');
}

describe('what a frame may show to others:', () => {
  for (const [name, frame, visible] of [
    ['PAP without the user and the password', 'ff03 c023 01 01 000c 03 616263 03 707764', 'ff03c0230101000c'],
    ['CHAP without the challenge', 'ff03 c223 01 07 0009 04 11223344', 'ff03c22301070009'],
    ['EAP with its type and no more', 'ff03 c227 02 05 000a 01 616c696365', 'ff03c2270205000a01'],
    ['EAP-MSCHAPv2 likewise', 'ff03 c227 01 05 000a 1a 0101000510', 'ff03c2270105000a1a'],
    ['the same with the address field compressed', 'c223 01 07 0009 04 11223344', 'c22301070009'],
    [
      'an LCP Protocol-Reject without the PAP frame that it repeats',
      'ff03 c021 08 02 0012 c023 0101000c03616263037077',
      'ff03c02108020012c0230101000c',
    ],
    [
      'one in another one',
      'ff03 c021 08 02 0018 c021 08 02 0012 c223 01070009 04112233',
      'ff03c02108020018c02108020012c22301070009',
    ],
    ['a rejected EAP frame', 'ff03 c021 08 02 0010 c227 0205000a01 616c', 'ff03c02108020010c2270205000a01'],
  ] as const) {
    test(name, () => assert.equal(shown(frame), visible));
  }

  for (const [name, frame] of [
    ['LCP', 'ff03 c021 01 01 0009 03 05 c223 81'],
    ['a Protocol-Reject of something else', 'ff03 c021 08 02 000a 80fd 01010004'],
    ['a Protocol-Reject of nothing', 'ff03 c021 08 02 0004'],
    ['IPCP', 'ff03 8021 01 01 0004'],
    ['IPv4', 'ff03 0021 4500'],
    ['IPv4 with compressed headers', '21 4500'],
    ['what is no PPP frame', 'ff03 ff23 0101'],
    ['a protocol that begins as PAP does', 'c024 0101 000c 03'],
    ['nothing', ''],
  ] as const) {
    test(`${name}: all of it`, () => assert.equal(shown(frame), frame.replaceAll(' ', '')));
  }

  test('a frame that is cut anywhere shows no more than the whole one', () => {
    const frame = 'ff03c0210802001ac02108020012c0230101000c03616263037077';
    const visible = shown(frame);
    for (let length = 0; length <= frame.length; length += 2) {
      assert.ok(visible.startsWith(shown(frame.slice(0, length)).slice(0, visible.length)), `${length / 2} bytes`);
      assert.ok(shown(frame.slice(0, length)).length <= visible.length, `${length / 2} bytes`);
    }
  });

  test('whatever the bytes are, and however deep rejects lie in each other', () => {
    const reject = 'c02108020fff'.repeat(680);
    assert.equal(shown(`ff03${reject}`).length, 4 + reject.length);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), bytes => void shown(Buffer.from(bytes).toString('hex'))),
      { interruptAfterTimeLimit: 5_000 },
    );
  });
});
