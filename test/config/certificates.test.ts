import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { before, describe, test, type TestContext } from 'node:test';
import { loadCertificate } from '../../src/config/certificates.ts';
import { makePair, type Pair, workspace } from './workspace.ts';

const NOW = new Date('2026-06-01T00:00:00Z');
const DAY_MS = 24 * 3_600_000;
const VALID = { from: new Date(NOW.getTime() - DAY_MS), to: new Date(NOW.getTime() + 90 * DAY_MS) };

describe('a certificate', () => {
  let pair: Pair;
  let other: Pair;
  before(async () => {
    [pair, other] = await Promise.all([
      makePair({ names: ['B.example.org', 'a.example.org'], ...VALID }),
      makePair({ commonName: 'other.example.org', ...VALID }),
    ]);
  });

  test('brings its names and no finding when all is well', context => {
    const { certificate, findings } = load(context, pair.cert, pair.key);
    assert.deepEqual(findings, []);
    assert.deepEqual(certificate?.serverNames, ['b.example.org', 'a.example.org']);
    assert.equal(certificate?.key, pair.key);
  });

  test('without alternative names is called by its common name', async context => {
    const { cert, key } = await makePair({ commonName: 'old.example.org', names: [], ...VALID });
    assert.deepEqual(load(context, cert, key).certificate?.serverNames, ['old.example.org']);
  });

  const encrypted = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
  }).privateKey;
  const refused: readonly [what: string, cert: () => string, key: () => string, about: string, message: RegExp][] = [
    [
      'with the key of another one',
      () => pair.cert,
      () => other.key,
      'key',
      /^the key does not belong to the certificate .*cert\.pem$/,
    ],
    ['that is not PEM', () => 'hello', () => pair.key, 'cert', /^the file holds no PEM certificate/],
    [
      'file that holds the key',
      () => pair.key,
      () => pair.key,
      'cert',
      /^the file holds a private key and no certificate$/,
    ],
    [
      'that is damaged',
      () => pair.cert.replace(/\n[\w+/=]+\n-----END/, '\n-----END'),
      () => pair.key,
      'cert',
      /damaged certificate$/,
    ],
    ['with a certificate for a key', () => pair.cert, () => pair.cert, 'key', /^the file holds no PEM private key/],
    ['with an encrypted key', () => pair.cert, () => encrypted, 'key', /^the private key is encrypted/],
    [
      'with a damaged key',
      () => pair.cert,
      () => pair.key.slice(0, 60) + pair.key.slice(-30),
      'key',
      /damaged private key$/,
    ],
  ];
  for (const [what, cert, key, about, message] of refused) {
    test(`${what} is refused`, context => {
      const { certificate, findings } = load(context, cert(), key());
      assert.equal(certificate, undefined);
      assert.equal(findings.length, 1);
      assert.equal(findings[0]?.about, about);
      assert.match(findings[0]?.message ?? '', message);
    });
  }

  test('and key that are both missing are two findings', () => {
    const { findings } = loadCertificate('/nowhere/c.pem', '/nowhere/k.pem', undefined, NOW);
    assert.deepEqual(
      findings.map(({ message }) => message),
      ['/nowhere/c.pem cannot be read: no such file', '/nowhere/k.pem cannot be read: no such file'],
    );
  });

  test('is served with a warning when clients will refuse it', async context => {
    const cases = await Promise.all([
      makePair({ from: new Date(NOW.getTime() - 2 * DAY_MS), to: new Date(NOW.getTime() - DAY_MS) }),
      makePair({ from: new Date(NOW.getTime() - DAY_MS), to: new Date(NOW.getTime() + 3 * DAY_MS) }),
      makePair({ from: new Date(NOW.getTime() + DAY_MS), to: new Date(NOW.getTime() + 90 * DAY_MS) }),
      makePair({ ...VALID, forServers: false }),
    ]);
    const results = cases.map(({ cert, key }) => load(context, cert, key));
    const expected = [/expired on 2026-05-31/, /expires on 2026-06-04/, /not valid before 2026-06-02/, /no serverAuth/];
    for (const [index, pattern] of expected.entries()) {
      assert.ok(results[index]?.certificate);
      assert.match(results[index]?.findings.map(({ message }) => message).join('\n') ?? '', pattern);
    }
  });

  test('chain whose next certificate is not the issuer is a warning', context => {
    const { certificate, findings } = load(context, `${pair.cert}\n${other.cert}`, pair.key);
    assert.ok(certificate);
    assert.match(findings[0]?.message ?? '', /^certificate 2 of the file did not issue certificate 1/);
  });

  test('key that every user can read is a warning', context => {
    const { certificate, findings } = load(context, pair.cert, pair.key, 0o644);
    assert.ok(certificate);
    assert.match(findings[0]?.message ?? '', /^the private key can be read by every user/);
  });
});

function load(context: TestContext, cert: string, key: string, keyMode = 0o600) {
  const space = workspace(context);
  return loadCertificate(space.write('cert.pem', cert), space.write('key.pem', key, keyMode), undefined, NOW);
}
