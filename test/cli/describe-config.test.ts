import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsersFile } from '../../src/aaa/users.ts';
import { describeConfig } from '../../src/cli/describe-config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { makePair, workspace } from '../config/workspace.ts';

const SECRETS = [
  'first-secret-of-radius',
  'second-secret-of-radius',
  'third-secret-of-radius',
  'abcdefgh12345678',
  'hook-secret',
];

test('a configuration is told in words, without its secrets', async context => {
  const space = workspace(context);
  const { cert, key } = await makePair({ names: ['vpn.example.org'], to: new Date('2099-06-01T00:00:00Z') });
  space.write('cert.pem', cert);
  space.write('key.pem', key);
  space.write('token', 'abcdefgh12345678');
  space.write('radius.secret', 'second-secret-of-radius\n');
  const { config } = loadConfig(space.write('gateway.yaml', FILE));
  const text = describeConfig(config, new UsersFile([])).join('\n');
  for (const secret of SECRETS) assert.ok(!text.includes(secret), secret);
  assert.equal(
    text.replaceAll(`${space.directory}/`, ''),
    `gateway.yaml: ok
  listen         [::]:443, behind proxies 10.0.0.0/8, 192.0.2.1
  listen         127.0.0.1:8443
  certificate    vpn.example.org (default), valid until 2099-06-01
  workers        2
  methods        mschapv2, eap
  gateway        10.66.0.1, fd00::1
  pool           10.66.0.2-10.66.0.254 (253 addresses), then pool guests
  pool guests    10.67.0.1-10.67.0.9, 10.67.0.20-10.67.0.254 (244 addresses)
  IPv6           2001:db8::/48, a /64 for each session
  IPv6 staff     2001:db8:1::/48, a /64 for each session, then pool default
  delegation     2001:db8:100::/40, a /56 for each session
  DNS            10.0.0.53, 2001:db8::53
  DHCP           domain corp.example.org, search example.org, routes 10.0.0.0/8, 192.168.0.0/16
  RADIUS         authentication, accounting every 5m, as vpn1
  RADIUS server  192.0.2.10, ports 1812 and 1813
  RADIUS server  2001:db8::10, ports 11812 and 11813, priority 2
  CoA            0.0.0.0:3799, from 192.0.2.10
  limits         500 sessions, 1000 half-open connections of each worker, of an address 5/s (burst 10, half-open 20), of a user 1 (the oldest gives way), 8h of session, 15m of silence
  hooks          up /usr/local/bin/up
  admin          http://127.0.0.1:8080 (token)`,
  );
});

const FILE = `
listen:
  - { address: "[::]:443", proxyProtocol: v1v2, trustedProxies: [10.0.0.0/8, 192.0.2.1] }
  - address: 127.0.0.1:8443
tls: { certificates: [{ cert: cert.pem, key: key.pem }] }
workers: 2
network:
  ipv4:
    pool: [10.66.0.0/24]
    next: guests
    pools: { guests: { ranges: [10.67.0.0/24] } }
    exclude: [10.67.0.10-10.67.0.19]
    dns: [10.0.0.53]
  ipv6:
    pool: ["2001:db8::/48"]
    pools: { staff: { prefixes: ["2001:db8:1::/48"], next: default } }
    gateway: fd00::1
    dns: ["2001:db8::53"]
    delegation: { pool: ["2001:db8:100::/40"] }
  dhcp: { domain: corp.example.org, search: [example.org], routes: [10.0.0.0/8, 192.168.0.0/16] }
aaa:
  method: radius
  radius:
    servers:
      - { address: "2001:db8::10", secret: first-secret-of-radius, authPort: 11812, acctPort: 11813, priority: 2 }
      - { address: 192.0.2.10, secretFile: radius.secret }
    nasIdentifier: vpn1
    interim: 5m
    dynamicAuthorization: { clients: [{ address: 192.0.2.10, secret: third-secret-of-radius }] }
session: { timeout: 8h, idleTimeout: 15m }
hooks: { up: [/usr/local/bin/up, --password, hook-secret] }
limits: { maxSessions: 500, perAddress: { rate: 5, halfOpen: 20 }, perUser: { sessions: 1, policy: replace } }
admin: { tokenFile: token }
`;
