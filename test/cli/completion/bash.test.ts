import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FakeGateway } from '../../admin/fake-gateway.ts';
import { SilentAdmin } from '../../admin/silent-admin.ts';
import { type Workspace, workspace } from '../../config/workspace.ts';
import { runCommand } from '../run-command.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.js', import.meta.url));
const SCRIPT = (await runCommand('.', ['completion', 'bash'])).stdout;

describe('in bash', () => {
  let gateway: FakeGateway;
  let server: SilentAdmin;
  let admin: string;

  beforeEach(async () => {
    gateway = new FakeGateway();
    server = await SilentAdmin.start(gateway);
    admin = `--admin ${server.url}`;
  });
  afterEach(() => server.close());

  test('commands, options and their values are completed', async context => {
    const space = workspace(context);
    assert.deepEqual(await complete(space, 'ses'), ['sessions']);
    assert.deepEqual(await complete(space, 'user '), ['add', 'passwd', 'remove', 'list']);
    assert.deepEqual(await complete(space, 'user add --ip'), ['--ipv4', '--ipv6']);
    assert.deepEqual(await complete(space, 'sessions --state '), ['negotiating', 'authenticating', 'up', 'closing']);
    assert.deepEqual(await complete(space, 'sessions --sort -tx'), ['-txBytes', '-txPackets', '-txRate']);
    assert.deepEqual(await complete(space, 'completion '), ['bash', 'zsh', 'fish']);
    assert.deepEqual(await complete(space, 'sessions --limit '), []);
    assert.deepEqual(await complete(space, 'nonsense --'), ['--version', '--help']);
  });

  test('a value that has the name of a command is none', async context => {
    const space = workspace(context);
    assert.deepEqual(await complete(space, 'sessions --user drain --int'), ['--interval']);
  });

  test('files are completed where a file is wanted', async context => {
    const space = workspace(context);
    space.write('gateway one.yaml', '');
    space.write('gateway.yaml', '');
    assert.deepEqual((await complete(space, 'serve --config gate')).toSorted(), ['gateway one.yaml', 'gateway.yaml']);
  });

  test('session ids and users are those of the gateway that the line names', async context => {
    gateway.add('7f3a');
    gateway.add('7f3b', { user: 'bob' });
    gateway.add('8000', { user: 'bob' });
    const space = workspace(context);
    assert.deepEqual(await complete(space, `disconnect ${admin} 7f`), ['7f3a', '7f3b']);
    assert.deepEqual(await complete(space, `disconnect ${admin} 7f3a 8`), ['8000']);
    assert.deepEqual(await complete(space, `sessions ${admin} --user `), ['alice', 'bob']);
    assert.deepEqual(await complete(space, `disconnect --admin=${server.url} 8`), ['8000']);
  });

  test('a file of the line is read from the home directory', async context => {
    gateway.add('7f3a');
    const space = workspace(context);
    const listen = server.url.slice('http://'.length);
    space.write('gateway.yaml', `tls: { certificates: [{ cert: c, key: k }] }\nadmin: { listen: '${listen}' }\n`);
    assert.deepEqual(await complete(space, 'disconnect --config ~/gateway.yaml '), ['7f3a']);
    assert.deepEqual(await complete(space, `disconnect --config=${space.path('gateway.yaml')} `), ['7f3a']);
  });

  test('without a gateway there is silence', async context => {
    server.close();
    assert.deepEqual(await complete(workspace(context), `disconnect ${admin} `), []);
  });

  test('what users call themselves is never run', async context => {
    const space = workspace(context);
    const proof = space.path('proof');
    gateway.add('1', { user: `$(touch ${proof})` });
    gateway.add('2', { user: `a;touch ${proof}` });
    gateway.add('3', { user: 'a\\b' });
    gateway.add('4', { user: '-rf' });
    assert.deepEqual(await complete(space, `sessions ${admin} --user `), ['a\\\\b']);
    // Also when somebody else stands for the command.
    const liar = `#!/bin/sh\nprintf '%s\\n' '$(touch ${proof})' 'a b' '-e'\n`;
    assert.deepEqual(await complete(space, 'disconnect ', liar), [`\\$\\(touch\\ ${proof}\\)`, 'a\\ b', '-e']);
    assert.equal(existsSync(proof), false);
  });
});

/** What bash offers for the line behind `sstp-gateway`, with the cursor at its end. */
async function complete(
  space: Workspace,
  line: string,
  program = `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`,
): Promise<string[]> {
  const command = space.write('sstp-gateway', program, 0o700);
  const script = space.write('completion.bash', SCRIPT);
  // As readline does it, but for its breaking of words at colons, which the script does not rely on.
  const driver = `
    source ${script}
    COMP_LINE="sstp-gateway $1" COMP_POINT=$((\${#1} + 13))
    read -ra COMP_WORDS <<< "$COMP_LINE"
    [[ $COMP_LINE == *' ' ]] && COMP_WORDS+=('')
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    cd ${space.directory}
    _sstp_gateway ${command}
    ((\${#COMPREPLY[@]} == 0)) || printf '%s\\n' "\${COMPREPLY[@]}"`;
  // Not blocking: the gateway of the test answers from this process.
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      'bash',
      ['-c', driver, 'bash', line],
      { env: { ...process.env, HOME: space.directory } },
      (error, stdout, stderr) => {
        if (error !== null || stderr !== '') reject(error ?? new Error(stderr));
        else resolve(stdout);
      },
    );
  });
  return output.split('\n').filter(word => word !== '');
}
