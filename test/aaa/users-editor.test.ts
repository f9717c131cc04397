import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { describe, test } from 'node:test';
import { UsersFile } from '../../src/aaa/users.ts';
import { UsersEditor } from '../../src/aaa/users-editor.ts';
import { workspace } from '../config/workspace.ts';

describe('the users editor', () => {
  test('begins a file that is not there, readable by its owner only', context => {
    const space = workspace(context);
    const file = space.path('users.yaml');
    const editor = UsersEditor.open(file);
    assert.equal(
      editor.add({
        name: 'User',
        password: 'clientPass',
        settings: { ipv4: '10.0.0.7', rate: undefined, maxSessions: 1 },
      }),
      true,
    );
    editor.save();
    // RFC 2759 9.2: PasswordHash
    assert.equal(
      readFileSync(file, 'utf8'),
      '- name: User\n  ntHash: 44ebba8d5312b8d611474411f56989ae\n  ipv4: 10.0.0.7\n  maxSessions: 1\n',
    );
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(space.directory), ['users.yaml']);
  });

  test('keeps comments, order and what it does not touch', context => {
    const space = workspace(context);
    const before =
      '# staff\n- name: alice # on leave\n  password: "old" # weak\n  disabled: true\n\n# guests\n- { name: bob, password: b }\n';
    const file = space.write('users.yaml', before, 0o644);
    const editor = UsersEditor.open(file);
    assert.equal(editor.setPassword('alice', 'clientPass'), true);
    editor.add({ name: 'carol', password: 'c' });
    editor.save();
    const after = readFileSync(file, 'utf8');
    assert.match(
      after,
      /^# staff\n- name: alice # on leave\n {2}ntHash: "?44ebba8d5312b8d611474411f56989ae"? # weak\n {2}disabled: true\n\n# guests\n- \{ name: bob, password: b \}\n- name: carol\n {2}ntHash: /,
    );
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  test('writes a hash of digits only, and one that looks like a number, so that they are read back as text', context => {
    const file = workspace(context).path('users.yaml');
    const editor = UsersEditor.open(file);
    for (let index = 0; index < 200; index++) editor.add({ name: `${index}`, password: `${index}` });
    editor.save();
    const users = UsersFile.load(file);
    for (let index = 0; index < 200; index++) {
      assert.equal(users.decide({ kind: 'pap', user: `${index}`, password: `${index}` }).kind, 'accepted');
    }
  });

  test('removes a user, and says when there is none', context => {
    const file = workspace(context).write('users.yaml', '- { name: a, password: x }\n- { name: b, password: y }\n');
    const editor = UsersEditor.open(file);
    assert.equal(editor.remove('a'), true);
    assert.equal(editor.remove('a'), false);
    assert.equal(editor.setPassword('a', 'x'), false);
    assert.equal(editor.add({ name: 'b', password: 'x' }), false);
    editor.save();
    assert.equal(readFileSync(file, 'utf8'), '- { name: b, password: y }\n');
  });

  test('writes nothing when the result would be refused', context => {
    const space = workspace(context);
    const before = '- { name: a, password: x, ipv4: 10.0.0.7 }\n';
    const file = space.write('users.yaml', before);
    for (const addition of [
      { name: 'b', settings: { ipv4: '10.0.0.7' } },
      { name: 'b', settings: { ipv4: '10.0.0' } },
      { name: 'b\u0000' },
      { name: '' },
    ]) {
      const editor = UsersEditor.open(file);
      editor.add({ password: 'secret', ...addition });
      assert.throws(() => editor.save(), { name: 'ConfigError' });
    }
    assert.equal(readFileSync(file, 'utf8'), before);
    assert.deepEqual(readdirSync(space.directory), ['users.yaml']);
  });

  test('follows a symbolic link instead of replacing it', context => {
    const space = workspace(context);
    const file = space.write('real.yaml', '[]\n');
    symlinkSync(file, space.path('users.yaml'));
    const editor = UsersEditor.open(space.path('users.yaml'));
    editor.add({ name: 'a', password: 'x' });
    editor.save();
    assert.ok(lstatSync(space.path('users.yaml')).isSymbolicLink());
    assert.equal(UsersFile.load(file).size, 1);
  });

  test('does not touch a file that it cannot understand', context => {
    const file = workspace(context).write('users.yaml', 'users: [');
    assert.throws(() => UsersEditor.open(file), { name: 'ConfigError' });
    assert.equal(readFileSync(file, 'utf8'), 'users: [');
  });
});
