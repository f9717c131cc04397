import { describe, test } from 'node:test';
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  connectRequest,
  encodeRequest,
  encodeResponse,
  isSstpTarget,
  parseRequestHead,
  parseResponseHead,
  refusalResponse,
  SSTP_CONTENT_LENGTH,
  SSTP_METHOD,
  SSTP_URI,
  sstpRequest,
  sstpResponse,
  type HeadFault,
  type HeadResult,
  type RequestHead,
} from '../../src/wire/http-preamble.ts';
import { ascii } from './hex.ts';

const LIMIT = 16_384;
const REQUEST = [
  'SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1',
  'Host: vpn.example.com',
  'Content-Length: 18446744073709551615',
  'SSTPCORRELATIONID: {1CD49CF3-CD6C-70CF-5D3E8EF}',
  '',
  '',
].join('\r\n');
const HEAD: RequestHead = {
  method: 'SSTP_DUPLEX_POST',
  target: '/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/',
  version: '1.1',
  headers: new Map([
    ['host', 'vpn.example.com'],
    ['content-length', '18446744073709551615'],
    ['sstpcorrelationid', '{1CD49CF3-CD6C-70CF-5D3E8EF}'],
  ]),
};

describe('a request head', () => {
  test('of sstpc, with its malformed correlation id, is read with its headers in their order', () => {
    const result = parseRequestHead(ascii(REQUEST), LIMIT);
    assert.deepEqual(result, { kind: 'head', head: HEAD, length: REQUEST.length });
    assert.deepEqual([...HEAD.headers.keys()], ['host', 'content-length', 'sstpcorrelationid']);
  });

  test('ends where the SSTP stream begins', () => {
    const result = parseRequestHead(Uint8Array.of(...ascii(REQUEST), 0x10, 0x01, 0x0a, 0x0a), LIMIT);
    assert.deepEqual(result, { kind: 'head', head: HEAD, length: REQUEST.length });
  });

  const tolerated: readonly [name: string, text: string][] = [
    ['with lines that end in LF alone', REQUEST.replaceAll('\r\n', '\n')],
    ['whose block ends in LF CR LF', REQUEST.replace(/\r\n\r\n$/, '\n\r\n')],
    ['whose block ends in CR LF LF', REQUEST.replace(/\r\n\r\n$/, '\r\n\n')],
    ['behind stray line breaks', `\r\n\n\r\n${REQUEST}`],
    ['behind eight bytes of line breaks', `${'\r\n'.repeat(4)}${REQUEST}`],
    ['with spaces and tabs around its values', REQUEST.replaceAll(/: (.*)\r\n/g, ': \t $1 \t\r\n')],
    ['with no space behind its colons', REQUEST.replaceAll(': ', ':')],
    ['with names in another case', REQUEST.replace('Host', 'hOST').replace('SSTPCORRELATIONID', 'SstpCorrelationId')],
  ];
  for (const [name, text] of tolerated) {
    test(`${name} is accepted`, () => {
      assert.deepEqual(parseRequestHead(ascii(text), LIMIT), { kind: 'head', head: HEAD, length: text.length });
    });
  }

  test('may be of another HTTP/1 version, which the server then judges', () => {
    const result = parseRequestHead(ascii('GET / HTTP/1.0\r\n\r\n'), LIMIT);
    assert.ok(result.kind === 'head');
    assert.equal(result.head.version, '1.0');
  });

  test('joins the values of a repeated header', () => {
    const result = parseRequestHead(ascii('GET / HTTP/1.1\r\nVia: a\r\nvia: b\r\n\r\n'), LIMIT);
    assert.ok(result.kind === 'head');
    assert.deepEqual([...result.head.headers], [['via', 'a, b']]);
  });

  const refused: readonly [name: string, text: string, fault: HeadFault][] = [
    ['a line of one word', 'HELLO\r\n\r\n', 'bad-start-line'],
    ['a line without a version', 'GET /\r\n\r\n', 'bad-start-line'],
    ['a line with a space too many', 'GET  / HTTP/1.1\r\n\r\n', 'bad-start-line'],
    ['a line with a fourth word', 'GET / HTTP/1.1 x\r\n\r\n', 'bad-start-line'],
    ['a method that is no token', 'G@T / HTTP/1.1\r\n\r\n', 'bad-start-line'],
    ['a lower-case protocol', 'GET / http/1.1\r\n\r\n', 'bad-start-line'],
    ['another protocol', 'GET / SSTP/1.1\r\n\r\n', 'bad-start-line'],
    ['a NUL in the line', 'GET /\0 HTTP/1.1\r\n\r\n', 'bad-start-line'],
    ['a lone CR in the line', 'GET /\r HTTP/1.1\r\n\r\n', 'bad-start-line'],
    ['nine bytes of line breaks in front', `${'\n'.repeat(9)}GET / HTTP/1.1\r\n\r\n`, 'bad-start-line'],
    ['nothing but line breaks', '\r\n'.repeat(8), 'bad-start-line'],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'version'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nHost\r\n\r\n', 'bad-header'],
    ['a header without a name', 'GET / HTTP/1.1\r\n: x\r\n\r\n', 'bad-header'],
    ['a space in front of the colon', 'GET / HTTP/1.1\r\nHost : x\r\n\r\n', 'bad-header'],
    ['a folded header', 'GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n', 'bad-header'],
    ['a control character in a value', 'GET / HTTP/1.1\r\nHost: \u0007\r\n\r\n', 'bad-header'],
    ['a lone CR in a value', 'GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n', 'bad-header'],
  ];
  for (const [name, text, fault] of refused) {
    test(`with ${name} is refused`, () => {
      assert.deepEqual(parseRequestHead(ascii(text), LIMIT), { kind: 'refused', fault });
    });
  }

  test('is complete at its last byte and not before, wherever it is cut', () => {
    const bytes = ascii(`\r\n${REQUEST}`);
    const cuts = fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 4 });
    fc.assert(
      fc.property(cuts, places => {
        const last = feed(
          bytes,
          places.toSorted((a, b) => a - b),
        );
        assert.deepEqual(last, { kind: 'head', head: HEAD, length: bytes.length });
      }),
    );
  });

  test('may come byte by byte', () => {
    const bytes = ascii(REQUEST);
    let scanned = 0;
    for (let length = 0; length < bytes.length; length++) {
      const result = parseRequestHead(bytes.subarray(0, length), LIMIT, scanned);
      assert.deepEqual(result, { kind: 'more', scanned: length });
      scanned = length;
    }
    assert.equal(parseRequestHead(bytes, LIMIT, scanned).kind, 'head');
  });

  test('is searched from where the last search ended, so that its cost does not grow with the number of pieces', () => {
    const bytes = ascii(REQUEST);
    // An end that was passed over before is not found again: nothing in front of `scanned` is looked at.
    assert.deepEqual(parseRequestHead(bytes, LIMIT, bytes.length), { kind: 'more', scanned: bytes.length });
  });

  test('of exactly the limit is accepted, and one byte more is refused without waiting for its end', () => {
    const bytes = ascii(REQUEST);
    assert.equal(parseRequestHead(bytes, bytes.length).kind, 'head');
    const tooLarge = { kind: 'refused', fault: 'too-large' };
    assert.deepEqual(parseRequestHead(bytes, bytes.length - 1), tooLarge);
    assert.deepEqual(parseRequestHead(bytes.subarray(0, -1), bytes.length - 1), tooLarge);
    assert.equal(parseRequestHead(bytes.subarray(0, -2), bytes.length - 1).kind, 'more');
  });

  test('of any bytes gives an answer', () => {
    const piece = fc.constantFrom('GET', ' ', '/', 'HTTP/1.1', '\r\n', '\n', '\r', ':', 'a', '\0', '\u00ff', '\t');
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(piece, { maxLength: 20 }).map(pieces => ascii(pieces.join(''))),
    );
    fc.assert(
      fc.property(noise, fc.nat(40), (bytes, limit) => {
        for (const parse of [parseRequestHead, parseResponseHead]) {
          const result = parse(bytes, limit);
          if (result.kind === 'head') assert.ok(result.length > 0 && result.length <= Math.min(limit, bytes.length));
          if (result.kind === 'more') assert.ok(bytes.length < limit && result.scanned === bytes.length);
        }
      }),
    );
  });
});

