import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeEnd } from '../../src/client/end-message.ts';

describe('why a tunnel ended, in words', () => {
  test('a refusal names what was refused, by its code', () => {
    assert.equal(describeEnd('auth-failed'), 'the server refused user name or password');
    const refusals: readonly [number | undefined, string][] = [
      [646, 'this user may not log in at this time'],
      [647, 'this account is disabled'],
      [648, 'the password has expired'],
      [649, 'this user may not dial in'],
      [691, 'the server refused user name or password'],
      [999, 'the server refused user name or password'],
      [undefined, 'the server refused user name or password'],
    ];
    for (const [code, text] of refusals) {
      assert.equal(describeEnd('auth-failed', { code, message: '' }), text);
      assert.equal(describeEnd('auth-failed', { code, message: 'No way' }), `${text} ("No way")`);
    }
  });

  test('what the server says cannot move the cursor, spoof lines or fill the screen', () => {
    const message = `\u001b[2J\r\nroot#\u202e ${'x'.repeat(1000)}`;
    const text = describeEnd('auth-failed', { code: 691, message });
    assert.match(text, /^the server refused user name or password \("\[2J root# x{190,200}"\)$/);
  });

  test('every reason that a client can meet is a sentence, and another one is at least named', () => {
    for (const reason of [
      'peer-disconnect',
      'connection-fin',
      'auth-unverified',
      'ipcp-failed',
      'delineation',
    ] as const) {
      assert.match(describeEnd(reason), / /);
    }
    assert.equal(describeEnd('drain'), 'drain');
  });
});
