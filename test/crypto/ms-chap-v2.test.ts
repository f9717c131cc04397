import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { md4 } from '../../src/crypto/md4.ts';
import { masterKeys } from '../../src/crypto/mppe-keys.ts';
import {
  authenticatorResponse,
  challengeHash,
  matchNtResponse,
  ntPasswordHash,
  ntResponse,
  provesPassword,
  withoutDomain,
} from '../../src/crypto/ms-chap-v2.ts';
import { ascii, hex } from '../wire/hex.ts';

// RFC 2759 9.2 and RFC 3079 3.5.
const EXCHANGE = {
  user: 'User',
  authenticatorChallenge: hex('5B5D7C7D7B3F2F3E3C2C602132262628'),
  peerChallenge: hex('21402324255E262A28295F2B3A337C7E'),
};
const NT_HASH = hex('44EBBA8D5312B8D611474411F56989AE');
const NT_RESPONSE = hex('82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF');
const AUTHENTICATOR_RESPONSE = 'S=407A5589115FD0D6209F510FE9C04566932CDA56';

describe('MD4', () => {
  // RFC 1320 A.5
  const vectors: readonly [text: string, digest: string][] = [
    ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
    ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
    ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
    ['message digest', 'd9130a8164549fe818874806e1c7014b'],
    ['abcdefghijklmnopqrstuvwxyz', 'd79e1c308aa5bbcdeea8ed63df412da9'],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '043f8582f241db351ce627e153e7f0e4'],
    ['1234567890'.repeat(8), 'e33b4ddc9c38f2199c3e7b164fcc0536'],
  ];
  for (const [text, digest] of vectors) {
    test(`of ${JSON.stringify(text)}`, () => assert.deepEqual(md4(ascii(text)), hex(digest)));
  }

  test('gives a result that the next call does not overwrite', () => {
    const first = md4(ascii('a'));
    md4(ascii('abc'));
    assert.deepEqual(first, hex('bde52cb31de33e46245e05fbdbd6fb24'));
  });
});

describe('MS-CHAPv2, RFC 2759 9.2', () => {
  test('NtPasswordHash', () => assert.deepEqual(ntPasswordHash('clientPass'), NT_HASH));

  test('NtPasswordHash of the empty password', () => {
    assert.deepEqual(ntPasswordHash(''), hex('31D6CFE0D16AE931B73C59D7E0C089C0'));
  });

  test('NtPasswordHash takes UTF-16 code units, little-endian, pairs of surrogates among them', () => {
    assert.deepEqual(ntPasswordHash('\u00fc\u{1f600}'), md4(hex('FC00 3DD8 00DE')));
  });

  test('PasswordHashHash', () => assert.deepEqual(md4(NT_HASH), hex('41C00C584BD2D91C4017A2A12FA59F3F')));

  test('ChallengeHash', () => assert.deepEqual(challengeHash(EXCHANGE), hex('D02E4386BCE91226')));

  test('NT-Response', () => assert.deepEqual(ntResponse(NT_HASH, EXCHANGE), NT_RESPONSE));

  test('AuthenticatorResponse', () => {
    assert.equal(authenticatorResponse(NT_HASH, NT_RESPONSE, EXCHANGE), AUTHENTICATOR_RESPONSE);
  });
});

describe('master keys, RFC 3079 3.5', () => {
  test('of 128 bits, named from the client', () => {
    assert.deepEqual(masterKeys(NT_HASH, NT_RESPONSE), {
      clientSend: hex('D5F0E9521E3EA9589645E86051C82226'),
      clientReceive: hex('8B7CDC149B993A1BA118CB153F56DCCB'),
    });
  });
});

describe('the server', () => {
  test('accepts the right response', () => {
    assert.deepEqual(matchNtResponse(NT_HASH, NT_RESPONSE, EXCHANGE), EXCHANGE);
  });

  test('accepts a client that leaves the domain out of the hash, and answers without it', () => {
    const exchange = { ...EXCHANGE, user: 'CORP\\User' };
    assert.deepEqual(matchNtResponse(NT_HASH, NT_RESPONSE, exchange), EXCHANGE);
  });

  test('accepts a client that keeps the domain in the hash, and answers with it', () => {
    const exchange = { ...EXCHANGE, user: 'CORP\\User' };
    const response = ntResponse(NT_HASH, exchange);
    assert.notDeepEqual(response, NT_RESPONSE);
    assert.deepEqual(matchNtResponse(NT_HASH, response, exchange), exchange);
  });

  test('refuses every response that differs in one bit, and other lengths', () => {
    for (let bit = 0; bit < NT_RESPONSE.length * 8; bit++) {
      const wrong = NT_RESPONSE.slice();
      wrong[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(matchNtResponse(NT_HASH, wrong, EXCHANGE), undefined, `bit ${bit}`);
    }
    assert.equal(matchNtResponse(NT_HASH, NT_RESPONSE.subarray(1), EXCHANGE), undefined);
  });

  test('refuses another user, challenge or password', () => {
    const [challenge] = [new Uint8Array(16)];
    for (const [hash, exchange] of [
      [NT_HASH, { ...EXCHANGE, user: 'user' }],
      [NT_HASH, { ...EXCHANGE, peerChallenge: challenge }],
      [NT_HASH, { ...EXCHANGE, authenticatorChallenge: challenge }],
      [ntPasswordHash('clientpass'), EXCHANGE],
    ] as const) {
      assert.equal(matchNtResponse(hash, NT_RESPONSE, exchange), undefined);
    }
  });
});

describe('the client', () => {
  test('believes only a server that knows the password', () => {
    assert.ok(provesPassword(AUTHENTICATOR_RESPONSE, NT_HASH, NT_RESPONSE, EXCHANGE));
    assert.ok(!provesPassword(AUTHENTICATOR_RESPONSE.replace('407A', '407B'), NT_HASH, NT_RESPONSE, EXCHANGE));
    assert.ok(!provesPassword('', NT_HASH, NT_RESPONSE, EXCHANGE));
    assert.ok(!provesPassword(AUTHENTICATOR_RESPONSE, ntPasswordHash('x'), NT_RESPONSE, EXCHANGE));
  });
});

test('a domain ends at the last backslash', () => {
  assert.deepEqual(['User', 'CORP\\User', 'A\\B\\User', '\\', ''].map(withoutDomain), ['User', 'User', 'User', '', '']);
});
