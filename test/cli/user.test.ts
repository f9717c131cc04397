import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { UsersFile } from '../../src/aaa/users.ts';
import { workspace } from '../config/workspace.ts';
import { runCommand } from './run-command.ts';

describe('user', () => {
  test('adds, changes, lists and removes, and never writes the password', async context => {
    const space = workspace(context);
    const file = space.path('users.yaml');
    const accepts = (name: string, password: string): boolean =>
      UsersFile.load(file).decide({ kind: 'pap', user: name, password }).kind === 'accepted';

    const added = await runCommand(
      space.directory,
      [
        'user',
        'add',
        'alice',
        '--users',
        'users.yaml',
        '--password-stdin',
        '--ipv4',
        '10.66.1.7',
        '--ipv6',
        'staff',
        '--delegated-ipv6',
        '2001:db8:7::/56',
        '--rate',
        '2M/10M',
        '--max-sessions',
        '2',
        '--session-timeout',
        '8h',
        '--idle-timeout',
        '15m',
      ],
      'first secret\n',
    );
    assert.deepEqual(added, {
      code: 0,
      stdout:
        'User "alice" was added to users.yaml. A running gateway sees it after `sstp-gateway reload`, or SIGHUP.\n',
      stderr: '',
    });
    assert.ok(accepts('alice', 'first secret'));
    assert.ok(!readFileSync(file, 'utf8').includes('secret'));

    const text = readFileSync(file, 'utf8');
    assert.match(text, /delegatedIpv6: 2001:db8:7::\/56\n  rate: 2M\/10M\n/);
    assert.match(text, /sessionTimeout: 8h\n  idleTimeout: 15m\n/);

    const changed = await runCommand(
      space.directory,
      ['user', 'passwd', 'alice', '--users', 'users.yaml', '--password-stdin'],
      'second secret',
    );
    assert.equal(changed.code, 0, changed.stderr);
    assert.ok(accepts('alice', 'second secret') && !accepts('alice', 'first secret'));

    const listed = await runCommand(space.directory, ['user', 'list', '--users', 'users.yaml', '--json']);
    assert.deepEqual(JSON.parse(listed.stdout), {
      users: [
        {
          name: 'alice',
          stored: 'hash',
          ipv4: '10.66.1.7',
          ipv6: 'staff',
          rate: '2M/10M',
          maxSessions: 2,
          disabled: false,
        },
      ],
    });

    const removed = await runCommand(space.directory, ['user', 'remove', 'alice', '--users', 'users.yaml']);
    assert.equal(removed.code, 0, removed.stderr);
    assert.equal(UsersFile.load(file).size, 0);
  });

  test('finds the users file through the configuration', async context => {
    const space = workspace(context);
    space.write('gateway.yaml', 'tls: { certificates: [{ cert: c, key: k }] }\naaa: { users: staff.yaml }\n');
    const outcome = await runCommand(
      space.directory,
      ['user', 'add', 'bob', '-c', 'gateway.yaml', '--password-stdin'],
      'x',
    );
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.equal(UsersFile.load(space.path('staff.yaml')).size, 1);
  });

  const refused: readonly [what: string, args: string[], input: string, code: number, stderr: RegExp][] = [
    [
      'a user who is there',
      ['add', 'alice', '--password-stdin'],
      'x',
      1,
      /has a user "alice" already; to change the password: user passwd/,
    ],
    ['a new password for nobody', ['passwd', 'bob', '--password-stdin'], 'x', 1, /has no user "bob"/],
    ['to remove nobody', ['remove', 'bob'], '', 1, /has no user "bob"/],
    ['an empty password', ['add', 'bob', '--password-stdin'], '\n', 2, /a password must not be empty/],
    [
      'two lines of password',
      ['add', 'bob', '--password-stdin'],
      'a\nb\n',
      2,
      /standard input holds more than one line/,
    ],
    [
      'a password of 257 characters',
      ['add', 'bob', '--password-stdin'],
      'x'.repeat(257),
      2,
      /a password has at most 256 characters/,
    ],
    [
      'to ask where there is no terminal',
      ['add', 'bob'],
      'x',
      2,
      /there is no terminal to ask for the password; use --password-stdin/,
    ],
    [
      'an address that is none',
      ['add', 'bob', '--password-stdin', '--ipv4', '10.66.1'],
      'x',
      2,
      /ipv4: "10.66.1" cannot be used; accepted: an IPv4 address, or the name of a pool/,
    ],
  ];
  for (const [what, args, input, code, stderr] of refused) {
    test(`refuses ${what}, and the file stays`, async context => {
      const space = workspace(context);
      const before = '# mine\n- { name: alice, password: y }\n';
      const file = space.write('users.yaml', before);
      const outcome = await runCommand(space.directory, ['user', ...args, '--users', 'users.yaml'], input);
      assert.match(outcome.stderr, stderr);
      assert.equal(outcome.code, code);
      assert.equal(readFileSync(file, 'utf8'), before);
    });
  }

  test('with --json tells what was changed', async context => {
    const { directory } = workspace(context);
    const add = ['user', 'add', 'alice', '--users', 'users.yaml', '--password-stdin', '--json'];
    const { code, stdout } = await runCommand(directory, add, 'secret\n');
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), { name: 'alice', file: 'users.yaml', change: 'added' });
  });

  test('list does not make a file', async context => {
    const space = workspace(context);
    assert.equal((await runCommand(space.directory, ['user', 'list'])).code, 0);
    assert.equal(existsSync(space.path('.sstp-gateway')), false);
  });
});