describe('a response head', () => {
  test('of a Windows server is read', () => {
    const text =
      'HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\nServer: Microsoft-HTTPAPI/2.0\r\n' +
      'Date: Thu, 09 Nov 2006 00:51:09 GMT\r\n\r\n';
    const result = parseResponseHead(ascii(text), LIMIT);
    assert.ok(result.kind === 'head');
    assert.equal(result.length, text.length);
    assert.deepEqual(result.head, {
      version: '1.1',
      status: 200,
      reason: 'OK',
      headers: new Map([
        ['content-length', SSTP_CONTENT_LENGTH],
        ['server', 'Microsoft-HTTPAPI/2.0'],
        ['date', 'Thu, 09 Nov 2006 00:51:09 GMT'],
      ]),
    });
  });

  test('needs no reason phrase, and one may have several words', () => {
    for (const [line, reason] of [
      ['HTTP/1.1 200', ''],
      ['HTTP/1.1 200 ', ''],
      ['HTTP/1.0 200 Connection Established', 'Connection Established'],
    ] as const) {
      const result = parseResponseHead(ascii(`${line}\r\n\r\n`), LIMIT);
      assert.ok(result.kind === 'head', line);
      assert.deepEqual([result.head.status, result.head.reason], [200, reason]);
    }
  });

  test('without a status of three digits or of another protocol is refused', () => {
    for (const line of ['HTTP/1.1', 'HTTP/1.1 ', 'HTTP/1.1 20 OK', 'HTTP/1.1 2000', 'SSH-2.0-x', 'HTTP/1.1  200 OK']) {
      const result = parseResponseHead(ascii(`${line}\r\n\r\n`), LIMIT);
      assert.deepEqual(result, { kind: 'refused', fault: 'bad-start-line' }, line);
    }
    const result = parseResponseHead(ascii('HTTP/2.0 200 OK\r\n\r\n'), LIMIT);
    assert.deepEqual(result, { kind: 'refused', fault: 'version' });
  });
});

