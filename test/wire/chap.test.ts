import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  chapResult,
  ChapCode,
  chapValue,
  encodeMsChapV2Response,
  formatMsChapV2Failure,
  formatMsChapV2Success,
  MS_CHAP_CHALLENGE_LENGTH,
  MsChapFailureCode,
  parseChapMessage,
  parseChapValue,
  parseMsChapV2Failure,
  parseMsChapV2Response,
  parseMsChapV2Success,
} from '../../src/wire/chap.ts';
import { encodeCpPacket } from '../../src/wire/control-protocol.ts';
import { isWireError, WireError } from '../../src/wire/wire-error.ts';
import { checkFieldCodec } from './codec-contract.ts';
import { ascii, counting, hex } from './hex.ts';

const AUTHENTICATOR_CHALLENGE = '5B5D7C7D7B3F2F3E3C2C602132262628';
const PEER_CHALLENGE = '21402324255E262A28295F2B3A337C7E';
const NT_RESPONSE = '82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF';
const AUTHENTICATOR_RESPONSE = 'S=407A5589115FD0D6209F510FE9C04566932CDA56';

describe('CHAP Challenge and Response', () => {
  checkFieldCodec({
    parse: parseChapValue,
    encode: value => chapValue(ChapCode.Challenge, 1, value).data,
    trailing: 'content',
    shortest: 17,
    vectors: [
      {
        name: 'an MS-CHAPv2 challenge',
        bytes: hex(`10 ${AUTHENTICATOR_CHALLENGE} 67617465`),
        value: { value: hex(AUTHENTICATOR_CHALLENGE), name: ascii('gate') },
      },
      {
        name: 'a challenge without a name',
        bytes: hex(`10 ${AUTHENTICATOR_CHALLENGE}`),
        value: { value: hex(AUTHENTICATOR_CHALLENGE), name: new Uint8Array(0) },
      },
    ],
  });

  test('the whole packet', () => {
    const packet = chapValue(ChapCode.Response, 5, { value: hex('AABB'), name: ascii('u') });
    assert.deepEqual(encodeCpPacket(packet), hex('02 05 0008 02 AABB 75'));
  });

  test('an empty value is an error', () => assert.equal(parseChapValue(hex('00 75')), WireError.Length));

  test('a value that its length byte cannot say throws', () => {
    const longest = { value: counting(255), name: new Uint8Array(0) };
    assert.deepEqual(parseChapValue(chapValue(ChapCode.Challenge, 1, longest).data), longest);
    for (const length of [0, 256]) {
      const value = { value: new Uint8Array(length), name: new Uint8Array(0) };
      assert.throws(() => chapValue(ChapCode.Challenge, 1, value), RangeError);
    }
  });

  test('any bytes are a value and a name, or an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), bytes => {
        const value = parseChapValue(bytes);
        if (!isWireError(value)) assert.deepEqual(chapValue(ChapCode.Response, 1, value).data, bytes);
      }),
    );
  });
});

describe('MS-CHAPv2 Response value', () => {
  checkFieldCodec({
    parse: parseMsChapV2Response,
    encode: encodeMsChapV2Response,
    trailing: 'error',
    shortest: 49,
    vectors: [
      {
        name: 'RFC 2759 9.2',
        bytes: hex(`${PEER_CHALLENGE} 0000000000000000 ${NT_RESPONSE} 00`),
        value: { peerChallenge: hex(PEER_CHALLENGE), ntResponse: hex(NT_RESPONSE) },
      },
    ],
  });

  test('reserved bytes and flags are ignored', () => {
    assert.deepEqual(parseMsChapV2Response(hex(`${PEER_CHALLENGE} FFFFFFFFFFFFFFFF ${NT_RESPONSE} 01`)), {
      peerChallenge: hex(PEER_CHALLENGE),
      ntResponse: hex(NT_RESPONSE),
    });
  });

  test('parts of another length throw', () => {
    const [peerChallenge, ntResponse] = [hex(PEER_CHALLENGE), hex(NT_RESPONSE)];
    assert.throws(() => encodeMsChapV2Response({ peerChallenge: counting(15), ntResponse }), RangeError);
    assert.throws(() => encodeMsChapV2Response({ peerChallenge, ntResponse: counting(25) }), RangeError);
  });
});

