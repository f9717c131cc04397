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

describe('sessions', () => {
  test('is a table of who is connected', async () => {
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

  test('with --json is what the API answers', async () => {
    gateway.add('7f3a');
    assert.deepEqual(JSON.parse((await run('sessions', '--json')).stdout), {
      matched: 1,
      sessions: [gateway.rows.get('7f3a')],
    });
  });

  test('takes every filter of the API, its order and its paging', async () => {
    for (let index = 0; index < 5; index++) {
      const user = index < 3 ? 'alice' : 'bob';
      gateway.add(`s${index}`, { user, worker: index % 2, rxBytes: index, ipv4: `10.66.0.${index}` });
    }
    assert.deepEqual(await ids('--user', 'bob'), ['s3', 's4']);
    assert.deepEqual(await ids('--worker', '1'), ['s1', 's3']);
    assert.deepEqual(await ids('--state', 'closing'), []);
    assert.deepEqual(await ids('--address', '10.66.0.2'), ['s2']);
    assert.deepEqual(await ids('--search', 'ALI', '--worker', '0'), ['s0', 's2']);
    assert.deepEqual(await ids('--sort', '-rxBytes', '--limit', '2', '--offset', '1'), ['s3', 's2']);
  });

  test('says how many there are when it shows a part', async () => {
    gateway.add('a');
    gateway.add('b');
    const { stdout } = await run('sessions', '--limit', '1', '--columns', 'id, tls,from');
    assert.equal(
      stdout,
      'ID  TLS                             FROM\n' +
        'a   TLSv1.3 TLS_AES_256_GCM_SHA384  192.0.2.1:50000\n' +
        '1 of 2 sessions\n',
    );
  });

  test('with an ID is that session in full, what is not known left out', async () => {
    gateway.add('a/b', { user: 'evil\u001b[2J\nname', ipv6: '2001:db8::/64' });
    const { code, stdout } = await run('sessions', 'a/b');
    assert.equal(code, 0);
    assert.match(stdout, /^SESSION\n {2}id +a\/b\n {2}user +evil\?\[2J\?name\n {2}state +up\n/);
    assert.match(stdout, /^ {2}up at +2026-06-01T00:00:01\.000Z \(\d+d( \d+h)? ago\)$/m);
    assert.match(stdout, /^CONNECTION\n {2}remote address +192\.0\.2\.1:50000\n[\s\S]*^ {2}tls version +TLSv1\.3$/m);
    assert.match(stdout, /^ {2}rx rate +80\.0 kbit\/s$/m);
    assert.match(stdout, /^ {2}rx bytes +1\.2 MB$/m);
    assert.match(stdout, /^NEGOTIATED\n {2}hash +sha256\n {2}lcp state +opened\n {2}lcp mru +1400\n/m);
    assert.doesNotMatch(stdout, /null|history/i);
    assert.deepEqual(JSON.parse((await run('sessions', 'a/b', '--json')).stdout), await gateway.session('a/b'));
    const gone = await run('sessions', 'gone');
    assert.deepEqual(gone, { code: 1, stdout: '', stderr: 'sstp-gateway: there is no session gone\n' });
  });

  const usageErrors: readonly [args: string[], stderr: RegExp][] = [
    [['--state', 'down'], /Allowed choices are negotiating, authenticating, up, closing/],
    [['--sort', 'age'], /Allowed choices are id, -id, user, /],
    [['--worker', 'one'], /A whole number is needed/],
    [['--limit', '0'], /limit must be a number from 1 to/],
    [['--columns', 'id,age'], /there is no column "age"; accepted: id, user/],
    [['--interval', '1ms'], /A time from 100ms to 60m is needed/],
    [['7f3a', '--user', 'alice'], /--user is for the list, not for one session/],
    [['7f3a', '--watch'], /--watch is for the list, not for one session/],
  ];
  for (const [args, stderr] of usageErrors) {
    test(`${args.join(' ')} ends with exit code 2`, async () => {
      const outcome = await run('sessions', ...args);
      assert.match(outcome.stderr, stderr);
      assert.equal(outcome.code, 2);
      assert.equal(outcome.stdout, '');
    });
  }
});

/** Of the sessions that are listed. */
async function ids(...args: string[]): Promise<string[]> {
  const { stdout, stderr } = await run('sessions', '--json', ...args);
  assert.equal(stderr, '');
  return (JSON.parse(stdout) as { sessions: { id: string }[] }).sessions.map(({ id }) => id);
}
