// Vectors: RFC 2865 7, and values computed with another implementation of MD5 and HMAC (Python's).
import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  accountingRequestAuthenticator,
  checkMessageAuthenticator,
  hideUserPassword,
  messageAuthenticator,
  responseAuthenticator,
  revealKey,
  sealAccessRequest,
  sealAccountingRequest,
  sealReply,
} from '../../src/crypto/radius.ts';
import { integerValue, RadiusAttribute, RadiusCode, UNSEALED_MESSAGE_AUTHENTICATOR } from '../../src/wire/radius.ts';
import { ascii, counting, hex } from '../wire/hex.ts';

const RFC_SECRET = ascii('xyzzy5461');
const SECRET = ascii('s3cret');
const REQUEST_AUTHENTICATOR = counting(16);

const ACCESS_REQUEST = hex(
  '0107002f000102030405060708090a0b0c0d0e0f50123b867fe3a1f9e1f44cdc12c4ef05771b0105626f6220046777',
);
const ACCESS_ACCEPT = hex('0207002af374033381613a9106091ab5cde6820b50129051c3da94e308cd3ae69a67fcfe5fe812046869');
const ACCOUNTING_REQUEST = hex('0409001e735487d30dd5288fbc36fca060f35e382806000000012c047831');
const COA_REQUEST = hex('2b09002a1b90f6e72ed10ba4b6ad6007785007f15012221002860d9e0ac9a5f4225c3599ef2b2c047831');

describe('authenticators', () => {
  test('of replies are those of RFC 2865 7.1 and 7.2', () => {
    const replies: [request: string, reply: string][] = [
      [
        '0f403f9473978057bd83d5cb98f4227a',
        '02 00 0026 86fe220e7624ba2a1005f6bf9b55e0b2 060600000001 0f0600000000 0e06c0a80103',
      ],
      [
        '2aee86f08d0d55969ca5978e0d3367a2',
        '02 01 0038 15efbc7dab26cfa3dc34d9c03c8601a4 060600000002 070600000001 0806fffffffe 0a0600000002 0d0600000001 0c06000005dc',
      ],
    ];
    for (const [request, reply] of replies) {
      const bytes = hex(reply);
      assert.deepEqual(responseAuthenticator(bytes, hex(request), RFC_SECRET), bytes.slice(4, 20));
    }
  });

  test('of accounting and CoA requests start from zeros', () => {
    for (const bytes of [ACCOUNTING_REQUEST, COA_REQUEST]) {
      assert.deepEqual(accountingRequestAuthenticator(bytes, SECRET), bytes.slice(4, 20));
    }
  });

  test('do not count padding behind the packet', () => {
    const padded = Uint8Array.of(...ACCOUNTING_REQUEST, 1, 2, 3);
    assert.deepEqual(accountingRequestAuthenticator(padded, SECRET), ACCOUNTING_REQUEST.slice(4, 20));
    const accept = Uint8Array.of(...ACCESS_ACCEPT, 1, 2, 3);
    assert.equal(checkMessageAuthenticator(accept, SECRET, REQUEST_AUTHENTICATOR), 'good');
  });
});

describe('Message-Authenticator', () => {
  const packets: [name: string, bytes: Uint8Array, authenticator: Uint8Array | undefined][] = [
    ['of an Access-Request', ACCESS_REQUEST, REQUEST_AUTHENTICATOR],
    ['of a reply', ACCESS_ACCEPT, REQUEST_AUTHENTICATOR],
    ['of a CoA-Request', COA_REQUEST, undefined],
  ];
  for (const [name, bytes, authenticator] of packets) {
    test(`${name} is good, and wrong after any change`, () => {
      assert.equal(checkMessageAuthenticator(bytes, SECRET, authenticator), 'good');
      assert.equal(checkMessageAuthenticator(bytes, ascii('other'), authenticator), 'wrong');
      for (let at = 0; at < bytes.length; at++) {
        // Length says what is hashed, the authenticator is replaced, and 20 and 21 make another attribute of this one.
        if (at >= 2 && at < 22) continue;
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ 0x01;
        assert.equal(checkMessageAuthenticator(changed, SECRET, authenticator), 'wrong', `byte ${at}`);
      }
    });
  }

  test('is computed without changing the packet, also when it is a Buffer', () => {
    const datagram = Buffer.from(ACCESS_ACCEPT);
    for (let count = 0; count < 2; count++) {
      assert.equal(checkMessageAuthenticator(datagram, SECRET, REQUEST_AUTHENTICATOR), 'good');
    }
    assert.deepEqual(Uint8Array.from(datagram), ACCESS_ACCEPT);
  });

  test('is missing, or of a wrong length', () => {
    assert.equal(checkMessageAuthenticator(ACCOUNTING_REQUEST, SECRET), 'missing');
    const short = sealReply(
      { code: 2, identifier: 1, authenticator: REQUEST_AUTHENTICATOR, attributes: [{ type: 80, value: counting(15) }] },
      SECRET,
    );
    assert.equal(messageAuthenticator(short, SECRET, REQUEST_AUTHENTICATOR), undefined);
    assert.equal(checkMessageAuthenticator(short, SECRET, REQUEST_AUTHENTICATOR), 'wrong');
  });
});

