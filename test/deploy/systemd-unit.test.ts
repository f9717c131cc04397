// What can be said of the unit without starting it; test/guest/systemd.test.ts starts it.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../src/config/load.ts';
import { makePair, workspace } from '../config/workspace.ts';

const DEPLOY = fileURLToPath(new URL('../../../deploy', import.meta.url));
const UNIT = join(DEPLOY, 'systemd/sstp-gateway.service');
const DEPLOYMENT = join(dirname(DEPLOY), 'docs/deployment.md');

test('deploy/gateway.yaml is accepted, and keeps its state where the unit lets it', async context => {
  const pair = await makePair({ names: ['vpn.example.org'] });
  const space = workspace(context);
  space.write('fullchain.pem', pair.cert);
  space.write('privkey.pem', pair.key);
  const { config } = loadConfig(space.write('gateway.yaml', readFileSync(join(DEPLOY, 'gateway.yaml'), 'utf8')));
  assert.equal(config.stateDir, '/var/lib/sstp-gateway');
  assert.match(readFileSync(UNIT, 'utf8'), /^StateDirectory=sstp-gateway$/m);
});

describe('deploy/systemd/sstp-gateway.service', { skip: withoutAnalyze() }, () => {
  test('is no more exposed than docs/deployment.md says', context => {
    const claimed = Number(/exposure level of (\d+\.\d)/.exec(readFileSync(DEPLOYMENT, 'utf8'))?.[1]);
    const report = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', UNIT], {
      encoding: 'utf8',
    });
    const level = Number(/exposure level for sstp-gateway\.service: (\d+\.\d)/.exec(report)?.[1]);
    context.diagnostic(`exposure level: ${level}`);
    assert.ok(level <= claimed, report);
  });

  test('has no key that systemd does not know', () => {
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', UNIT], { encoding: 'utf8' });
    const complaints = stderr.split('\n').filter(line => line.includes('sstp-gateway.service'));
    // The command is looked for on this machine.
    assert.deepEqual(
      complaints.filter(line => !line.includes('Command sstp-gateway is not executable')),
      [],
    );
  });
});

function withoutAnalyze(): string | false {
  if (process.env['CI'] === 'true') return false;
  return spawnSync('systemd-analyze', ['--version']).error === undefined ? false : 'needs the Debian package systemd';
}
