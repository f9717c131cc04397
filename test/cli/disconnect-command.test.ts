import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { FakeGateway } from '../admin/fake-gateway.ts';
import { SilentAdmin } from '../admin/silent-admin.ts';
import { type Outcome, runCommand } from './run-command.ts';

let gateway: FakeGateway;
let server: SilentAdmin;

beforeEach(async () => {
  gateway = new FakeGateway();
  server = await SilentAdmin.start(gateway);
});
afterEach(() => server.close());

function run(...args: string[]): Promise<Outcome> {
  return runCommand('.', [...args, '--admin', server.url]);
}

describe('disconnect', () => {
  test('ends each session that there is and fails for the others', async () => {
    gateway.add('a/b');
    gateway.add('c');
    const outcome = await run('disconnect', 'a/b', 'gone', 'c');
    assert.equal(outcome.code, 1);
    assert.equal(outcome.stdout, 'a/b: closing\nc: closing\n');
    assert.equal(outcome.stderr, 'sstp-gateway: there is no session gone\n');
    assert.equal(gateway.rows.size, 0);
  });

  test('with filters ends all that they let through, and nobody else', async () => {
    for (const id of ['a', 'b', 'c']) gateway.add(id, { user: id === 'b' ? 'bob' : 'alice' });
    const outcome = await run('disconnect', '--user', 'alice', '--yes');
    assert.deepEqual(outcome, { code: 0, stdout: 'a: closing\nc: closing\n', stderr: '' });
    assert.deepEqual([...gateway.rows.keys()], ['b']);
    assert.equal((await run('disconnect', '--user', 'alice', '--yes')).stdout, 'no session matches\n');
  });

  test('--all ends every session', async () => {
    for (let index = 0; index < 50; index++) gateway.add(`s${index}`);
    const { code, stdout } = await run('disconnect', '--all', '--yes', '--json');
    assert.equal(code, 0);
    const { sessions } = JSON.parse(stdout) as { sessions: unknown[] };
    assert.deepEqual(sessions.slice(0, 2), [
      { id: 's0', state: 'closing' },
      { id: 's1', state: 'closing' },
    ]);
    assert.equal(sessions.length, 50);
    assert.equal(gateway.rows.size, 0);
  });

  test('with filters but without a terminal to ask on, or --yes, ends nothing', async () => {
    gateway.add('a');
    const outcome = await run('disconnect', '--all');
    assert.deepEqual(outcome, {
      code: 2,
      stdout: '',
      stderr: 'sstp-gateway: 1 session would end; there is no terminal to ask whether they shall: --yes says so\n',
    });
    assert.equal(gateway.rows.size, 1);
  });

  for (const args of [[], ['a', '--all'], ['--user', 'alice', '--all']]) {
    test(`${['disconnect', ...args].join(' ')} does not say which sessions: exit code 2`, async () => {
      gateway.add('a');
      const outcome = await run('disconnect', ...args);
      assert.equal(outcome.code, 2);
      assert.match(outcome.stderr, /which sessions\? Give ids, or filters such as --user, or --all/);
      assert.equal(gateway.rows.size, 1);
    });
  }
});
