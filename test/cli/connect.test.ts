// The command `connect` as its users run it, against gateways as theirs run.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { run } from '../../src/cli/program.ts';
import { ScriptedServer } from '../client/scripted-servers/scripted-server.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { createSite, PASSWORD, type Site, USER } from '../gateway/site.ts';
import { startTcp } from '../https/fixture.ts';
import { startTinyproxy, tinyproxyUnavailable } from '../https/tinyproxy.ts';
import { type Outcome, runCommand } from './run-command.ts';
import { startCommand } from './start-command.ts';

interface CheckReport {
  readonly address: string;
  readonly tls: { readonly version: string };
  readonly upMs: number;
  readonly pings: { readonly sent: number; readonly received: number; readonly roundTripMs: readonly number[] };
}

const LOGIN = ['--user', USER, '--password', PASSWORD];

describe('connect --check', () => {
  let site: Site;
  let gateway: GatewayProcess;
  let fingerprint: string;

  before(async () => {
    // Reachable also by addresses that its certificate is not valid for.
    site = await createSite({ listen: [{ address: '0.0.0.0:0' }] });
    gateway = await GatewayProcess.start(site);
    fingerprint = site.fingerprint.replaceAll(':', '');
    writeFileSync(join(site.directory, 'password'), `${PASSWORD}\nsecond line\n`);
  });

  after(async () => {
    await gateway.stop();
    site.remove();
  });

  const check = (host: string, ...args: string[]): Promise<Outcome> =>
    runCommand(site.directory, ['connect', '--check', ...args, `https://${host}:${gateway.port}`]);
  const trusting = (...args: string[]): Promise<Outcome> =>
    check('localhost', '--ca', 'cert.pem', '--user', USER, ...args);

  test('reports in words', async () => {
    const { code, stdout, stderr } = await trusting('--password', PASSWORD);
    assert.deepEqual([code, stderr], [0, '']);
    const report = [
      String.raw`tunnel up in \d+ ms: TLSv1\.3, TLS_\w+`,
      String.raw`address 10\.66\.\d+\.\d+, gateway 10\.66\.0\.1, MTU 1400`,
      String.raw`DNS 10\.66\.0\.53`,
      String.raw`ping 10\.66\.0\.1: 3 of 3 answered, [\d.]+ ms on average`,
      'disconnected',
    ];
    assert.match(stdout, new RegExp(`^${report.join(String.raw`\n`)}\n$`));
  });

  test('reports as one JSON object', async () => {
    const { code, stdout } = await trusting('--password', PASSWORD, '--json', '--count', '1');
    const { address, tls, upMs, pings, ...rest } = JSON.parse(stdout) as CheckReport;
    assert.deepEqual(rest, { ok: true, gateway: '10.66.0.1', dns: ['10.66.0.53'], mtu: 1400 });
    assert.match(address, /^10\.66\./);
    assert.equal(tls.version, 'TLSv1.3');
    assert.ok(upMs > 0);
    assert.deepEqual([pings.sent, pings.received, pings.roundTripMs.length], [1, 1, 1]);
    assert.equal(code, 0);
  });

  test('takes the password from a file or from standard input', async () => {
    assert.equal((await trusting('--password-file', 'password', '--count', '0')).code, 0);
    const url = `https://localhost:${gateway.port}`;
    const args = [
      'connect',
      '--check',
      '--count',
      '0',
      '--ca',
      'cert.pem',
      '--user',
      USER,
      '--password-file',
      '-',
      url,
    ];
    assert.equal((await runCommand(site.directory, args, `${PASSWORD}\n`)).code, 0);
  });

  test('works with every method that it allows', async () => {
    for (const method of ['pap', 'chap', 'mschapv2', 'eap']) {
      const outcome = await trusting('--password', PASSWORD, '--auth', method, '--count', '0');
      assert.equal(outcome.code, 0, `${method}: ${outcome.stderr}`);
    }
  });

  test('says what was wrong with user name or password', async () => {
    const message = /did not come up: the server refused user name or password \("Authentication failed"\)/;
    for (const method of ['mschapv2', 'eap', 'chap', 'pap']) {
      await refused(trusting('--password', 'guess', '--auth', method), message);
    }
    const { stdout, code } = await trusting('--password', 'guess', '--json');
    assert.equal(code, 1);
    const { ok, error } = JSON.parse(stdout) as { ok: boolean; error: string };
    assert.equal(ok, false);
    assert.match(error, message);
  });

  test('refuses a certificate that nobody vouches for, unless it is pinned or told to', async () => {
    await refused(
      check('localhost', ...LOGIN),
      /self-signed certificate \(--ca FILE trusts an authority of your own, --certificate-sha256 this/,
    );
    assert.equal((await check('localhost', ...LOGIN, '--insecure', '--count', '0')).code, 0);
    for (const pin of [fingerprint, fingerprint.toLowerCase(), site.fingerprint]) {
      const outcome = await check('127.0.0.2', ...LOGIN, '--certificate-sha256', pin, '--count', '0');
      assert.equal(outcome.code, 0, outcome.stderr);
    }
    const wrong = `${fingerprint.startsWith('0') ? '1' : '0'}${fingerprint.slice(1)}`;
    await refused(
      check('localhost', ...LOGIN, '--certificate-sha256', wrong),
      new RegExp(`the server's certificate has SHA-256 ${fingerprint.toLowerCase()}`),
    );
  });

  test('refuses a trusted certificate for another name, whatever the server_name extension says', async () => {
    for (const extra of [[], ['--server-name', 'localhost']]) {
      await refused(
        check('127.0.0.2', ...LOGIN, '--ca', 'cert.pem', ...extra),
        /127\.0\.0\.2 is not in the cert's list/,
      );
    }
  });

  describe('through tinyproxy', { skip: tinyproxyUnavailable() }, () => {
    test('with the right credentials, wrong ones, and none', async () => {
      await using proxy = await startTinyproxy(gateway.port, 'anna', 's3cret');
      const through = (login: string): Promise<Outcome> =>
        trusting('--password', PASSWORD, '--proxy', `http://${login}127.0.0.1:${proxy.port}`);
      const { code, stdout, stderr } = await through('anna:s3cret@');
      assert.equal(code, 0, stderr);
      assert.match(stdout, /3 of 3 answered/);
      await refused(through('anna:guess@'), /proxy 127\.0\.0\.1 port \d+ (refused the credentials|answered 40[17])/);
      await refused(through(''), /proxy 127\.0\.0\.1 port \d+ (wants credentials|answered 40[17])/);
    });
  });

  const usageErrors: readonly [args: string[], url: string, stderr: RegExp][] = [
    [['--user', 'x'], 'https://localhost', /a password is needed: --password-file FILE, or --password/],
    [['--user', 'x', '-p', 'y', '--password-file', 'z'], 'https://localhost', /not both/],
    [
      ['--user', 'x', '--password-file', 'nowhere/pw'],
      'https://localhost',
      /nowhere\/pw: cannot be read: no such file/,
    ],
    [LOGIN, 'localhost', /the server: expected https:\/\/host\[:port\]/],
    [LOGIN, 'http://localhost', /the server: expected https:\/\/host\[:port\]/],
    [LOGIN, 'https://localhost/path', /the server: expected https:\/\/host\[:port\]/],
    [LOGIN, 'https://alice:secret@localhost', /user and password have options of their own/],
    [[...LOGIN, '--proxy', 'socks5://proxy'], 'https://localhost', /--proxy: expected http:\/\/host\[:port\]/],
    [
      [...LOGIN, '--proxy', 'http://a:%zz@proxy'],
      'https://localhost',
      /--proxy: a % in user or password is written %25/,
    ],
    [[...LOGIN, '--auth', 'mschapv2,peap'], 'https://localhost', /accepted are pap, chap, mschapv2, eap/],
    [[...LOGIN, '--mtu', '9000'], 'https://localhost', /--mtu 9000: accepted is a number from 576 to 4087/],
    [[...LOGIN, '--count', '-1'], 'https://localhost', /--count -1: accepted is a number from 0/],
    [[...LOGIN, '--route', '10.0.0.0/33'], 'https://localhost', /--route 10\.0\.0\.0\/33: accepted is a network/],
    [[...LOGIN, '--ipv6', '--mtu', '1279'], 'https://localhost', /--mtu 1279: accepted is a number from 1280 to 4087/],
    [[...LOGIN, '--route', 'fd00::/8'], 'https://localhost', /--route fd00::\/8: an IPv6 network needs --ipv6/],
    [[...LOGIN, '--ping', 'gateway'], 'https://localhost', /--ping gateway: accepted is an IPv4 address/],
    [[...LOGIN, '--device', 'far/too/long'], 'https://localhost', /no name for a network interface/],
    [[...LOGIN, '--ca', 'nowhere.pem'], 'https://localhost', /--ca nowhere\.pem: cannot be read: no such file/],
    [[...LOGIN, '--ca', '/dev/null'], 'https://localhost', /--ca \/dev\/null: holds no certificate in PEM form/],
    [[...LOGIN, '--certificate-sha256', 'abc'], 'https://localhost', /expected 64 hexadecimal digits/],
    [['--user', 'ü'.repeat(128), '-p', 'x'], 'https://localhost', /--user: has 256 bytes, at most 255 can be sent/],
    [['--user', '', '-p', 'x'], 'https://localhost', /--user: must not be empty/],
  ];
  for (const [args, url, stderr] of usageErrors) {
    test(`${[...args, url].join(' ').slice(0, 80)} is a usage error in one line`, async context => {
      const error = context.mock.method(console, 'error', () => {});
      assert.equal(await run(['connect', '--check', ...args, url]), 2);
      assert.equal(error.mock.callCount(), 1);
      const line = String(error.mock.calls[0]?.arguments[0]);
      assert.match(line, stderr);
      assert.match(line, /^sstp-gateway: [^\n]+$/);
    });
  }

  test('an unknown option and a missing one are usage errors of a process that prints nothing else', async () => {
    for (const [args, message] of [
      [['-p', 'x'], "error: required option '-u, --user <name>' not specified\n"],
      [[...LOGIN, '--colour'], "error: unknown option '--colour'\n"],
      [
        ['--user', 'x'],
        'sstp-gateway: a password is needed: --password-file FILE, or --password; there is no terminal to ask on\n',
      ],
    ] as const) {
      const outcome = await runCommand(site.directory, ['connect', ...args, 'https://localhost']);
      assert.deepEqual(outcome, { code: 2, stdout: '', stderr: message });
    }
  });

  test('the help tells of trust, routes and exit codes', async () => {
    const { code, stdout } = await runCommand(site.directory, ['connect', '--help']);
    assert.equal(code, 0);
    for (const word of ['Trust:', 'Routes:', 'Examples:', 'Exit code: 0']) assert.ok(stdout.includes(word), word);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 120, line);
  });

  test('a server that is not there is told as such', async () => {
    const server = await startTcp(() => {});
    await server[Symbol.asyncDispose]();
    await refused(
      runCommand(site.directory, ['connect', '--check', ...LOGIN, `https://127.0.0.1:${server.port}`]),
      /server 127\.0\.0\.1 port \d+: connect ECONNREFUSED/,
    );
  });

  test('Ctrl-C while the server keeps silent ends it', async () => {
    const reached = new EventEmitter();
    await using server = await startTcp(() => void reached.emit('reached'));
    const command = startCommand(['connect', '--check', ...LOGIN, `https://127.0.0.1:${server.port}`]);
    await once(reached, 'reached');
    command.kill('SIGINT');
    assert.deepEqual(await command.ended, { code: 1, stdout: '', stderr: 'sstp-gateway: interrupted\n' });
  });
});

