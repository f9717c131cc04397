import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { pino } from 'pino';
import { AdminServer } from '../../src/admin/server.ts';
import { FakeGateway } from '../admin/fake-gateway.ts';
import { workspace } from '../config/workspace.ts';
import { type Outcome, runCommand } from './run-command.ts';

const TOKEN = 'correct-horse-battery';

describe('against a running gateway,', () => {
  let gateway: FakeGateway;
  let server: AdminServer;
  let url: string;
  const run = (...args: string[]): Promise<Outcome> => runCommand('.', [...args, '--admin', url]);

  beforeEach(async () => {
    gateway = new FakeGateway();
    server = new AdminServer({
      listen: { host: '127.0.0.1', port: 0 },
      token: undefined,
      view: gateway,
      log: pino({ level: 'silent' }),
    });
    url = `http://127.0.0.1:${await server.listen()}`;
  });
  afterEach(() => server.close());

  test('sessions is a table of who is connected', async () => {
    gateway.add('7f3a');
    gateway.add('7f3b', { user: 'evil\u001b[2Jname', state: 'negotiating', ipv4: null, upAt: null, rxBytes: 12 });
    const { code, stdout } = await run('sessions');
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split('\n');
    assert.match(lines[0] ?? '', /^ID {4}USER +STATE +IPV4 +FROM +FOR +RX +TX +DROPS$/);
    assert.match(
      lines[1] ?? '',
      /^7f3a {2}alice +up +10\.66\.0\.2 +192\.0\.2\.1:50000 +\d+d( \d+h)? +1\.2 MB +0 B +3$/,
    );
    assert.match(lines[2] ?? '', /^7f3b {2}evil\?\[2Jname +negotiating +- /);
    assert.equal(lines[3], '2 sessions');
  });

  test('sessions --json is what the API answers', async () => {
    gateway.add('7f3a');
    assert.deepEqual(JSON.parse((await run('sessions', '--json')).stdout), {
      matched: 1,
      sessions: [gateway.rows.get('7f3a')],
    });
  });

  test('disconnect ends each session that there is and fails for the others', async () => {
    gateway.add('a/b');
    gateway.add('c');
    const outcome = await run('disconnect', 'a/b', 'gone', 'c');
    assert.equal(outcome.code, 1);
    assert.equal(outcome.stdout, 'a/b: closing\nc: closing\n');
    assert.equal(outcome.stderr, 'sstp-gateway: there is no session gone\n');
    assert.equal(gateway.rows.size, 0);
  });

  test('status tells how it is', async () => {
    const { code, stdout } = await run('status');
    assert.equal(code, 0);
    assert.match(stdout, /^gateway +9\.9\.9 on gw1, up 1d 2h$/m);
    assert.match(stdout, /^addresses +1 of 65533 leased$/m);
    assert.match(stdout, /^auth mschapv2 +accepted 5, wrong-password 1$/m);
    assert.match(stdout, /^0 +ready +1 +0 +2\.1 ms$/m);
    assert.deepEqual(JSON.parse((await run('status', '--json')).stdout), gateway.status());
  });

  test('a token comes from its file or from the configuration', async context => {
    server.close();
    server = new AdminServer({
      listen: { host: '127.0.0.1', port: 0 },
      token: TOKEN,
      view: gateway,
      log: pino({ level: 'silent' }),
    });
    const port = await server.listen();
    url = `http://127.0.0.1:${port}`;
    const space = workspace(context);
    const tokenFile = space.write('token', `${TOKEN}\n`);
    const config = space.write(
      'gateway.yaml',
      `tls: { certificates: [{ cert: c, key: k }] }\nadmin: { listen: '0.0.0.0:${port}', tokenFile: token }\n`,
    );
    assert.equal((await run('status', '--token-file', tokenFile)).code, 0);
    const configured = await runCommand(space.directory, ['status', '--config', config]);
    assert.equal(configured.code, 0, configured.stderr);
    const refused = await run('status');
    assert.equal(refused.code, 1);
    assert.equal(
      refused.stderr,
      `sstp-gateway: ${url} wants a token: a bearer token is needed (--token-file FILE, or --config FILE)\n`,
    );
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

test('without a gateway the commands say where they looked', async () => {
  const { port, close } = await freePort();
  await close();
  for (const args of [['sessions'], ['status'], ['disconnect', 'x']]) {
    const { code, stderr } = await runCommand('.', [...args, '--admin', `http://127.0.0.1:${port}`]);
    assert.equal(code, 1);
    assert.equal(
      stderr,
      `sstp-gateway: no gateway answers at http://127.0.0.1:${port} (connection refused); is it running? Another address: --admin URL, or --config FILE\n`,
    );
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
      stderr: `sstp-gateway: what answers at ${url} is not a gateway\n`,
    });
  });
});

async function freePort() {
  const server = createServer();
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, close: () => new Promise(resolve => void server.close(resolve)) };
}
