import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, readFileSync, renameSync, statSync, symlinkSync } from 'node:fs';
import { describe, test, type TestContext } from 'node:test';
import { pino } from 'pino';
import { KeyLog } from '../../src/supervisor/key-log.ts';
import { type Workspace, workspace } from '../config/workspace.ts';

describe('the file of TLS keys', () => {
  test("is its owner's alone, also when it was there with another mode, and is appended to", context => {
    const { space, keyLog, path } = opened(context);
    space.write('keys', '# mine\n');
    chmodSync(path, 0o666);
    keyLog.configure(path);
    keyLog.write('CLIENT_RANDOM a b');
    keyLog.write('CLIENT_RANDOM c d\n');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(readFileSync(path, 'utf8'), '# mine\nCLIENT_RANDOM a b\nCLIENT_RANDOM c d\n');
  });

  test('is opened anew by a reload, and closed by one that wants none', context => {
    const { space, keyLog, path, problems } = opened(context);
    keyLog.configure(path);
    renameSync(path, space.path('old'));
    keyLog.write('a');
    keyLog.configure(path);
    keyLog.write('b');
    keyLog.configure(undefined);
    keyLog.write('c');
    assert.deepEqual([readFileSync(space.path('old'), 'utf8'), readFileSync(path, 'utf8')], ['a\n', 'b\n']);
    assert.deepEqual(problems, []);
  });

  test('is not written through a link, to a pipe, or into what belongs to somebody else; the log says so', context => {
    const { space, keyLog, problems } = opened(context);
    symlinkSync(space.write('target', ''), space.path('link'));
    execFileSync('mkfifo', [space.path('pipe')]);
    space.write('theirs', '');
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(space.path('theirs'), 65534, 65534);
    for (const name of ['link', 'pipe', 'missing/keys', ...(isRoot ? ['theirs'] : [])]) {
      keyLog.configure(space.path(name));
      keyLog.write('secret');
      assert.equal(problems.length, 1, name);
      assert.match(problems.pop()!, /TLS keys cannot be written/);
    }
    for (const name of ['target', 'theirs']) assert.equal(readFileSync(space.path(name), 'utf8'), '');
    assert.ok(!existsSync(space.path('missing')));
  });
});

function opened(context: TestContext): { space: Workspace; keyLog: KeyLog; path: string; problems: string[] } {
  const space = workspace(context);
  const problems: string[] = [];
  const keyLog = new KeyLog(pino({}, { write: line => void problems.push(line) }));
  context.after(() => keyLog.close());
  return { space, keyLog, path: space.path('keys'), problems };
}
