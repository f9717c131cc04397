import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { chapMd5 } from '../../src/crypto/chap-md5.ts';
import { equal } from '../../src/crypto/constant-time.ts';
import { digest, hmac } from '../../src/crypto/digest.ts';
import { randomBytes } from '../../src/crypto/random.ts';
import { ascii, hex } from '../wire/hex.ts';

describe('digests', () => {
  test('hash their parts as one', () => {
    // RFC 1321 A.5, FIPS 180-2 A and B: "abc"
    assert.deepEqual(digest('md5', ascii('a'), ascii('bc')), hex('900150983cd24fb0d6963f7d28e17f72'));
    assert.deepEqual(digest('sha1', ascii('ab'), ascii('c')), hex('a9993e364706816aba3e25717850c26c9cd0d89d'));
    assert.deepEqual(
      digest('sha256', ascii('abc')),
      hex('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'),
    );
  });

  test('are authenticated as in RFC 2202 and RFC 4231, test case 2', () => {
    const parts = [ascii('what do ya want '), ascii('for nothing?')];
    assert.deepEqual(hmac('md5', ascii('Jefe'), ...parts), hex('750c783e6ab0b503eaa86e310a5db738'));
    assert.deepEqual(hmac('sha1', ascii('Jefe'), ...parts), hex('effcdf6ae5eb2fa2d27416d5f184df9c259a7c79'));
    assert.deepEqual(
      hmac('sha256', ascii('Jefe'), ...parts),
      hex('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'),
    );
  });
});

test('a CHAP response is MD5 over the identifier, the secret and the challenge, in this order', () => {
  assert.deepEqual(chapMd5(0x61, ascii('b'), ascii('c')), hex('900150983cd24fb0d6963f7d28e17f72'));
});

describe('equality', () => {
  test('is that of the bytes', () => {
    assert.ok(equal(hex('0102'), hex('0102')));
    assert.ok(equal(new Uint8Array(0), new Uint8Array(0)));
    assert.ok(!equal(hex('0102'), hex('0103')));
    assert.ok(!equal(hex('0102'), hex('0202')));
  });

  test('of other lengths is false and no error', () => {
    assert.ok(!equal(hex('0102'), hex('01')));
    assert.ok(!equal(new Uint8Array(0), hex('00')));
  });
});

test('random bytes are as many as asked for, and others each time', () => {
  assert.equal(randomBytes(0).length, 0);
  assert.equal(randomBytes(32).length, 32);
  assert.ok(!equal(randomBytes(32), randomBytes(32)));
});
