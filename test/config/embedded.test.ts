import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { embeddedDefault } from '../../src/config/embedded.ts';
import { workspace } from './workspace.ts';

describe('the embedded default', () => {
  test('keeps a certificate, its key and a user where nobody else can read them, and is the same at the next start', async context => {
    const directory = workspace(context).path('state');
    const first = await embeddedDefault(directory);
    assert.deepEqual(first.config.listen, [{ host: '0.0.0.0', port: 8443, trustedProxies: undefined }]);
    assert.deepEqual(first.config.admin.listen, { host: '127.0.0.1', port: 8080 });
    assert.match(first.demoPassword ?? '', /^[a-z2-9]{4}(-[a-z2-9]{4}){3}$/);
    assert.deepEqual(first.warnings, []);
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    for (const name of ['certificate.pem', 'key.pem', 'users.yaml'])
      assert.equal(statSync(`${directory}/${name}`).mode & 0o777, 0o600);

    const second = await embeddedDefault(directory);
    assert.deepEqual(second, first);
  });

  test('has a certificate that localhost clients, Windows and OpenSSL take', async context => {
    const { config } = await embeddedDefault(workspace(context).path('state'));
    const certificate = new X509Certificate(config.tls.certificates[0]?.cert ?? '');
    assert.equal(certificate.subject, 'CN=localhost');
    assert.equal(certificate.checkHost('localhost'), 'localhost');
    assert.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1');
    assert.ok(certificate.subjectAltName?.includes('IP Address:0:0:0:0:0:0:0:1'));
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
    assert.equal(certificate.ca, false);
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.modulusLength, 2048);
  });

  test('makes a new certificate when the old one has expired, and keeps the password', async context => {
    const directory = workspace(context).path('state');
    const before = await embeddedDefault(directory, new Date('2020-01-01'));
    const after = await embeddedDefault(directory, new Date('2026-01-01'));
    assert.notEqual(after.config.tls.certificates[0]?.cert, before.config.tls.certificates[0]?.cert);
    assert.equal(after.demoPassword, before.demoPassword);
  });

  test('tells how to get out of a damaged state', async context => {
    const directory = workspace(context).path('state');
    await embeddedDefault(directory);
    rmSync(`${directory}/key.pem`);
    await assert.rejects(embeddedDefault(directory), (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.match(
        error.message,
        /key\.pem cannot be read: no such file; remove .*certificate\.pem to have a new one made$/,
      );
      return true;
    });
  });

  test('does not bring back a demo user that was removed, nor show a password that was hashed', async context => {
    const directory = workspace(context).path('state');
    await embeddedDefault(directory);
    const users = `${directory}/users.yaml`;
    writeFileSync(users, '- { name: demo, ntHash: "0123456789abcdef0123456789abcdef" }\n');
    assert.equal((await embeddedDefault(directory)).demoPassword, undefined);
    writeFileSync(users, '- { name: alice, password: x }\n');
    assert.equal((await embeddedDefault(directory)).demoPassword, undefined);
    assert.equal(readFileSync(users, 'utf8'), '- { name: alice, password: x }\n');
  });

  test('in a place that cannot be written is a configuration error', async context => {
    const space = workspace(context);
    const file = space.write('file', '');
    await assert.rejects(embeddedDefault(`${file}/state`), {
      name: 'ConfigError',
      message: `${file}/state: cannot be written: a part of the path is not a directory`,
    });
  });
});
