import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { banner, type BannerFacts } from '../../src/cli/banner.ts';
import { makePair } from '../config/workspace.ts';

const { cert } = await makePair();

const FACTS: BannerFacts = {
  version: '1.2.3',
  listen: [{ host: '0.0.0.0', port: 8443 }],
  admin: { host: '127.0.0.1', port: 8080 },
  network: 'echo',
  gateway: '10.66.0.1',
  certFile: '/srv/vpn/.sstp-gateway/certificate.pem',
  cert,
  usersFile: '/srv/vpn/.sstp-gateway/users.yaml',
  user: 'demo',
  password: 'abcd-2345',
  directory: '/srv/vpn',
};

test('the banner has commands that can be pasted in the folder where the gateway was started', () => {
  const text = banner(FACTS);
  assert.match(
    text,
    /^ {4}npx sstp-gateway connect --check https:\/\/localhost:8443 --ca \.sstp-gateway\/certificate\.pem --user demo --password abcd-2345$/m,
  );
  assert.match(
    text,
    /^ {4}sudo sstpc .*--ca-cert \.sstp-gateway\/certificate\.pem --user demo --password abcd-2345 localhost:8443 /m,
  );
  assert.ok(text.includes(new X509Certificate(cert).fingerprint256));
  assert.match(text, /Dashboard +http:\/\/127\.0\.0\.1:8080$/m);
  assert.match(text, /Network +in-process echo network .*; gateway 10\.66\.0\.1$/m);
});

test('the banner quotes what a shell would break, and names files elsewhere in full', () => {
  const text = banner({ ...FACTS, directory: '/home/me', certFile: "/srv/it's here/c.pem", password: '$x' });
  assert.ok(text.includes(String.raw`--ca '/srv/it'\''s here/c.pem' --user demo --password '$x'`));
});

test('the banner says why it shows no password', () => {
  const text = banner({ ...FACTS, password: undefined });
  assert.match(text, /Password +not kept in plain text in \.sstp-gateway\/users\.yaml$/m);
  assert.match(text, /--password PASSWORD$/m);
});