describe('MS-CHAPv2 Success text', () => {
  test('is what Windows expects', () => {
    const text = formatMsChapV2Success({ authenticatorResponse: AUTHENTICATOR_RESPONSE, message: 'Welcome' });
    assert.equal(text, `${AUTHENTICATOR_RESPONSE} M=Welcome`);
    assert.equal(parseChapMessage(chapResult(ChapCode.Success, 1, text).data), text);
  });

  const variants: readonly [name: string, text: string, message: string][] = [
    ['with a message', `${AUTHENTICATOR_RESPONSE} M=Access granted`, 'Access granted'],
    ['without a message', AUTHENTICATOR_RESPONSE, ''],
    ['without a space in front of the message', `${AUTHENTICATOR_RESPONSE}M=Hi`, 'Hi'],
    ['with an empty message', `${AUTHENTICATOR_RESPONSE} M=`, ''],
    ['with a message of several lines', `${AUTHENTICATOR_RESPONSE} M=a\nb`, 'a\nb'],
    ['with lower-case digits', AUTHENTICATOR_RESPONSE.toLowerCase().replace('s=', 'S='), ''],
    ['with something else behind the digits', `${AUTHENTICATOR_RESPONSE} X=1`, ''],
  ];
  for (const [name, text, message] of variants) {
    test(`${name} is accepted`, () => {
      assert.deepEqual(parseMsChapV2Success(text), { authenticatorResponse: AUTHENTICATOR_RESPONSE, message });
    });
  }

  test('without forty digits is an error', () => {
    for (const text of ['', 'Welcome', 'S=', AUTHENTICATOR_RESPONSE.slice(0, -1), ` ${AUTHENTICATOR_RESPONSE}`]) {
      assert.equal(parseMsChapV2Success(text), WireError.Value);
    }
  });
});

describe('MS-CHAPv2 Failure text', () => {
  test('is what Windows expects', () => {
    const failure = {
      code: MsChapFailureCode.AuthenticationFailure,
      retry: false,
      challenge: hex('000102030405060708090A0B0C0D0E0F'),
      message: 'Authentication failed',
    };
    const text = 'E=691 R=0 C=000102030405060708090A0B0C0D0E0F V=3 M=Authentication failed';
    assert.equal(formatMsChapV2Failure(failure), text);
    assert.deepEqual(parseMsChapV2Failure(text), failure);
  });

  const challenge = counting(MS_CHAP_CHALLENGE_LENGTH);
  const none = { code: undefined, retry: false, challenge: undefined, message: '' };
  const variants: readonly [name: string, text: string, failure: ReturnType<typeof parseMsChapV2Failure>][] = [
    ["accel-ppp's without a challenge", 'E=691 R=0 V=3 M=no', { ...none, code: 691, message: 'no' }],
    [
      "pppd's with a retry and version 0",
      'E=691 R=1 C=000102030405060708090a0b0c0d0e0f V=0 M=Access denied',
      { code: 691, retry: true, challenge, message: 'Access denied' },
    ],
    ['one with ten digits', 'E=0000000648 R=0', { ...none, code: 648 }],
    ['one whose challenge is too short', 'E=691 R=1 C=0001', { ...none, code: 691, retry: true }],
    ['one whose message looks like fields', 'E=691 M=E=647 R=1', { ...none, code: 691, message: 'E=647 R=1' }],
    ['one of plain text', 'go away', none],
    ['an empty one', '', none],
  ];
  for (const [name, text, failure] of variants) {
    test(`${name} is understood as far as it goes`, () => assert.deepEqual(parseMsChapV2Failure(text), failure));
  }

  test('any text is a failure', () => {
    const noise = fc.array(fc.constantFrom('E=', 'R=1', 'C=', 'M=', ' ', '0', '691', 'ff', '\n', '\u{1f600}'));
    fc.assert(fc.property(noise, parts => void parseMsChapV2Failure(parts.join(''))));
  });
});

test('text that is not UTF-8 is still text', () => {
  assert.equal(parseChapMessage(hex('4DFC6C6C6572')), 'M\u{fffd}ller');
  assert.equal(parseChapMessage(hex('EFBBBF41')), '\u{feff}A');
});
