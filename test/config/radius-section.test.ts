import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { describe, test, type TestContext } from 'node:test';
import { z } from 'zod';
import { checkSource } from '../../src/config/check.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { Findings } from '../../src/config/findings.ts';
import { checkRadius } from '../../src/config/load-radius.ts';
import { radiusSchema } from '../../src/config/radius-schema.ts';
import { YamlSource } from '../../src/config/yaml-source.ts';
import { parseIpv6 } from '../../src/wire/ipv6.ts';
import { type Workspace, workspace } from './workspace.ts';

const SECRET = 'correct-horse-battery';

describe('the aaa.radius section', () => {
  test('that names one server gets every documented default', context => {
    const { options, warnings } = load(workspace(context), `servers: [{ address: 192.0.2.10, secret: ${SECRET} }]`);
    assert.deepEqual(options, {
      servers: [
        {
          host: '192.0.2.10',
          authPort: 1812,
          acctPort: 1813,
          secret: new TextEncoder().encode(SECRET),
          priority: 0,
          requestLimit: 256,
          deadTimeMs: 30_000,
          requireMessageAuthenticator: true,
        },
      ],
      nasIdentifier: hostname(),
      nasIpAddress: undefined,
      nasIpv6Address: undefined,
      timeoutMs: 2000,
      retries: 2,
      authBudgetMs: 30_000,
      interimMs: 600_000,
      interimJitter: 0.1,
      defaultRealm: undefined,
      stripRealm: false,
      filterIdRateMultiplier: 1,
      calledStationId: 'server-name',
      dynamicAuthorization: undefined,
    });
    assert.deepEqual(warnings, []);
  });

  test('may set every key', context => {
    const space = workspace(context);
    space.write('radius.secret', `${SECRET}\n`);
    const { options } = load(
      space,
      `servers:
  - { address: '[2001:db8::10]', secretFile: radius.secret, authPort: 11812, acctPort: 11813, priority: 2,
      requestLimit: 10, deadTime: 1m, requireMessageAuthenticator: false }
  - { address: radius.example.org, secretFile: radius.secret }
nasIdentifier: vpn1
nasIpAddress: 192.0.2.1
nasIpv6Address: '2001:db8::1'
timeout: 1s
retries: 1
authTimeout: 90s
accounting: false
interim: 0
interimJitter: 0
defaultRealm: example.org
stripRealm: true
filterIdRateMultiplier: 8
calledStationId: address
dynamicAuthorization:
  listen: 127.0.0.1:13799
  clients: [{ address: '2001:db8::10', secret: "${SECRET}" }]
  requireMessageAuthenticator: false`,
    );
    const { servers, dynamicAuthorization, ...rest } = options;
    const secret = new TextEncoder().encode(SECRET);
    assert.deepEqual(servers[0], {
      host: '2001:db8::10',
      authPort: 11_812,
      acctPort: 11_813,
      secret,
      priority: 2,
      requestLimit: 10,
      deadTimeMs: 60_000,
      requireMessageAuthenticator: false,
    });
    assert.equal(servers[1]?.host, 'radius.example.org');
    assert.deepEqual(dynamicAuthorization, {
      listen: { host: '127.0.0.1', port: 13_799 },
      clients: [{ address: '2001:db8::10', secret }],
      requireMessageAuthenticator: false,
    });
    assert.deepEqual(rest, {
      nasIdentifier: 'vpn1',
      nasIpAddress: 0xc000_0201,
      nasIpv6Address: parseIpv6('2001:db8::1'),
      timeoutMs: 1000,
      retries: 1,
      authBudgetMs: 90_000,
      interimMs: undefined,
      interimJitter: 0,
      defaultRealm: 'example.org',
      stripRealm: true,
      filterIdRateMultiplier: 8,
      calledStationId: 'address',
    });
  });

  test('warns of a secret that can be guessed or read, and does not quote it', context => {
    const space = workspace(context);
    space.write('radius.secret', SECRET, 0o644);
    const { warnings } = load(
      space,
      'servers: [{ address: 192.0.2.1, secret: hunter2 }, { address: 192.0.2.2, secretFile: radius.secret }]',
    );
    assert.deepEqual(warnings, [
      'gateway.yaml:3: aaa.radius.servers[0]: its secret has fewer than 16 characters: whoever sees one packet can guess it',
      'gateway.yaml:3: aaa.radius.servers[1].secretFile: the secret can be read by every user of this machine',
    ]);
  });

  const server = `servers: [{ address: 192.0.2.1, secret: ${SECRET} }]`;
  const refused: readonly [what: string, text: string, ...messages: string[]][] = [
    ['no server', 'servers: []', 'gateway.yaml:3: aaa.radius.servers: must not be empty'],
    ['no servers key', 'timeout: 2s', 'gateway.yaml:2: aaa.radius.servers: is required'],
    [
      'a server without a secret',
      'servers: [{ address: 192.0.2.1 }]',
      'gateway.yaml:3: aaa.radius.servers[0]: has no secret; accepted: secret or secretFile',
    ],
    [
      'a server with two secrets',
      `servers: [{ address: 192.0.2.1, secret: ${SECRET}, secretFile: x }]`,
      'gateway.yaml:3: aaa.radius.servers[0]: has both secret and secretFile; accepted: secret or secretFile',
    ],
    [
      'a secret that YAML takes for a number',
      'servers: [{ address: 192.0.2.1, secret: 12345678901234567 }]',
      'gateway.yaml:3: aaa.radius.servers[0].secret: must be a text, not a number; accepted: the shared secret (quote it when it looks like a number, a date or yes/no)',
    ],
    [
      'a secret file that is not there',
      'servers: [{ address: 192.0.2.1, secretFile: gone }]',
      'gateway.yaml:3: aaa.radius.servers[0].secretFile: gone cannot be read: no such file',
    ],
    [
      'an empty secret file',
      'servers: [{ address: 192.0.2.1, secretFile: empty }]',
      'gateway.yaml:3: aaa.radius.servers[0].secretFile: empty is empty',
    ],
    [
      'a server address with a port',
      `servers: [{ address: 'radius.example.org:1812', secret: ${SECRET} }]`,
      'gateway.yaml:3: aaa.radius.servers[0].address: radius.example.org:1812 has a port: ports are authPort and acctPort; accepted: an address or a DNS name, without port',
    ],
    [
      'a port that does not exist',
      `servers: [{ address: 192.0.2.1, secret: ${SECRET}, authPort: 65536 }]`,
      'gateway.yaml:3: aaa.radius.servers[0].authPort: 65536 cannot be used; accepted: a whole number from 1 to 65535',
    ],
    [
      'an interval that servers would suffer from',
      `${server}\ninterim: 10s`,
      'gateway.yaml:4: aaa.radius.interim: "10s" cannot be used; accepted: 0, or a time from 60s to 24h',
    ],
    [
      'a jitter that is no part',
      `${server}\ninterimJitter: 1`,
      'gateway.yaml:4: aaa.radius.interimJitter: 1 cannot be used; accepted: a part of the interval from 0 to 0.5',
    ],
    [
      'a multiplier of nothing',
      `${server}\nfilterIdRateMultiplier: 0`,
      'gateway.yaml:4: aaa.radius.filterIdRateMultiplier: 0 cannot be used; accepted: a number above 0',
    ],
    [
      'a station of another kind',
      `${server}\ncalledStationId: mac`,
      'gateway.yaml:4: aaa.radius.calledStationId: "mac" cannot be used; accepted: server-name, address',
    ],
    [
      'dynamic authorization for nobody',
      `${server}\ndynamicAuthorization: { clients: [] }`,
      'gateway.yaml:4: aaa.radius.dynamicAuthorization.clients: must not be empty',
    ],
    [
      'a dynamic authorization client by name',
      `${server}\ndynamicAuthorization: { clients: [{ address: radius.example.org, secret: ${SECRET} }] }`,
      'gateway.yaml:4: aaa.radius.dynamicAuthorization.clients[0].address: "radius.example.org" cannot be used; accepted: an IPv4 or IPv6 address',
    ],
    [
      'an unknown key',
      `${server}\ndynamicAuthorization: { clients: [], port: 3799 }`,
      'gateway.yaml:4: aaa.radius.dynamicAuthorization.clients: must not be empty',
      'gateway.yaml:4: aaa.radius.dynamicAuthorization.port: unknown key; accepted: listen, clients, requireMessageAuthenticator',
    ],
  ];
  for (const [what, text, ...messages] of refused) {
    test(`with ${what} is refused, and no secret is told`, context => {
      const space = prepared(context);
      assert.throws(
        () => load(space, text),
        (error: unknown) => {
          assert.ok(error instanceof ConfigError);
          assert.deepEqual(error.message.replaceAll(`${space.directory}/`, '').split('\n'), messages);
          assert.ok(!error.message.includes(SECRET));
          return true;
        },
      );
    });
  }
});

function prepared(context: TestContext): Workspace {
  const space = workspace(context);
  space.write('empty', '\n');
  return space;
}

/** `text` is what stands in the section, from the file's third line on. */
function load(space: Workspace, text: string) {
  const source = new YamlSource('gateway.yaml', `aaa:\n  radius:\n    ${text.replaceAll('\n', '\n    ')}`);
  const findings = new Findings(source);
  const schema = z.strictObject({ aaa: z.strictObject({ radius: radiusSchema }) });
  const options = checkRadius(checkSource(source, schema, {}).aaa.radius, space.directory, findings);
  findings.throwIfAny();
  return { options, warnings: findings.warnings };
}
