import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { makePair, workspace } from '../config/workspace.ts';
import { runCommand } from './run-command.ts';

describe('the command', () => {
  test('without arguments, or with --help, tells what there is to do', async context => {
    const { directory } = workspace(context);
    const help = await runCommand(directory, ['--help']);
    assert.equal(help.code, 0);
    for (const command of ['serve', 'check', 'connect', 'sessions', 'disconnect', 'status', 'user'])
      assert.match(help.stdout, new RegExp(`^  ${command} `, 'm'));
    assert.match(help.stdout, /Examples:/);
    const bare = await runCommand(directory, []);
    assert.equal(bare.code, 2);
    assert.equal(bare.stderr, help.stdout);
  });

  test('knows its version', async context => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    assert.deepEqual(await runCommand(workspace(context).directory, ['--version']), {
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  });

  const usageErrors: readonly [args: string[], stderr: RegExp][] = [
    [['sesions'], /unknown command 'sesions'[\s\S]*Did you mean sessions\?/],
    [['check', '--colour'], /unknown option '--colour'/],
    [['user', 'add'], /missing required argument 'name'/],
    [['user', 'add', 'x', '--max-sessions', '0'], /A whole number from 1 on is needed/],
    [['disconnect'], /which sessions\? Give ids/],
    [['status', '--admin', 'localhost:8080'], /--admin localhost:8080: not a URL; accepted: http:\/\/ADDRESS:PORT/],
    [['status', '--token-file', 'nowhere'], /--token-file nowhere: cannot be read: no such file/],
    [['check', '--config', 'nowhere.yaml'], /^nowhere\.yaml: cannot be read: no such file$/m],
    [['sessions', '--config', 'nowhere.yaml'], /^nowhere\.yaml: cannot be read: no such file$/m],
  ];
  for (const [args, stderr] of usageErrors) {
    test(`${args.join(' ')} ends with exit code 2`, async context => {
      const outcome = await runCommand(workspace(context).directory, args);
      assert.match(outcome.stderr, stderr);
      assert.equal(outcome.code, 2);
      assert.equal(outcome.stdout, '');
    });
  }
});

describe('check', () => {
  test('shows what the embedded default comes to', async context => {
    const outcome = await runCommand(workspace(context).directory, ['check']);
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.match(outcome.stdout, /^embedded default: ok\n {2}listen +0\.0\.0\.0:8443\n/);
    assert.match(outcome.stdout, /users +1 in .*\.sstp-gateway\/users\.yaml/);
  });

  test('shows what a file comes to, and its warnings apart', async context => {
    const space = workspace(context);
    const { cert, key } = await makePair();
    space.write('cert.pem', cert);
    space.write('key.pem', key, 0o644);
    space.write('users.yaml', '- { name: alice, password: secret }');
    space.write('gateway.yaml', 'tls:\n  certificates: [{ cert: cert.pem, key: key.pem }]\n');
    const outcome = await runCommand(space.directory, ['check', '-c', 'gateway.yaml']);
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.match(outcome.stdout, /^gateway\.yaml: ok\n/);
    assert.match(outcome.stdout, /certificate +vpn\.example\.org \(default\), valid until \d{4}-/);
    assert.match(outcome.stdout, /pool +10\.66\.0\.2-10\.66\.255\.254 \(65533 addresses\)/);
    assert.equal(
      outcome.stderr,
      'warning: gateway.yaml:2: tls.certificates[0].key: the private key can be read by every user of this machine\n',
    );
    assert.doesNotMatch(outcome.stdout, /secret/);
    const json = await runCommand(space.directory, ['check', '-c', 'gateway.yaml', '--json']);
    assert.equal((JSON.parse(json.stdout) as { ok: boolean }).ok, true);
  });

  test('prints every problem on a line and ends with exit code 2', async context => {
    const space = workspace(context);
    space.write('gateway.yaml', 'workers: none\ntls: { certificates: [] }\n');
    assert.deepEqual(await runCommand(space.directory, ['check', '-c', 'gateway.yaml']), {
      code: 2,
      stdout: '',
      stderr:
        'gateway.yaml:1: workers: "none" cannot be used; accepted: auto, or a whole number from 1 to 256\n' +
        'gateway.yaml:2: tls.certificates: must not be empty\n',
    });
  });

  test('with --json tells the problems as JSON too', async context => {
    const space = workspace(context);
    space.write('gateway.yaml', 'workers: none\n');
    const { code, stdout, stderr } = await runCommand(space.directory, ['check', '-c', 'gateway.yaml', '--json']);
    assert.equal(code, 2);
    const { ok, problems } = JSON.parse(stdout) as { ok: boolean; problems: { line: number; key: string }[] };
    assert.equal(ok, false);
    assert.ok(problems.some(({ line, key }) => line === 1 && key === 'workers'));
    assert.match(stderr, /^gateway\.yaml:1: workers: /m);
  });

  test('looks into the users file too', async context => {
    const space = workspace(context);
    const { cert, key } = await makePair();
    space.write('cert.pem', cert);
    space.write('key.pem', key);
    space.write('gateway.yaml', 'tls:\n  certificates: [{ cert: cert.pem, key: key.pem }]\n');
    const missing = await runCommand(space.directory, ['check', '-c', 'gateway.yaml']);
    assert.equal(missing.code, 2);
    assert.match(
      missing.stderr,
      /users\.yaml: cannot be read: no such file; sstp-gateway user add NAME --users \S+users\.yaml begins one\n$/,
    );
    space.write('users.yaml', '- { name: alice, password: x, ipv4: 10.66.0.1 }');
    const taken = await runCommand(space.directory, ['check', '-c', 'gateway.yaml']);
    assert.equal(taken.code, 2);
    assert.match(taken.stderr, /users\.yaml:1: user "alice" has the gateway's own address 10\.66\.0\.1\n$/);
  });
});
