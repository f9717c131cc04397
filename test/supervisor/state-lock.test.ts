import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { lockState, StateLockError } from '../../src/supervisor/state-lock.ts';

test('a state directory is one gateway’s until it gives it back', t => {
  const directory = join(folder(t), 'state');
  const unlock = lockState(directory);
  assert.equal(statSync(join(directory, 'lock')).mode & 0o777, 0o600);
  assert.throws(
    () => lockState(directory),
    (error: Error) =>
      error instanceof StateLockError && error.message.includes(`in use by another gateway, process ${process.pid}:`),
  );
  unlock();
  lockState(directory)();
});

test('a gateway that was killed leaves no lock behind', async t => {
  const directory = folder(t);
  const module = new URL('../../src/supervisor/state-lock.js', import.meta.url).href;
  const program = `const { lockState } = await import('${module}'); lockState(process.argv[1]); console.log('locked'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  assert.throws(() => lockState(directory), { message: new RegExp(`process ${holder.pid}:`) });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  lockState(directory)();
});

test('a directory that cannot be made is named', () => {
  assert.throws(() => lockState('/dev/null/state'), { name: 'StateLockError', message: /^stateDir: .*\/dev\/null/ });
});

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'state-lock-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}
