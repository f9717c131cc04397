import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainAddress } from '../../src/https/peer-facts.ts';

test('an IPv4 peer looks the same on a socket of either family', () => {
  assert.equal(plainAddress('::ffff:192.0.2.7'), '192.0.2.7');
  assert.equal(plainAddress('192.0.2.7'), '192.0.2.7');
  assert.equal(plainAddress('2001:db8::7'), '2001:db8::7');
  assert.equal(plainAddress(undefined), '');
});
