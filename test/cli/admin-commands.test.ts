import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { FakeGateway } from '../admin/fake-gateway.ts';
import { SilentAdmin } from '../admin/silent-admin.ts';
import { workspace } from '../config/workspace.ts';
import { type Outcome, runCommand } from './run-command.ts';

const TOKEN = 'correct-horse-battery';

describe('against a running gateway,', () => {
  let gateway: FakeGateway;
  let server: SilentAdmin;
  const run = (...args: string[]): Promise<Outcome> => runCommand('.', [...args, '--admin', server.url]);

  beforeEach(async () => {
    gateway = new FakeGateway();
    server = await SilentAdmin.start(gateway);
  });
  afterEach(() => server.close());

  test('status tells how it is', async () => {
    const unused = { name: 'default', family: 'ipv6', size: 0, leased: 0 } as const;
    const usual = gateway.status();
    gateway.status = () => ({ ...usual, pools: [...usual.pools, unused] });
    const { code, stdout } = await run('status');
    assert.equal(code, 0);
    assert.match(stdout, /^gateway +9\.9\.9 on gw1, up 1d 2h$/m);
    assert.match(stdout, /^ready +yes$/m);
    assert.doesNotMatch(stdout, /ipv6/);
    assert.match(stdout, /^pool +default ipv4: 1 of 65533 leased$/m);
    assert.match(
      stdout,
      /^certificate +vpn\.example\.org, ec-prime256v1, until 2026-08-01 \((\d+d \d+h left|EXPIRED)\)$/m,
    );
    assert.match(stdout, /^received +1\.2 MB in 1000 packets$/m);
    assert.match(stdout, /^auth mschapv2 +accepted 5, wrong-password 1$/m);
    assert.match(stdout, /^0 +ready +1 +0 +2\.1 ms +25 %$/m);
    assert.deepEqual(JSON.parse((await run('status', '--json')).stdout), gateway.status());
  });

  test('it is reached at any port, also one that browsers keep away from', async () => {
    server.close();
    server = await SilentAdmin.start(gateway, undefined, 10080);
    const { code, stderr } = await run('status');
    assert.equal(code, 0, stderr);
  });

  test('a token comes from its file or from the configuration', async context => {
    server.close();
    server = await SilentAdmin.start(gateway, TOKEN);
    const space = workspace(context);
    const tokenFile = space.write('token', `${TOKEN}\n`);
    const config = space.write(
      'gateway.yaml',
      `tls: { certificates: [{ cert: c, key: k }] }\nadmin: { listen: '0.0.0.0:${server.port}', tokenFile: token }\n`,
    );
    assert.equal((await run('status', '--token-file', tokenFile)).code, 0);
    const configured = await runCommand(space.directory, ['status', '--config', config]);
    assert.equal(configured.code, 0, configured.stderr);
    const refused = await run('status');
    assert.equal(refused.code, 1);
    assert.equal(
      refused.stderr,
      `sstp-gateway: ${server.url} wants a token\n` +
        '--token-file FILE names the file that holds it, --config FILE the configuration that names that file.\n',
    );
    const wrongFile = space.write('wrong', 'of-another-gateway\n');
    const wrong = await run('status', '--token-file', wrongFile);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, new RegExp(`refuses the token\\nThe token is from: ${wrongFile}\\n`));
  });

  test('drain --json and reload --json are what the API answers', async () => {
    assert.deepEqual(JSON.parse((await run('drain', '--json')).stdout), { state: 'draining' });
    assert.deepEqual(JSON.parse((await run('reload', '--json')).stdout), gateway.reloaded);
    const problem = 'gateway.yaml:1: workers: evil\u009b2J';
    gateway.reloaded = { ok: false, problems: [problem] };
    const refused = await run('reload', '--json');
    assert.equal(refused.code, 2);
    assert.deepEqual(JSON.parse(refused.stdout), gateway.reloaded);
    assert.equal(refused.stdout.includes('\u009b'), false);
    assert.equal(refused.stderr, 'sstp-gateway: nothing was changed:\ngateway.yaml:1: workers: evil?2J\n');
  });

  test('a failure of the gateway is told as such', async () => {
    gateway.broken = true;
    assert.deepEqual(await run('status'), {
      code: 1,
      stdout: '',
      stderr: 'sstp-gateway: the gateway failed to answer; its log says why\n',
    });
  });
});

test('without a gateway the commands say where they looked, and why there', async context => {
  const { port, close } = await freePort();
  await close();
  const config = workspace(context).write(
    'gateway.yaml',
    `tls: { certificates: [{ cert: c, key: k }] }\nadmin: { listen: '127.0.0.1:${port}' }\n`,
  );
  const url = `http://127.0.0.1:${port}`;
  for (const args of [['sessions'], ['status'], ['disconnect', 'x'], ['drain'], ['reload', '--json']]) {
    for (const [target, source] of [
      [['--admin', url], '--admin'],
      [['--config', config], `admin.listen in ${config}`],
    ] as const) {
      const { code, stdout, stderr } = await runCommand('.', [...args, ...target]);
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.equal(
        stderr,
        `sstp-gateway: no gateway answers at ${url} (connection refused)\nThe address is from: ${source}\n` +
          'Is the gateway running? If it listens elsewhere: --config FILE reads its configuration, --admin URL names the address.\n',
      );
    }
  }
});

describe('against something else,', () => {
  const other = createServer((_, response) => response.end('<html>'));
  before(() => new Promise<void>(resolve => void other.listen(0, '127.0.0.1', resolve)));
  after(() => other.close());

  test('the commands do not take it for a gateway', async () => {
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    assert.deepEqual(await runCommand('.', ['status', '--admin', url]), {
      code: 1,
      stdout: '',
      stderr: `sstp-gateway: what answers at ${url} is not a gateway\nThe address is from: --admin\n`,
    });
  });
});

async function freePort() {
  const server = createServer();
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, close: () => new Promise(resolve => void server.close(resolve)) };
}
