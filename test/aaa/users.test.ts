import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import { UsersFile } from '../../src/aaa/users.ts';
import { ntPasswordHash, ntResponse } from '../../src/crypto/ms-chap-v2.ts';
import type { SessionAttributes } from '../../src/aaa/session-attributes.ts';
import { checkSource } from '../../src/config/check.ts';
import { Findings } from '../../src/config/findings.ts';
import { checkNetwork } from '../../src/config/load-network.ts';
import { networkSchema } from '../../src/config/network-schema.ts';
import type { Config } from '../../src/config/schema.ts';
import { YamlSource } from '../../src/config/yaml-source.ts';
import { type Ipv6Prefix, parseIpv6, parseIpv6Prefix } from '../../src/wire/ipv6.ts';
import type { Credentials } from '../../src/protocol/ppp/credentials.ts';
import { workspace } from '../config/workspace.ts';

const PASSWORD = 'clientPass';

function users(context: TestContext, text: string): UsersFile {
  return UsersFile.load(workspace(context).write('users.yaml', text));
}

describe('the users file decides', () => {
  // RFC 2759 9.2
  const rfc2759: Credentials = {
    kind: 'mschapv2',
    user: 'User',
    id: 1,
    authenticatorChallenge: hex('5B5D7C7D7B3F2F3E3C2C602132262628'),
    peerChallenge: hex('21402324255E262A28295F2B3A337C7E'),
    ntResponse: hex('82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF'),
  };
  // RFC 3079 3.5.3: MasterSendKey and MasterReceiveKey of the same exchange, as the client sees them.
  const hlak = '8B7CDC149B993A1BA118CB153F56DCCB';

  test('the exchange of RFC 2759, from the password and from its NT hash alike', context => {
    const stores = ['password: clientPass', 'ntHash: 44EBBA8D5312B8D611474411F56989AE'];
    for (const store of stores) {
      const decision = users(context, `- { name: User, ${store} }`).decide(rfc2759);
      assert.equal(decision.kind, 'accepted');
      assert.equal(decision.message, 'S=407A5589115FD0D6209F510FE9C04566932CDA56 M=Welcome');
      assert.equal(decision.hlak.length, 32);
      assert.equal(decision.user, 'User');
      assert.equal(Buffer.from(decision.hlak).toString('hex').toUpperCase().slice(32), hlak);
    }
  });

  test('MS-CHAPv2 with a domain in front, whether or not the client hashed it', context => {
    const file = users(context, '- { name: User, password: clientPass }');
    for (const hashedName of ['User', String.raw`CORP\User`]) {
      const exchange = { ...rfc2759, user: hashedName };
      const decision = file.decide({
        ...rfc2759,
        user: String.raw`CORP\User`,
        ntResponse: ntResponse(ntPasswordHash(PASSWORD), exchange),
      });
      assert.equal(decision.kind, 'accepted', hashedName);
      assert.match(decision.message, /^S=[0-9A-F]{40} M=/);
    }
  });

  test('for the full name before the bare one, when the file has both', context => {
    const file = users(
      context,
      String.raw`[{ name: bob, password: one }, { name: 'CORP\bob', password: two, ipv4: 10.0.0.7 }]`,
    );
    const inDomain = file.decide({ kind: 'pap', user: String.raw`CORP\bob`, password: 'two' });
    assert.ok(inDomain.kind === 'accepted' && inDomain.user === String.raw`CORP\bob`);
    assert.equal(file.decide({ kind: 'pap', user: String.raw`CORP\bob`, password: 'one' }).kind, 'rejected');
    assert.equal(file.decide({ kind: 'pap', user: String.raw`OTHER\bob`, password: 'one' }).kind, 'accepted');
  });

  test('for a name with a realm, when the file has none of that name', context => {
    const file = users(context, '[{ name: bob, password: one }, { name: bob@example.org, password: two }]');
    for (const [user, password, name] of [
      ['bob@example.org', 'two', 'bob@example.org'],
      ['bob@example.net', 'one', 'bob'],
      [String.raw`CORP\bob@example.net`, 'one', 'bob'],
    ] as const) {
      const decision = file.decide(pap(user, password));
      assert.ok(decision.kind === 'accepted' && decision.user === name, user);
    }
    assert.equal(file.decide(pap('bob@example.org', 'one')).kind, 'rejected');
    assert.equal(file.decide(pap('@example.org', 'one')).kind, 'rejected');
  });

  test('PAP and CHAP with a zero key', context => {
    const file = users(context, '- { name: alice, password: "zoë 1" }');
    for (const credentials of [pap('alice', 'zoë 1'), chap('alice', 'zoë 1')]) {
      const decision = file.decide(credentials);
      assert.ok(decision.kind === 'accepted', credentials.kind);
      assert.deepEqual(decision.hlak, new Uint8Array(32));
      assert.equal(decision.message, 'Welcome');
    }
  });

  test('PAP by the hash alone, CHAP not at all', context => {
    const file = users(
      context,
      `- { name: alice, ntHash: "${Buffer.from(ntPasswordHash('secret')).toString('hex')}" }`,
    );
    assert.equal(file.decide(pap('alice', 'secret')).kind, 'accepted');
    assert.deepEqual(file.decide(chap('alice', 'secret')), { kind: 'rejected', reason: 'method-not-possible' });
    assert.deepEqual(file.decide(chap('alice', '')), { kind: 'rejected', reason: 'method-not-possible' });
  });

  const wrong = { ...rfc2759, ntResponse: new Uint8Array(24) };
  const rejected: readonly [what: string, file: string, credentials: Credentials, reason: string][] = [
    ['a wrong PAP password', '- { name: User, password: x }', pap('User', 'y'), 'wrong-password'],
    ['an empty PAP password', '- { name: User, password: x }', pap('User', ''), 'wrong-password'],
    ['a wrong CHAP response', '- { name: User, password: x }', chap('User', 'y'), 'wrong-password'],
    [
      'a CHAP response of the wrong length',
      '- { name: User, password: x }',
      { ...chap('User', 'x'), response: new Uint8Array(3) } as Credentials,
      'wrong-password',
    ],
    ['a wrong MS-CHAPv2 response', '- { name: User, password: clientPass }', wrong, 'wrong-password'],
    ['a name in another case', '- { name: user, password: clientPass }', rfc2759, 'unknown-user'],
    ['nobody', '- { name: User, password: x }', pap('', 'x'), 'unknown-user'],
    ['a name that objects have by nature', '- { name: User, password: x }', pap('__proto__', 'x'), 'unknown-user'],
    ['anyone, from an empty file', '', rfc2759, 'unknown-user'],
    [
      'a disabled user with the right password',
      '- { name: User, password: clientPass, disabled: true }',
      rfc2759,
      'disabled',
    ],
    [
      'a disabled user with a wrong password',
      '- { name: User, password: x, disabled: true }',
      pap('User', 'y'),
      'disabled',
    ],
  ];
  for (const [what, file, credentials, reason] of rejected) {
    test(`against ${what}`, context =>
      assert.deepEqual(users(context, file).decide(credentials), { kind: 'rejected', reason }));
  }
});

