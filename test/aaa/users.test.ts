import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import { UsersFile } from '../../src/aaa/users.ts';
import { ntPasswordHash, ntResponse } from '../../src/crypto/ms-chap-v2.ts';
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
      assert.equal(decision.user.name, 'User');
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
    assert.ok(inDomain.kind === 'accepted' && inDomain.user.ipv4 === 0x0a00_0007);
    assert.equal(file.decide({ kind: 'pap', user: String.raw`CORP\bob`, password: 'one' }).kind, 'rejected');
    assert.equal(file.decide({ kind: 'pap', user: String.raw`OTHER\bob`, password: 'one' }).kind, 'accepted');
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
  test('tells the static addresses and the limits of its users', context => {
    const file = users(
      context,
      '[{ name: a, password: x, ipv4: 10.0.0.7, maxSessions: 2, rate: 2M/10M }, { name: b, password: y }]',
    );
    assert.deepEqual(file.staticAddresses(), [0x0a00_0007]);
    assert.equal(file.size, 2);
    const decision = file.decide(pap('a', 'x'));
    assert.ok(decision.kind === 'accepted' && decision.user.maxSessions === 2);
    assert.deepEqual(decision.user.rate, { up: 2e6, down: 10e6, upBurst: undefined, downBurst: undefined });
    const other = file.decide(pap('b', 'y'));
    assert.ok(
      other.kind === 'accepted' &&
        other.user.maxSessions === Infinity &&
        other.user.ipv4 === undefined &&
        other.user.rate === undefined,
    );
    assert.throws(() => file.requireFree('users.yaml', 0x0a00_0007), {
      name: 'ConfigError',
      message: 'users.yaml: user "a" has the gateway\'s own address 10.0.0.7',
    });
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
      'users.yaml:1: [0].ipv4: 224.0.0.1 is not an address that a host can have',
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
      'a key that is not built yet',
      '- { name: a, password: x, ipv6: 2001:db8::1 }',
      'users.yaml:1: [0].ipv6: IPv6 is not available in this version; accepted: leave the key out',
    ],
    [
      'a rate in words',
      '- { name: a, password: x, rate: 5 Mbit/s }',
      'users.yaml:1: [0].rate: "5 Mbit/s" cannot be used; accepted: upload and download of the client in bit/s, such as 2M/10M',
    ],
    [
      'an unknown key',
      '- { name: a, password: x, admin: true }',
      'users.yaml:1: [0].admin: unknown key; accepted: name, password, ntHash, ipv4, maxSessions, disabled, rate, ipv6',
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
