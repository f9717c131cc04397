import assert from 'node:assert/strict';
import { before, describe, test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { ConfigError } from '../../src/config/config-error.ts';
import { loadAdminAccess, loadConfig } from '../../src/config/load.ts';
import { makePair, type Pair, type Workspace, workspace } from './workspace.ts';

const TLS = 'tls: { certificates: [{ cert: cert.pem, key: key.pem }] }';

let pair: Pair;
before(async () => {
  pair = await makePair({ names: ['vpn.example.org', '*.vpn.example.org'] });
});

function prepared(context: TestContext): Workspace {
  const space = workspace(context);
  space.write('cert.pem', pair.cert);
  space.write('key.pem', pair.key);
  return space;
}

/** Messages for a text, without the folder's name. */
function problems(space: Workspace, text: string): string[] {
  const file = space.write('gateway.yaml', text);
  try {
    loadConfig(file);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message.replaceAll(`${space.directory}/`, '').split('\n');
  }
  return [];
}

function withCertificates(...files: string[]): string {
  return `tls:\n  certificates:\n${files.map(file => `    - { cert: ${file}.pem, key: ${file}.key }\n`).join('')}`;
}

describe('a configuration file', () => {
  test('that names its certificate only gets every documented default', context => {
    const space = prepared(context);
    const { config, warnings } = loadConfig(space.write('gateway.yaml', TLS));
    const { tls, workers, ...rest } = config;
    assert.ok(workers >= 1);
    assert.deepEqual(tls.certificates[0]?.serverNames, ['vpn.example.org', '*.vpn.example.org']);
    assert.equal(tls.minVersion, 'TLSv1.2');
    assert.deepEqual(rest, {
      file: space.path('gateway.yaml'),
      listen: [{ host: '0.0.0.0', port: 443, trustedProxies: undefined }],
      stateDir: space.path('.sstp-gateway'),
      watchdog: 15_000,
      drainDelay: 0,
      drainTimeout: 10_000,
      sstp: {
        negotiationTimeout: 60_000,
        helloInterval: 60_000,
        hashes: ['sha256', 'sha1'],
        packetsPerRecord: 'auto',
        decoy: 404,
      },
      ppp: { mtu: 1400, auth: ['mschapv2', 'eap'], lcpEcho: { interval: 30_000, failures: 4 } },
      network: {
        mode: 'auto',
        device: 'sstp',
        ipv4: {
          pool: [{ first: 0x0a42_0002, last: 0x0a42_fffe }],
          pools: [],
          next: undefined,
          gateway: 0x0a42_0001,
          dns: [],
          nbns: [],
        },
        ipv6: undefined,
        dhcp: { domain: undefined, search: [], routes: [] },
        mssClamp: true,
        antiSpoofing: true,
      },
      aaa: { method: 'users', users: space.path('users.yaml'), radius: undefined, accounting: false },
      session: { timeout: undefined, idleTimeout: undefined },
      hooks: { up: undefined, down: undefined, timeLimit: 10_000, concurrency: 16 },
      limits: {
        maxSessions: Infinity,
        maxHalfOpen: 1000,
        perAddress: undefined,
        perUser: { sessions: Infinity, policy: 'deny' },
      },
      admin: { listen: { host: '127.0.0.1', port: 8080 }, tokenFile: undefined, token: undefined },
      log: { level: 'info', format: 'json' },
    });
    assert.deepEqual(warnings, []);
  });

  test('may set every key of this version', context => {
    const space = prepared(context);
    space.write('token', 'abcdefgh12345678\n');
    const file = space.write(
      'gateway.yaml',
      `
listen:
  - { address: '[::]:443', proxyProtocol: off }
  - address: 192.0.2.1:8443
tls:
  certificates: [{ cert: cert.pem, key: key.pem, serverNames: [VPN.example.org.] }]
  minVersion: TLSv1.3
  ciphers: ECDHE-RSA-AES256-GCM-SHA384
workers: 3
watchdog: 40s
stateDir: state
drainDelay: 20s
drainTimeout: 1500ms
sstp: { negotiationTimeout: 30s, helloInterval: 2m, hashes: [sha256], packetsPerRecord: one, decoy: close }
ppp: { mtu: 1452, auth: [eap, mschapv2, chap, pap], lcpEcho: { interval: 1m, failures: 2 } }
network:
  mode: echo
  device: vpn
  ipv4: { pool: [10.1.0.0/30, 10.0.0.5-10.0.0.9], gateway: 10.0.0.7, dns: [9.9.9.9, 1.1.1.1], nbns: [10.0.0.2] }
  ipv6: { pool: [] }
  mssClamp: false
  antiSpoofing: false
aaa: { method: users, users: /etc/users.yaml }
session: { timeout: 8h, idleTimeout: 15m }
hooks: { up: [/usr/local/bin/up, now], down: /usr/local/bin/down, timeLimit: 3s, concurrency: 4 }
limits:
  maxSessions: 10
  maxHalfOpen: 5
  perAddress: { rate: 3, burst: 9, halfOpen: 2 }
  perUser: { sessions: 2, policy: replace }
admin: { listen: 0.0.0.0:9000, tokenFile: token }
log: { level: debug, format: pretty }
`,
    );
    const { config } = loadConfig(file);
    assert.deepEqual(config.listen, [
      { host: '::', port: 443, trustedProxies: undefined },
      { host: '192.0.2.1', port: 8443, trustedProxies: undefined },
    ]);
    assert.deepEqual(config.tls.certificates[0]?.serverNames, ['vpn.example.org']);
    assert.deepEqual([config.watchdog, config.drainDelay, config.drainTimeout], [40_000, 20_000, 1500]);
    assert.equal(config.sstp.helloInterval, 120_000);
    assert.deepEqual(config.network.ipv4.pool, [
      { first: 0x0a00_0005, last: 0x0a00_0006 },
      { first: 0x0a00_0008, last: 0x0a00_0009 },
      { first: 0x0a01_0001, last: 0x0a01_0002 },
    ]);
    assert.equal(config.admin.token, 'abcdefgh12345678');
    assert.deepEqual(config.session, { timeout: 28_800_000, idleTimeout: 900_000 });
    assert.deepEqual(config.hooks, {
      up: ['/usr/local/bin/up', 'now'],
      down: ['/usr/local/bin/down'],
      timeLimit: 3000,
      concurrency: 4,
    });
    assert.deepEqual(config.limits, {
      maxSessions: 10,
      maxHalfOpen: 5,
      perAddress: { rate: 3, burst: 9, halfOpen: 2 },
      perUser: { sessions: 2, policy: 'replace' },
    });
  });

  for (const word of ['off', "'off'", 'false']) {
    test(`whose watchdog is ${word} has none`, context => {
      const file = prepared(context).write('gateway.yaml', `${TLS}\nwatchdog: ${word}`);
      assert.equal(loadConfig(file).config.watchdog, Infinity);
    });
  }

  test('that limits addresses and users in short gets the rest of each limit', context => {
    const space = prepared(context);
    const file = space.write(
      'gateway.yaml',
      `${TLS}\nlimits: { maxHalfOpen: 70, perAddress: { rate: 5 }, perUser: 3 }`,
    );
    const { perAddress, perUser } = loadConfig(file).config.limits;
    assert.deepEqual(perAddress, { rate: 5, burst: 10, halfOpen: 70 });
    assert.deepEqual(perUser, { sessions: 3, policy: 'deny' });
  });

  const refused: readonly [what: string, text: string, ...messages: string[]][] = [
    [
      'an unknown key',
      `${TLS}\nlisten:\n  - address: 0.0.0.0:443\n    colour: red`,
      'gateway.yaml:4: listen[0].colour: unknown key; accepted: address, proxyProtocol, trustedProxies',
    ],
    [
      'an unknown section',
      `${TLS}\nport: 443`,
      'gateway.yaml:2: port: unknown key; accepted: listen, tls, workers, watchdog, stateDir, drainDelay, drainTimeout, sstp, ppp, network, aaa, session, hooks, limits, admin, cluster, log',
    ],
    ['no certificate at all', 'workers: 1', 'gateway.yaml:1: tls: is required'],
    ['an empty file', '', 'gateway.yaml:1: tls: is required'],
    [
      'a certificate entry without its key',
      'tls:\n  certificates:\n    - cert: cert.pem',
      'gateway.yaml:3: tls.certificates[0].key: is required; accepted: path of a PEM file',
    ],
    ['a list where a section belongs', `${TLS}\nlog: []`, 'gateway.yaml:2: log: must be a section with keys'],
    [
      'a section where a list belongs',
      `${TLS}\nlisten: { address: '0.0.0.0:1' }`,
      'gateway.yaml:2: listen: must be a list',
    ],
    ['an empty list', `${TLS}\nlisten: []`, 'gateway.yaml:2: listen: must not be empty'],
    [
      'a key without a value',
      `${TLS}\nworkers:`,
      'gateway.yaml:2: workers: has no value; accepted: auto, or a whole number from 1 to 256',
    ],
    [
      'a watchdog that bites too soon',
      `${TLS}\nwatchdog: 1s`,
      'gateway.yaml:2: watchdog: "1s" cannot be used; accepted: off, or a time from 3s to 10m',
    ],
    [
      'a duration without its unit',
      `${TLS}\nsstp:\n  helloInterval: 60`,
      'gateway.yaml:3: sstp.helloInterval: 60 has no unit; accepted: a number with its unit (ms, s, m or h), from 1s to 1h',
    ],
    [
      'a duration out of bounds',
      `${TLS}\nsstp: { helloInterval: 2h }`,
      'gateway.yaml:2: sstp.helloInterval: "2h" cannot be used; accepted: a number with its unit (ms, s, m or h), from 1s to 1h',
    ],
    [
      'a word that is not offered',
      `${TLS}\nlog: { level: loud }`,
      'gateway.yaml:2: log.level: "loud" cannot be used; accepted: trace, debug, info, warn, error, fatal',
    ],
    [
      'a number in quotes',
      `${TLS}\nppp: { mtu: '1400' }`,
      'gateway.yaml:2: ppp.mtu: "1400" cannot be used; accepted: a whole number from 576 to 1500',
    ],
    [
      'yes for true',
      `${TLS}\nnetwork: { mssClamp: yes }`,
      'gateway.yaml:2: network.mssClamp: "yes" cannot be used; accepted: true, false',
    ],
    [
      'a host name to listen on',
      `${TLS}\nlisten: [{ address: 'vpn:443' }]`,
      'gateway.yaml:2: listen[0].address: "vpn" is not a literal address; accepted: ADDRESS:PORT or [IPV6]:PORT, as 0.0.0.0:443 or [::]:443',
    ],
    [
      'a port that does not exist',
      `${TLS}\nlisten: [{ address: '0.0.0.0:65536' }]`,
      'gateway.yaml:2: listen[0].address: port 65536 does not exist; accepted: ADDRESS:PORT or [IPV6]:PORT, as 0.0.0.0:443 or [::]:443',
    ],
    [
      'the same address twice',
      `${TLS}\nlisten:\n  - address: 0.0.0.0:443\n  - address: 0.0.0.0:443`,
      'gateway.yaml:4: listen[1].address: 0.0.0.0:443 is in the list twice',
    ],
    [
      'the address of the admin plane',
      `${TLS}\nlisten: [{ address: '0.0.0.0:8080' }]`,
      'gateway.yaml:2: listen[0].address: 0.0.0.0:8080 is also the address of admin.listen',
    ],
    ['a method twice', `${TLS}\nppp: { auth: [pap, pap] }`, 'gateway.yaml:2: ppp.auth[1]: pap is in the list twice'],
    [
      'a third name server',
      `${TLS}\nnetwork: { ipv4: { dns: [1.1.1.1, 1.1.1.2, 1.1.1.3] } }`,
      'gateway.yaml:2: network.ipv4.dns[2]: clients take no more than 2 addresses; accepted: at most 2 addresses',
    ],
    [
      'a pool network with host bits',
      `${TLS}\nnetwork: { ipv4: { pool: [10.66.0.1/16] } }`,
      'gateway.yaml:2: network.ipv4.pool[0]: 10.66.0.1/16 has host bits set: the network is 10.66.0.0/16; accepted: a network as 10.66.0.0/16, or a range as 10.66.0.10-10.66.0.99',
    ],
    [
      'a backward range',
      `${TLS}\nnetwork: { ipv4: { pool: [10.0.0.9-10.0.0.1] } }`,
      'gateway.yaml:2: network.ipv4.pool[0]: 10.0.0.9-10.0.0.1 ends before it begins; accepted: a network as 10.66.0.0/16, or a range as 10.66.0.10-10.66.0.99',
    ],
    [
      'pool entries that overlap',
      `${TLS}\nnetwork:\n  ipv4:\n    pool:\n      - 10.0.0.0/24\n      - 10.0.0.9-10.0.1.1`,
      'gateway.yaml:6: network.ipv4.pool[1]: 10.0.0.9-10.0.1.1 overlaps 10.0.0.0/24',
    ],
    [
      'a gateway on the broadcast address',
      `${TLS}\nnetwork: { ipv4: { pool: [10.0.0.0/24], gateway: 10.0.0.255 } }`,
      'gateway.yaml:2: network.ipv4.gateway: 10.0.0.255 is the network or broadcast address of 10.0.0.0/24',
    ],
    [
      'a pool of the gateway alone',
      `${TLS}\nnetwork: { ipv4: { pool: [10.0.0.1/32] } }`,
      'gateway.yaml:2: network.ipv4.pool: holds no address for a client beside the gateway',
    ],
    [
      'a cipher list that OpenSSL does not know',
      `tls:\n  certificates: [{ cert: cert.pem, key: key.pem }]\n  ciphers: ROT13`,
      'gateway.yaml:3: tls.ciphers: OpenSSL knows no cipher of "ROT13"; accepted: an OpenSSL cipher list',
    ],
    [
      'the PROXY protocol from everyone',
      `${TLS}\nlisten:\n  - address: 0.0.0.0:1\n    proxyProtocol: v1v2`,
      'gateway.yaml:4: listen[0].proxyProtocol: v1v2 needs trustedProxies: anyone else could claim any address',
    ],
    [
      'proxies without their protocol',
      `${TLS}\nlisten:\n  - address: 0.0.0.0:1\n    trustedProxies: [10.0.0.0/8]`,
      'gateway.yaml:4: listen[0].trustedProxies: means nothing without proxyProtocol: v1v2',
    ],
    [
      'a proxy by name',
      `${TLS}\nlisten:\n  - address: 0.0.0.0:1\n    proxyProtocol: v1v2\n    trustedProxies: [lb.example.org]`,
      'gateway.yaml:5: listen[0].trustedProxies[0]: "lb.example.org" cannot be used; accepted: an address, or a network as 10.0.0.0/8',
    ],
    [
      'RADIUS without a server',
      `${TLS}\naaa: { method: radius }`,
      'gateway.yaml:2: aaa.method: radius needs the section aaa.radius',
    ],
    [
      'an unknown key of a limit',
      `${TLS}\nlimits:\n  perUser: { sessions: 1, burst: 2 }`,
      'gateway.yaml:3: limits.perUser.burst: unknown key; accepted: sessions, policy',
    ],
    [
      'a limit of no session',
      `${TLS}\nlimits: { perUser: 0 }`,
      'gateway.yaml:2: limits.perUser.sessions: 0 cannot be used; accepted: a whole number from 1 to 1000000',
    ],
    [
      'a limit of addresses without its rate',
      `${TLS}\nlimits: { perAddress: { burst: 5 } }`,
      'gateway.yaml:2: limits.perAddress.rate: is required; accepted: a whole number from 1 to 1000000',
    ],
    [
      'a session timeout without its unit',
      `${TLS}\nsession: { timeout: 60 }`,
      'gateway.yaml:2: session.timeout: 60 has no unit; accepted: a number with its unit (ms, s, m or h), from 1s to 8760h',
    ],
    [
      'a hook of no words',
      `${TLS}\nhooks: { up: [] }`,
      'gateway.yaml:2: hooks.up: a list cannot be used; accepted: a program, or a list of a program and its arguments',
    ],
    [
      'an IPv6 prefix with host bits',
      `${TLS}\nnetwork: { ipv6: { pool: ['2001:db8::1/48'] } }`,
      'gateway.yaml:2: network.ipv6.pool[0]: 2001:db8::1/48 has host bits set: the network is 2001:db8::/48; accepted: an IPv6 prefix as 2001:db8:1::/48',
    ],
    [
      'pools that lead around in a circle',
      `${TLS}\nnetwork:\n  ipv4:\n    pools:\n      a: { ranges: [10.1.0.0/24], next: b }\n      b: { ranges: [10.2.0.0/24], next: a }`,
      'gateway.yaml:5: network.ipv4.pools.a.next: leads back to "a" itself',
      'gateway.yaml:6: network.ipv4.pools.b.next: leads back to "b" itself',
    ],
    [
      'an admin plane for everyone without a token',
      `${TLS}\nadmin: { listen: '0.0.0.0:8080' }`,
      'gateway.yaml:2: admin.listen: 0.0.0.0:8080 can be reached from other machines and there is no admin.tokenFile; accepted: a loopback address, or a tokenFile beside it',
    ],
    [
      'a token file that is not there',
      `${TLS}\nadmin: { tokenFile: nowhere }`,
      'gateway.yaml:2: admin.tokenFile: nowhere cannot be read: no such file',
    ],
    [
      'two certificates of one name',
      `tls:\n  certificates:\n    - { cert: cert.pem, key: key.pem, serverNames: [a.org] }\n    - { cert: cert.pem, key: key.pem, serverNames: [b.org, A.org] }`,
      'gateway.yaml:4: tls.certificates[1].serverNames[1]: a.org already belongs to tls.certificates[0]',
    ],
    [
      'a certificate that is not there',
      'tls: { certificates: [{ cert: gone.pem, key: key.pem }] }',
      'gateway.yaml:1: tls.certificates[0].cert: gone.pem cannot be read: no such file',
    ],
    ['the same key twice', `${TLS}\nworkers: 1\nworkers: 2`, 'gateway.yaml:3: not valid YAML: Map keys must be unique'],
    [
      'an alias to nothing',
      `${TLS}\nworkers: *n`,
      'gateway.yaml:1: not valid YAML: Unresolved alias (the anchor must be set before the alias): n',
    ],
  ];
  for (const [what, text, ...messages] of refused) {
    test(`with ${what} is refused`, context => assert.deepEqual(problems(prepared(context), text), messages));
  }

  const notBuilt: readonly [text: string, message: string][] = [
    ['cluster: { node: a }', 'cluster: a cluster is not available in this version; accepted: leave the key out'],
  ];
  for (const [text, message] of notBuilt) {
    test(`is told that ${message.slice(0, message.indexOf(':'))} is not available yet`, context => {
      assert.deepEqual(problems(prepared(context), `${TLS}\n${text}`), [`gateway.yaml:2: ${message}`]);
    });
  }

  test('with several problems is told all of them, in the order of the lines', context => {
    const text = 'workers: 0\ntls:\n  minVersion: SSLv3\n  certificates: []\nlog:\n  format: xml\n  frmat: json';
    const lines = problems(prepared(context), text).map(message => message.split(': ').slice(0, 2).join(' '));
    assert.deepEqual(lines, [
      'gateway.yaml:1 workers',
      'gateway.yaml:3 tls.minVersion',
      'gateway.yaml:4 tls.certificates',
      'gateway.yaml:6 log.format',
      'gateway.yaml:7 log.frmat',
    ]);
  });

  test('that cannot be read is named with the reason', context => {
    const space = workspace(context);
    assert.throws(() => loadConfig(space.path('gone.yaml')), {
      name: 'ConfigError',
      message: `${space.path('gone.yaml')}: cannot be read: no such file`,
    });
    assert.throws(() => loadConfig(space.directory), { message: `${space.directory}: cannot be read: is a directory` });
  });

  test('a second certificate of the same kind of key for the same names is refused, one of another kind is not', async context => {
    const space = prepared(context);
    const names = ['vpn.example.org', '*.vpn.example.org'];
    for (const keyType of ['rsa', 'ec'] as const) {
      for (const place of ['first', 'second']) {
        const { cert, key } = await makePair({ names, keyType });
        space.write(`${place}-${keyType}.pem`, cert);
        space.write(`${place}-${keyType}.key`, key);
      }
    }
    assert.deepEqual(problems(space, withCertificates('first-rsa', 'first-ec')), []);
    for (const keyType of ['rsa', 'ec']) {
      assert.deepEqual(problems(space, withCertificates(`first-${keyType}`, `second-${keyType}`)), [
        'gateway.yaml:4: tls.certificates[1].cert: has the names and the kind of key of tls.certificates[0]; accepted: one certificate of each kind of key for the same names',
      ]);
    }
  });

  test('names that come from a certificate give way to names that are written', context => {
    const space = prepared(context);
    const file = space.write(
      'gateway.yaml',
      'tls:\n  certificates:\n    - { cert: cert.pem, key: key.pem }\n    - { cert: cert.pem, key: key.pem, serverNames: [vpn.example.org] }',
    );
    const names = loadConfig(file).config.tls.certificates.map(certificate => certificate.serverNames);
    assert.deepEqual(names, [['*.vpn.example.org'], ['vpn.example.org']]);
  });

  test('a token that everyone can read is a warning, a short one an error', context => {
    const space = prepared(context);
    space.write('token', 'abcdefgh12345678', 0o644);
    const file = space.write('gateway.yaml', `${TLS}\nadmin: { tokenFile: token }`);
    assert.deepEqual(loadConfig(file).warnings, [
      `${file}:2: admin.tokenFile: the token can be read by every user of this machine`,
    ]);
    space.write('token', 'abc');
    assert.throws(() => loadConfig(file), /holds no usable token; accepted: at least 16 visible ASCII characters$/);
  });

  test('gives its admin section without a look at the keys', context => {
    const space = workspace(context);
    const file = space.write('gateway.yaml', `${TLS}\nadmin: { listen: '127.0.0.1:9999' }`);
    assert.deepEqual(loadAdminAccess(file).listen, { host: '127.0.0.1', port: 9999 });
  });

  test('of any content is loaded or refused with a ConfigError, never another exception', context => {
    const space = prepared(context);
    const keys = fc.constantFrom(
      'listen',
      'tls',
      'network',
      'ipv4',
      'pool',
      'certificates',
      'cert',
      '<<',
      '__proto__',
      'constructor',
      '',
    );
    const { tree } = fc.letrec(tie => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<unknown>(null, true, 0, -1, 1e308, '', '0.0.0.0:443', '10.0.0.0/8', '10s'),
        fc.string(),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(keys, tie('tree'), { maxKeys: 4 }),
      ),
    }));
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      tree.map(value => JSON.stringify(value)),
      fc.string().map(tail => `${TLS}\n${tail}`),
    );
    fc.assert(
      fc.property(text, content => {
        problems(space, content);
      }),
      { numRuns: 300 },
    );
  });
});