describe('a users file', () => {
  test('says what the sessions of a user are like', context => {
    const file = users(
      context,
      `
- name: a
  password: x
  ipv4: 10.0.0.7
  ipv6: 2001:db8:0:7::/64
  delegatedIpv6: 2001:db8:7::/48
  interfaceId: 0:0:0:7
  routes: [192.168.7.0/24, 2001:db8:70::/48]
  dns: [10.0.0.53, "2001:db8::53"]
  mtu: 1300
  sessionTimeout: 8h
  idleTimeout: 15m
  maxSessions: 2
  rate: 2M/10M
- { name: b, password: y, ipv4: staff, ipv6: staff, delegatedIpv6: branches, rate: { down: 5M } }
- { name: c, password: z }
`,
    );
    assert.deepEqual(attributes(file, 'a', 'x'), {
      ipv4: { kind: 'fixed', address: 0x0a00_0007 },
      ipv6Prefix: { kind: 'fixed', prefix: prefix('2001:db8:0:7::/64') },
      delegatedPrefix: { kind: 'fixed', prefix: prefix('2001:db8:7::/48') },
      interfaceId: 7n,
      routes: [
        { family: 4, address: 0xc0a8_0700, length: 24, metric: undefined },
        { family: 6, prefix: prefix('2001:db8:70::/48'), metric: undefined },
      ],
      dns: [0x0a00_0035],
      dns6: [parseIpv6('2001:db8::53')],
      mtu: 1300,
      sessionTimeoutMs: 28_800_000,
      idleTimeoutMs: 900_000,
      maxSessions: 2,
      rate: { up: 2e6, down: 10e6, upBurst: undefined, downBurst: undefined },
    });
    const b = attributes(file, 'b', 'y');
    assert.deepEqual(b.ipv4, { kind: 'pool', name: 'staff' });
    assert.deepEqual(b.ipv6Prefix, { kind: 'pool', name: 'staff' });
    assert.deepEqual(b.delegatedPrefix, { kind: 'pool', name: 'branches' });
    assert.deepEqual(b.rate, { up: undefined, down: 5e6, upBurst: undefined, downBurst: undefined });
    assert.ok(Object.values(attributes(file, 'c', 'z')).every(value => value === undefined));
    assert.deepEqual(file.reservations(), {
      ipv4: [0x0a00_0007],
      prefixes: [prefix('2001:db8:0:7::/64'), prefix('2001:db8:7::/48')],
    });
  });

  test('reads whole numbers and words for a rate', context => {
    const rates: readonly [text: string, up: number | undefined, down: number | undefined][] = [
      ['64000', 64_000, 64_000],
      ['10M/50M', 10e6, 50e6],
      ['0/1G', undefined, 1e9],
      ['{ up: 512k }', 512_000, undefined],
      ['{ up: 64000, down: 1M }', 64_000, 1e6],
    ];
    for (const [text, up, down] of rates) {
      const { rate } = attributes(users(context, `- { name: a, password: x, rate: ${text} }`), 'a', 'x');
      assert.deepEqual([rate?.up, rate?.down], [up, down], text);
    }
  });

  test('that asks for what the network does not have is refused with the line of the user', context => {
    const space = workspace(context);
    const file = space.write(
      'users.yaml',
      [
        '- { name: a, password: x, ipv4: 10.66.0.1 }',
        '- { name: b, password: x, ipv4: staff }',
        '- { name: c, password: x, ipv4: guests, ipv6: 2001:db8::/64 }',
        '- { name: d, password: x, delegatedIpv6: branches }',
      ].join('\n'),
    );
    const network = networkOf('{ ipv4: { pools: { staff: { ranges: [10.1.0.0/24] } } } }');
    assert.throws(() => UsersFile.load(file).requireFits('users.yaml', network), {
      name: 'ConfigError',
      message: [
        'users.yaml:1: user "a" has the gateway\'s own address 10.66.0.1',
        'users.yaml:3: user "c" is to have an address of pool "guests", which is not in network.ipv4.pools',
        'users.yaml:3: user "c" is to have an IPv6 prefix, but there is no section network.ipv6',
        'users.yaml:4: user "d" is to have an address of pool "branches", which is not in network.ipv6.delegation.pools',
        'users.yaml:4: user "d" is to have an IPv6 prefix, but there is no section network.ipv6',
      ].join('\n'),
    });
    const wider = networkOf(
      '{ ipv4: { gateway: 10.66.0.9, pools: { staff: { ranges: [10.1.0.0/24] }, guests: { ranges: [10.2.0.0/24] } } },' +
        ' ipv6: { delegation: { pools: { branches: { prefixes: ["2001:db8:100::/40"] } } } } }',
    );
    UsersFile.load(file).requireFits('users.yaml', wider);
  });

  test('without users, and one that everyone can read, are warnings', context => {
    const space = workspace(context);
    const file = space.write('users.yaml', '# nobody yet\n', 0o644);
    assert.deepEqual(UsersFile.load(file).warnings, [
      `${file}: there are no users: nobody can connect`,
      `${file}: the passwords can be read by every user of this machine`,
    ]);
  });

  const SECRET = 'hunter2hunter2hunter2hunter2hunter2';
  const refused: readonly [what: string, text: string, ...messages: string[]][] = [
    ['a mapping for a list', 'alice: x', 'users.yaml:1: must be a list'],
    [
      'a user without a name',
      '- { password: x }',
      'users.yaml:1: [0].name: is required; accepted: a name (quote it when it looks like a number, a date or yes/no)',
    ],
    [
      'a user without a password',
      '\n- name: alice',
      'users.yaml:2: [0]: user "alice" has no password; accepted: password or ntHash',
    ],
    [
      'both forms of a password',
      '- name: alice\n  password: x\n  ntHash: 44EBBA8D5312B8D611474411F56989AE',
      'users.yaml:3: [0].ntHash: user "alice" has both password and ntHash',
    ],
    [
      'a number for a password',
      '- { name: alice, password: 12345 }',
      'users.yaml:1: [0].password: must be a text, not a number; accepted: a password (quote it when it looks like a number, a date or yes/no)',
    ],
    [
      'a broken hash',
      `- { name: alice, ntHash: ${SECRET} }`,
      'users.yaml:1: [0].ntHash: is not an NT hash; accepted: 32 hexadecimal digits, quoted (sstp-gateway user passwd NAME writes them)',
    ],
    [
      'the same name twice',
      '- { name: alice, password: x }\n- { name: alice, password: y }',
      'users.yaml:2: [1].name: there is a user "alice" on line 1 already',
    ],
    [
      'the same address twice',
      '- { name: a, password: x, ipv4: 10.0.0.1 }\n- { name: b, password: y, ipv4: 10.0.0.1 }',
      'users.yaml:2: [1].ipv4: 10.0.0.1 belongs to the user on line 1 already',
    ],
    [
      'an address of no host',
      '- { name: a, password: x, ipv4: 224.0.0.1 }',
      'users.yaml:1: [0].ipv4: 224.0.0.1 is not an address that a host can have; accepted: an IPv4 address, or the name of a pool',
    ],
    [
      'a control character in a name',
      '- { name: "a\\nb", password: x }',
      'users.yaml:1: [0].name: a name has no control characters',
    ],
    [
      'a password that no client can send',
      `- { name: a, password: "${'x'.repeat(257)}" }`,
      'users.yaml:1: [0].password: a password has at most 256 characters',
    ],
    [
      'an address for a prefix',
      '- { name: a, password: x, ipv6: 2001:db8::1 }',
      'users.yaml:1: [0].ipv6: "2001:db8::1" cannot be used; accepted: an IPv6 prefix as 2001:db8:1:2::/64, or the name of a pool',
    ],
    [
      'a prefix with host bits',
      '- { name: a, password: x, ipv6: "2001:db8::1/64" }',
      'users.yaml:1: [0].ipv6: 2001:db8::1/64 has host bits set: the network is 2001:db8::/64; accepted: an IPv6 prefix as 2001:db8:1:2::/64, or the name of a pool',
    ],
    [
      'a prefix of which no client makes an address',
      '- { name: a, password: x, ipv6: "2001:db8::/56" }',
      'users.yaml:1: [0].ipv6: 2001:db8::/56 is not a /64, and clients make an address of nothing else; accepted: an IPv6 prefix as 2001:db8:1:2::/64, or the name of a pool',
    ],
    [
      'a delegated prefix without room for a network',
      '- { name: a, password: x, delegatedIpv6: "2001:db8::/65" }',
      'users.yaml:1: [0].delegatedIpv6: 2001:db8::/65 is smaller than a /64; accepted: an IPv6 prefix as 2001:db8:1:200::/56, or the name of a pool',
    ],
    [
      'prefixes of which one is in another',
      '- { name: a, password: x, ipv6: "2001:db8:0:7::/64" }\n- { name: b, password: y }\n- { name: c, password: x, delegatedIpv6: "2001:db8::/56" }\n- { name: d, password: x, ipv6: "2001:db8:0:9::/64" }',
      'users.yaml:3: [2].delegatedIpv6: 2001:db8::/56 belongs to the user on line 1 already',
      'users.yaml:4: [3].ipv6: 2001:db8:0:9::/64 belongs to the user on line 3 already',
    ],
    [
      'the same route twice',
      '- { name: a, password: x, routes: [10.7.0.0/24] }\n- { name: b, password: x, routes: [10.8.0.0/24, 10.7.0.0/24] }',
      'users.yaml:2: [1].routes[1]: 10.7.0.0/24 belongs to the user on line 1 already',
    ],
    [
      'a route with host bits',
      '- { name: a, password: x, routes: [10.7.0.1/24] }',
      'users.yaml:1: [0].routes[0]: 10.7.0.1/24 has host bits set: the network is 10.7.0.0/24; accepted: a network behind the client as 192.168.7.0/24 or 2001:db8:7::/48',
    ],
    [
      'a default route',
      '- { name: a, password: x, routes: [0.0.0.0/0] }',
      'users.yaml:1: [0].routes[0]: 0.0.0.0/0 would take every packet that the gateway sends; accepted: a network behind the client as 192.168.7.0/24 or 2001:db8:7::/48',
    ],
    [
      'an interface identifier of zeros',
      '- { name: a, password: x, interfaceId: 0:0:0:0 }',
      'users.yaml:1: [0].interfaceId: "0:0:0:0" cannot be used; accepted: four groups of hexadecimal digits as 0:0:0:5, not all zero',
    ],
    [
      'a name for a name server',
      '- { name: a, password: x, dns: [dns.example.org] }',
      'users.yaml:1: [0].dns[0]: "dns.example.org" cannot be used; accepted: an IPv4 or IPv6 address',
    ],
    [
      'a time without its unit',
      '- { name: a, password: x, sessionTimeout: 3600 }',
      'users.yaml:1: [0].sessionTimeout: 3600 has no unit; accepted: a number with its unit (ms, s, m or h), from 1s to 8760h',
    ],
    [
      'a rate in words',
      '- { name: a, password: x, rate: 5 Mbit/s }',
      'users.yaml:1: [0].rate: "5 Mbit/s" cannot be used; accepted: upload and download of the client in bit/s, such as 2M/10M, or { up: 2M, down: 10M }',
    ],
    [
      'a rate of a third direction',
      '- { name: a, password: x, rate: { up: 5M, left: 3M } }',
      'users.yaml:1: [0].rate: a section cannot be used; accepted: upload and download of the client in bit/s, such as 2M/10M, or { up: 2M, down: 10M }',
    ],
    [
      'an unknown key',
      '- { name: a, password: x, admin: true }',
      'users.yaml:1: [0].admin: unknown key; accepted: name, password, ntHash, disabled, maxSessions, rate, ipv4, ipv6, delegatedIpv6, interfaceId, routes, dns, mtu, sessionTimeout, idleTimeout',
    ],
  ];
  for (const [what, text, ...messages] of refused) {
    test(`with ${what} is refused`, context => {
      const space = workspace(context);
      const file = space.write('users.yaml', text);
      assert.throws(
        () => UsersFile.load(file),
        (error: unknown) => {
          assert.ok(error instanceof Error);
          assert.deepEqual(error.message.replaceAll(`${space.directory}/`, '').split('\n'), messages);
          assert.ok(!error.message.includes(SECRET));
          return true;
        },
      );
    });
  }
});

function attributes(file: UsersFile, user: string, password: string): SessionAttributes {
  const decision = file.decide(pap(user, password));
  assert.ok(decision.kind === 'accepted');
  return decision.attributes;
}

/** Of a configuration with this `network` section. */
function networkOf(section: string): Config['network'] {
  const source = new YamlSource('gateway.yaml', section);
  return checkNetwork(checkSource(source, networkSchema, {}), new Findings(source));
}

function pap(user: string, password: string): Credentials {
  return { kind: 'pap', user, password };
}

function chap(user: string, password: string): Credentials {
  const challenge = hex('000102030405060708090A0B0C0D0E0F');
  const response = createHash('md5').update(Uint8Array.of(7)).update(password).update(challenge).digest();
  return { kind: 'chap', user, id: 7, challenge, response };
}

function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

function prefix(text: string): Ipv6Prefix {
  return parseIpv6Prefix(text)!;
}
