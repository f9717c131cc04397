import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { workspace } from '../../config/workspace.ts';
import { runCommand } from '../run-command.ts';

for (const shell of ['zsh', 'fish']) {
  test(`${shell} takes the script for one of its own`, { skip: missing(shell) }, async context => {
    const { code, stdout } = await runCommand('.', ['completion', shell]);
    assert.equal(code, 0);
    const script = workspace(context).write(`completion.${shell}`, stdout);
    const { status, stderr } = spawnSync(shell, ['-n', script], { encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.equal(status, 0);
  });
}

test('fish offers commands, options and values', { skip: missing('fish') }, async context => {
  const space = workspace(context);
  const script = space.write('completion.fish', (await runCommand('.', ['completion', 'fish'])).stdout);
  const complete = (line: string): string[] => {
    const { stdout, stderr } = spawnSync('fish', ['-c', 'source $argv[1]; complete -C $argv[2]', script, line], {
      encoding: 'utf8',
      env: { ...process.env, HOME: space.directory },
    });
    assert.equal(stderr, '');
    return stdout
      .trimEnd()
      .split('\n')
      .map(offer => offer.split('\t', 1)[0]!);
  };
  assert.deepEqual(complete('sstp-gateway ses'), ['sessions']);
  assert.deepEqual(complete('sstp-gateway user '), ['add', 'list', 'passwd', 'remove']);
  assert.deepEqual(complete('sstp-gateway sessions --state n'), ['negotiating']);
  assert.deepEqual(complete('sstp-gateway disconnect --al'), ['--all']);
});

test('the help tells how to load it', async () => {
  const { stdout } = await runCommand('.', ['completion', '--help']);
  assert.match(stdout, /source <\(sstp-gateway completion bash\)/);
});

/** Why to skip. In CI a shell that is missing is a failure. */
function missing(shell: string): string | false {
  const isMissing = spawnSync(shell, ['--version']).error !== undefined;
  return isMissing && process.env['CI'] !== 'true' ? `${shell} (a Debian package) is not installed` : false;
}