describe('the SSTP target', () => {
  test('is compared without case and without its query', () => {
    for (const target of [
      SSTP_URI,
      SSTP_URI.toLowerCase(),
      SSTP_URI.toUpperCase(),
      `${SSTP_URI}?tenantid=example`,
      `${SSTP_URI}?`,
      `${SSTP_URI}?a?b`,
    ]) {
      assert.ok(isSstpTarget(target), target);
    }
  });

  test('is nothing else', () => {
    for (const target of ['/', '', '?', SSTP_URI.slice(0, -1), `${SSTP_URI}x`, `/${SSTP_URI}`, `/?${SSTP_URI}`]) {
      assert.ok(!isSstpTarget(target), target);
    }
  });
});

describe('heads that we send', () => {
  test("the client's request", () => {
    const bytes = encodeRequest(sstpRequest('vpn.example.com', '3E1C3F2A-9F53-4C56-8E7E-5E4B0A3C2D1F'));
    assert.deepEqual(text(bytes), [
      `${SSTP_METHOD} ${SSTP_URI} HTTP/1.1`,
      'SSTPCORRELATIONID: {3E1C3F2A-9F53-4C56-8E7E-5E4B0A3C2D1F}',
      'Content-Length: 18446744073709551615',
      'Host: vpn.example.com',
      '',
      '',
    ]);
    const result = parseRequestHead(bytes, LIMIT);
    assert.ok(result.kind === 'head');
    assert.ok(isSstpTarget(result.head.target));
  });

  test("the server's consent", () => {
    const bytes = encodeResponse(sstpResponse('Microsoft-HTTPAPI/2.0', 'Thu, 09 Nov 2006 00:51:09 GMT'));
    assert.deepEqual(text(bytes), [
      'HTTP/1.1 200 OK',
      'Content-Length: 18446744073709551615',
      'Server: Microsoft-HTTPAPI/2.0',
      'Date: Thu, 09 Nov 2006 00:51:09 GMT',
      '',
      '',
    ]);
    assert.equal(parseResponseHead(bytes, LIMIT).kind, 'head');
  });

  test('a refusal is the last thing on its connection', () => {
    assert.deepEqual(text(encodeResponse(refusalResponse(404))), [
      'HTTP/1.1 404 Not Found',
      'Content-Length: 0',
      'Connection: close',
      '',
      '',
    ]);
    assert.ok(text(encodeResponse(refusalResponse(405))).includes(`Allow: ${SSTP_METHOD}`));
  });

  test('a request to a proxy', () => {
    assert.deepEqual(text(encodeRequest(connectRequest('vpn.example.com', 443))), [
      'CONNECT vpn.example.com:443 HTTP/1.1',
      'Host: vpn.example.com:443',
      'SSTPVERSION: 1.0',
      '',
      '',
    ]);
  });

  test('a request to a proxy with credentials beyond ASCII and an IPv6 address', () => {
    const credentials = { user: 'Aladdin', password: 'open s\u00e9same' };
    const [line, , , authorization = ''] = text(encodeRequest(connectRequest('2001:db8::1', 8443, credentials)));
    assert.equal(line, 'CONNECT [2001:db8::1]:8443 HTTP/1.1');
    assert.match(authorization, /^Proxy-Authorization: Basic /);
    const encoded = authorization.slice('Proxy-Authorization: Basic '.length);
    assert.equal(Buffer.from(encoded, 'base64').toString('utf8'), 'Aladdin:open s\u00e9same');
  });

  test('a name that would write headers of its own throws', () => {
    assert.throws(() => encodeRequest(sstpRequest('a\r\nX: y', 'id')), RangeError);
    assert.throws(() => encodeRequest(connectRequest('a\nb', 443)), RangeError);
    assert.throws(() => encodeResponse(sstpResponse('s\0', 'd')), RangeError);
  });
});

function feed(bytes: Uint8Array, places: readonly number[]): HeadResult<RequestHead> {
  let scanned = 0;
  for (const place of places) {
    const result = parseRequestHead(bytes.subarray(0, place), LIMIT, scanned);
    assert.ok(result.kind === 'more', `complete after ${place} of ${bytes.length} bytes`);
    scanned = result.scanned;
  }
  return parseRequestHead(bytes, LIMIT, scanned);
}

function text(bytes: Uint8Array): string[] {
  return new TextDecoder().decode(bytes).split('\r\n');
}
