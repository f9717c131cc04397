import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { makePair, workspace } from './workspace.ts';

const pair = await makePair();

test('tls.keyLog is a path beside the file, and a loud warning', context => {
  const { config, warnings, directory } = loaded(context, 'keys.log');
  assert.equal(config.tls.keyLog, join(directory, 'keys.log'));
  assert.match(warnings.join(), /:1: tls\.keyLog: THE KEYS OF EVERY TLS CONNECTION ARE WRITTEN TO .*keys\.log/);
});

test('tls.keyLog in a directory that is not there is refused', context => {
  assert.throws(() => loaded(context, 'nowhere/keys.log'), /tls\.keyLog: .*nowhere is no directory; accepted: /);
});

test('$SSLKEYLOGFILE is the file that the variable names, and none when it is not set', context => {
  setVariable(context, '/tmp/keys-of-a-test');
  assert.equal(loaded(context, '$SSLKEYLOGFILE').config.tls.keyLog, '/tmp/keys-of-a-test');
  assert.equal(loaded(context, undefined).config.tls.keyLog, undefined);
  for (const value of ['', undefined]) {
    setVariable(context, value);
    const { config, warnings } = loaded(context, '$SSLKEYLOGFILE');
    assert.equal(config.tls.keyLog, undefined);
    assert.match(warnings.join(), /SSLKEYLOGFILE is not set: no keys are written/);
  }
});

function loaded(context: TestContext, keyLog: string | undefined) {
  const space = workspace(context);
  const certificates = [{ cert: space.write('cert.pem', pair.cert), key: space.write('key.pem', pair.key) }];
  const file = space.write('gateway.yaml', JSON.stringify({ tls: { certificates, keyLog } }));
  return { ...loadConfig(file), directory: space.directory };
}

function setVariable(context: TestContext, value: string | undefined): void {
  const before = process.env['SSLKEYLOGFILE'];
  context.after(() => assign(before));
  assign(value);
}

function assign(value: string | undefined): void {
  if (value === undefined) delete process.env['SSLKEYLOGFILE'];
  else process.env['SSLKEYLOGFILE'] = value;
}