const HEAD = ['HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n'];
const LCP = [
  '< sstp connect-request',
  '> sstp connect-ack 03',
  '> lcp confreq 1 auth=c023',
  '< lcp confreq 1 mru=1400 magic=*',
  '< lcp confack 1 auth=c023',
  '> lcp confack 1 mru=1400 magic=$MAGIC',
  '< pap request 1 *',
  '> pap ack 1 #00',
];
const ipcp = (own: string): string[] => [
  `> ipcp confreq 1${own}`,
  '< connected sha256',
  '< ipcp confreq 1 address=0.0.0.0 dns1=0.0.0.0 dns2=0.0.0.0',
  `< ipcp confack 1${own}`,
  '> ipcp confrej 1 dns1=0.0.0.0 dns2=0.0.0.0',
  '< ipcp confreq 2 address=0.0.0.0',
  '> ipcp confnak 2 address=10.0.0.7',
  '< ipcp confreq 3 address=10.0.0.7',
  '> ipcp confack 3 address=10.0.0.7',
];
const LEAVE = ['< lcp termreq 2', '> lcp termack 2', '< sstp disconnect 0/0', '> sstp disconnect-ack', '< hang up'];

describe('connect --check with other servers', () => {
  test('one that does not name its address is up without a ping', async () => {
    const { code, stdout } = await checkScripted([...LCP, ...ipcp(''), ...LEAVE]);
    assert.equal(code, 0);
    assert.match(stdout, /^address 10\.0\.0\.7, a server that does not name its own, MTU 1500$/m);
    assert.match(stdout, /^nothing to ping: give an address with --ping$/m);
  });

  test('--ping names what to ping', async () => {
    const transcript = [...LCP, ...ipcp(''), '< ping 10.0.0.7 192.168.1.1', '> pong', ...LEAVE];
    const { code, stdout } = await checkScripted(transcript, '--ping', '192.168.1.1');
    assert.equal(code, 0);
    assert.match(stdout, /^ping 192\.168\.1\.1: 1 of 1 answered/m);
  });

  test('one that answers no ping is up and of no use', async () => {
    const transcript = [...LCP, ...ipcp(' address=10.0.0.1'), '< ping 10.0.0.7 10.0.0.1', ...LEAVE];
    const { code, stdout, stderr } = await checkScripted(transcript, '--json');
    assert.equal(code, 1);
    assert.equal((JSON.parse(stdout) as { ok: boolean }).ok, false);
    assert.equal(stderr, 'sstp-gateway: the tunnel came up, but no ping was answered\n');
  });

  test('one that hangs up meanwhile is told as such', async () => {
    const transcript = [...LCP, ...ipcp(' address=10.0.0.1'), '< ping 10.0.0.7 10.0.0.1', '# hang up'];
    const { code, stderr } = await checkScripted(transcript);
    assert.equal(code, 1);
    assert.equal(stderr, 'sstp-gateway: the tunnel is gone: the server closed the connection\n');
  });

  test('one with other authentication methods makes clear what was allowed', async () => {
    const { code, stderr } = await checkScripted([
      '< sstp connect-request',
      '> sstp connect-ack 03',
      '< lcp confreq 1 mru=1400 magic=*',
      '> lcp confack 1 mru=1400 magic=$MAGIC',
      ...[0, 1, 2, 3, 4].flatMap(id => [`> lcp confreq ${id} auth=c227`, `< lcp confnak ${id} auth=c023`]),
      '> lcp confreq 5 auth=c227',
      '< lcp termreq 2',
      '# hang up',
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /wants an authentication method that is not allowed here \(--auth allows pap\)\n$/);
  });
});

async function refused(outcome: Promise<Outcome>, message: RegExp): Promise<void> {
  const { code, stdout, stderr } = await outcome;
  assert.match(stderr, /^sstp-gateway: [^\n]+\n$/, 'one line');
  assert.match(stderr, message);
  assert.deepEqual([code, stdout], [1, '']);
}

async function checkScripted(transcript: readonly string[], ...args: string[]): Promise<Outcome> {
  const server = await ScriptedServer.start({ head: HEAD }, transcript);
  const url = `https://127.0.0.1:${server.port}`;
  const options = ['--insecure', '--auth', 'pap', '--count', '1', ...args];
  return server.during(startCommand(['connect', '--check', ...LOGIN, ...options, url]).ended);
}