describe('sealing', () => {
  test('gives the bytes of the vectors', () => {
    const sessionId = { type: RadiusAttribute.AcctSessionId, value: ascii('x1') };
    assert.deepEqual(
      sealAccessRequest(
        {
          code: RadiusCode.AccessRequest,
          identifier: 7,
          authenticator: REQUEST_AUTHENTICATOR,
          attributes: [
            UNSEALED_MESSAGE_AUTHENTICATOR,
            { type: RadiusAttribute.UserName, value: ascii('bob') },
            { type: RadiusAttribute.NasIdentifier, value: ascii('gw') },
          ],
        },
        SECRET,
      ),
      ACCESS_REQUEST,
    );
    assert.deepEqual(
      sealReply(
        {
          code: RadiusCode.AccessAccept,
          identifier: 7,
          authenticator: REQUEST_AUTHENTICATOR,
          attributes: [UNSEALED_MESSAGE_AUTHENTICATOR, { type: RadiusAttribute.ReplyMessage, value: ascii('hi') }],
        },
        SECRET,
      ),
      ACCESS_ACCEPT,
    );
    const start = { type: RadiusAttribute.AcctStatusType, value: integerValue(1) };
    assert.deepEqual(
      sealAccountingRequest(
        { code: RadiusCode.AccountingRequest, identifier: 9, attributes: [start, sessionId] },
        SECRET,
      ),
      ACCOUNTING_REQUEST,
    );
    assert.deepEqual(
      sealAccountingRequest(
        { code: RadiusCode.CoaRequest, identifier: 9, attributes: [UNSEALED_MESSAGE_AUTHENTICATOR, sessionId] },
        SECRET,
      ),
      COA_REQUEST,
    );
    assert.deepEqual(UNSEALED_MESSAGE_AUTHENTICATOR.value, new Uint8Array(16));
  });
});

describe('User-Password', () => {
  test('is hidden as in RFC 2865 7.1', () => {
    const authenticator = hex('0f403f9473978057bd83d5cb98f4227a');
    assert.deepEqual(
      hideUserPassword(ascii('arctangent'), authenticator, RFC_SECRET),
      hex('0dbe708d93d413ce3196e43f782a0aee'),
    );
  });

  test('of more than a block chains the blocks', () => {
    assert.deepEqual(
      hideUserPassword(ascii('a password of 20 by.'), REQUEST_AUTHENTICATOR, SECRET),
      hex('a292143e0eb3f588ae34d8561139b360e389c6a356e7d61ff486659d53cf03d6'),
    );
  });

  test('takes whole blocks, at least one, at most eight', () => {
    const lengths = [0, 1, 16, 17, 128].map(
      length => hideUserPassword(counting(length), REQUEST_AUTHENTICATOR, SECRET).length,
    );
    assert.deepEqual(lengths, [16, 16, 16, 32, 128]);
    assert.throws(() => hideUserPassword(counting(129), REQUEST_AUTHENTICATOR, SECRET), RangeError);
  });
});

describe('MPPE keys', () => {
  const KEY_16 = hex('8001e69ec34cf95697d6b2ec16f57a8e5fdd81953d313925c17c437c4c23ecf3d946');
  const KEY_32 = hex(
    'fffef7540917c8a8201ecfa1feb3c7da0ea32bc1f81f094716ef081f21aad8f9ef7ed2e92b82e4664eea5901b5768d97070d',
  );

  test('of 16 and 32 bytes are revealed', () => {
    const sixteen = hex('101112131415161718191a1b1c1d1e1f');
    assert.deepEqual(revealKey(KEY_16, REQUEST_AUTHENTICATOR, SECRET), sixteen);
    const thirtyTwo = Uint8Array.from({ length: 32 }, (_, at) => 0x40 + at);
    assert.deepEqual(revealKey(KEY_32, REQUEST_AUTHENTICATOR, SECRET), thirtyTwo);
  });

  test('are nothing when they are cut', () => {
    for (let length = 0; length < KEY_32.length; length++) {
      const key = revealKey(KEY_32.slice(0, length), REQUEST_AUTHENTICATOR, SECRET);
      assert.equal(key, undefined, `${length} bytes`);
    }
  });

  test('are nothing when the length inside says more than there is', () => {
    // Every first byte once: of 256 lengths 31 fit, zero does not.
    const possible = Array.from({ length: 256 }, (_, mask) => {
      const changed = KEY_16.slice();
      changed[2] = mask;
      return revealKey(changed, REQUEST_AUTHENTICATOR, SECRET)?.length;
    });
    const lengths = possible.filter(length => length !== undefined).sort((a, b) => a - b);
    assert.deepEqual(
      lengths,
      Array.from({ length: 31 }, (_, at) => at + 1),
    );
  });

  test('any bytes are a key or nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 66 }), value => void revealKey(value, REQUEST_AUTHENTICATOR, SECRET)),
    );
  });
});
