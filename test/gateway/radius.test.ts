// A gateway that leaves decisions to a real FreeRADIUS: what the server says is what the session gets, from the first packet to the last.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import type { ClientRuntime } from '../../src/client/client-runtime.ts';
import type { AuthMethod } from '../../src/protocol/ppp/credentials.ts';
import { formatIpv4 } from '../../src/wire/ip.ts';
import { freePort, freeradiusUnavailable } from '../radius-server/freeradius-process.ts';
import { Freeradius } from '../radius-server/freeradius.ts';
import { radclient, radclientUnavailable } from '../radius-server/radclient.ts';
import { TestClient } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { createSite } from './site.ts';
import type { Site } from './site.ts';

const DAE_SECRET = 'a secret of the test alone';

const USERS = `
plain Cleartext-Password := "pw"
\tClass = "gold"

fixed Cleartext-Password := "pw"
\tFramed-IP-Address = 10.66.7.7,
\tFramed-Route = "192.168.7.0/24 0.0.0.0 1",
\tFramed-IPv6-Prefix = 2001:db8:7::/64,
\tMS-Primary-DNS-Server = 9.9.9.9,
\tFilter-Id = "office"

pooled Cleartext-Password := "pw"
\tFramed-Pool = "guests"

brief Cleartext-Password := "pw"
\tSession-Timeout = 1

silent Cleartext-Password := "pw"
\tIdle-Timeout = 1

once Cleartext-Password := "pw"
\tPort-Limit = 1,
\tFramed-IP-Address = 10.66.9.9

nowhere Cleartext-Password := "pw"
\tFramed-Pool = "no-such-pool"
`;

describe('a gateway with RADIUS', { skip: freeradiusUnavailable() || radclientUnavailable() }, () => {
  let radius: Freeradius;
  let site: Site;
  let gateway: GatewayProcess;
  let runtime: ClientRuntime;
  let daePort: number;
  let hookLog: string;
  const open: TestClient[] = [];

  before(async () => {
    radius = await Freeradius.start({ users: USERS });
    daePort = await freePort();
    const { host, authPort, acctPort, secret } = radius.options();
    site = await createSite({
      network: {
        mode: 'echo',
        ipv4: { pool: ['10.66.0.0/16'], gateway: '10.66.0.1', pools: { guests: { ranges: ['10.99.0.5-10.99.0.6'] } } },
        ipv6: { pool: ['2001:db8:1::/48'] },
      },
      aaa: {
        method: 'radius',
        radius: {
          servers: [{ address: host, authPort, acctPort, secret: Buffer.from(secret).toString() }],
          nasIdentifier: 'gw-test',
          timeout: '200ms',
          retries: 2,
          authTimeout: '3s',
          dynamicAuthorization: {
            listen: `127.0.0.1:${daePort}`,
            clients: [{ address: '127.0.0.1', secret: DAE_SECRET }],
          },
        },
      },
      limits: { perUser: { sessions: 100, policy: 'replace' } },
      hooks: { up: ['./hook.sh', 'up'], down: ['./hook.sh', 'down'] },
    });
    hookLog = join(site.directory, 'hooks.log');
    const hook = `#!/bin/sh\necho "$1 $PEERNAME $IPREMOTE $SSTP_FILTER_ID $SSTP_END_CAUSE" >> ${hookLog}\n`;
    writeFileSync(join(site.directory, 'hook.sh'), hook, { mode: 0o755 });
    gateway = await GatewayProcess.start(site);
    runtime = await createClientRuntime();
  });

  afterEach(async () => {
    for (const { client } of open.splice(0)) client.abort();
    await gateway.until(({ sessions, pool }) => total(sessions) === 0 && pool.leased === 0);
  });

  after(async () => {
    assert.equal(await gateway.stop(), 0);
    await radius.close();
    site.remove();
  });

  async function connect(
    user: string,
    auth: AuthMethod = 'mschapv2',
    password = 'pw',
    ipv6 = false,
  ): Promise<TestClient> {
    const https = { host: 'localhost', port: gateway.port, ca: site.ca };
    const tester = await TestClient.connect(runtime, { https, user, password, auth: [auth], ipv6 });
    open.push(tester);
    await gateway.until(({ sessions }) => sessions['up'] === total(sessions));
    return tester;
  }

  /** The Accounting-Requests of the last session of this user, by their kind; waits for the Stop. */
  async function accounted(user: string): Promise<Map<string, string>> {
    for (let tries = 0; tries < 500; tries++) {
      const records = radius.accounting().filter(record => record.includes(`User-Name = "${user}"`));
      const session = valueOf(records.at(-1) ?? '', 'Acct-Session-Id');
      const kinds = records
        .filter(record => valueOf(record, 'Acct-Session-Id') === session)
        .map(record => [valueOf(record, 'Acct-Status-Type') ?? '', record] as const);
      if (kinds.some(([kind]) => kind === 'Stop')) return new Map(kinds);
      await sleep(20);
    }
    throw new Error(`no Stop of ${user}: ${radius.accounting().join('\n')}`);
  }

  for (const method of ['pap', 'chap', 'mschapv2', 'eap'] satisfies AuthMethod[]) {
    test(`${method}: the server's yes opens a tunnel, its no is passed on`, async () => {
      const tester = await connect('plain', method);
      await tester.ping();
      const [row] = await gateway.sessions();
      assert.deepEqual([row!.user, row!.auth], ['plain', method]);
      await tester.client.end();
      await assert.rejects(connect('plain', method, 'wrong'), { reason: 'auth-failed' });
      const refusal = gateway.log.findLast(line => line.msg === 'authentication refused');
      assert.equal(refusal?.['reason'], 'radius-rejected');
      assert.ok(!JSON.stringify(gateway.log).includes(DAE_SECRET));
    });
  }

  test('address, routes, prefix and name servers are those that the server names, and accounting names them again', async () => {
    const tester = await connect('fixed');
    assert.equal(formatIpv4(tester.client.network.address), '10.66.7.7');
    assert.deepEqual(tester.client.network.dns.map(formatIpv4), ['9.9.9.9']);
    const [row] = await gateway.sessions();
    assert.deepEqual([row!.ipv4, row!.ipv6], ['10.66.7.7', '2001:db8:7::/64']);
    await tester.ping();
    await tester.client.end();
    const records = await accounted('fixed');
    for (const kind of ['Start', 'Stop']) {
      const record = records.get(kind) ?? '';
      assert.equal(valueOf(record, 'Framed-IP-Address'), '10.66.7.7');
      assert.equal(valueOf(record, 'Framed-IPv6-Prefix'), '2001:db8:7::/64');
      assert.equal(valueOf(record, 'NAS-Identifier'), 'gw-test');
    }
    const stop = records.get('Stop') ?? '';
    assert.deepEqual(
      ['Acct-Input-Octets', 'Acct-Output-Octets', 'Acct-Terminate-Cause'].map(name => valueOf(stop, name)),
      ['84', '84', 'User-Request'],
    );
  });

  test('accounting names the interface identifier that the client has, and none of a client without IPv6', async () => {
    const tester = await connect('plain', 'mschapv2', 'pw', true);
    // IPv4 alone may be open by then.
    await tester.client.configured(10_000);
    const identifier = tester.client.ipv6!.linkLocal & 0xffff_ffff_ffff_ffffn;
    const groups = [48n, 32n, 16n, 0n].map(shift => ((identifier >> shift) & 0xffffn).toString(16));
    await tester.client.end();
    assert.equal(valueOf((await accounted('plain')).get('Stop') ?? '', 'Framed-Interface-Id'), groups.join(':'));
    const plain = await connect('plain');
    await plain.client.end();
    for (const [kind, record] of await accounted('plain'))
      assert.equal(valueOf(record, 'Framed-Interface-Id'), undefined, kind);
  });

  test('an address comes from the pool that the server names; a pool that is not there is a refusal', async () => {
    const tester = await connect('pooled');
    assert.match(formatIpv4(tester.client.network.address), /^10\.99\.0\.[56]$/);
    await assert.rejects(connect('nowhere'), { reason: 'auth-failed' });
    assert.equal(gateway.log.findLast(line => line.msg === 'authentication refused')?.['reason'], 'unknown-pool');
  });

  for (const [user, cause] of [
    ['brief', 'Session-Timeout'],
    ['silent', 'Idle-Timeout'],
  ] as const) {
    test(`${cause} ends the session in good order, and accounting says so`, async () => {
      const tester = await connect(user);
      await gateway.until(({ sessions }) => total(sessions) === 0);
      assert.ok(tester.ended === 'peer-terminate' || tester.ended === 'peer-disconnect', String(tester.ended));
      assert.equal(valueOf((await accounted(user)).get('Stop') ?? '', 'Acct-Terminate-Cause'), cause);
    });
  }

  test('a newer session of the user takes the place of the older one, and its address', async () => {
    const first = await connect('once');
    const second = await connect('once');
    assert.equal(formatIpv4(second.client.network.address), '10.66.9.9');
    await second.ping();
    assert.notEqual(first.ended, undefined);
    assert.equal((await gateway.status()).sessions['up'], 1);
  });

  test('a Disconnect-Request ends the session, and accounting says Admin-Reset', async () => {
    await connect('plain');
    const [row] = await gateway.sessions();
    const answer = await radclient('disconnect', daePort, DAE_SECRET, [`Acct-Session-Id = "${row!.id}"`, SEALED]);
    assert.match(answer[0] ?? '', /Disconnect-ACK/);
    await gateway.until(({ sessions }) => total(sessions) === 0);
    assert.equal(valueOf((await accounted('plain')).get('Stop') ?? '', 'Acct-Terminate-Cause'), 'Admin-Reset');
  });

  test('a CoA-Request changes the session while it is up; an address it cannot change', async () => {
    const tester = await connect('plain');
    const refused = await radclient('coa', daePort, DAE_SECRET, [
      'User-Name = "plain"',
      'Framed-Pool = "guests"',
      SEALED,
    ]);
    assert.match(refused[0] ?? '', /CoA-NAK/);
    const [row] = await gateway.sessions();
    const rerouted = await radclient('coa', daePort, DAE_SECRET, [
      'User-Name = "plain"',
      'Framed-Route = "192.168.77.0/24 0.0.0.0 1"',
      SEALED,
    ]);
    assert.match(rerouted[0] ?? '', /CoA-ACK/);
    const detail = (await (await fetch(`${gateway.admin}/api/v1/sessions/${row!.id}`)).json()) as { routes: string[] };
    assert.deepEqual([detail.routes[0], detail.routes.at(-1)], [`${row!.ipv4!}/32`, '192.168.77.0/24']);
    const answer = await radclient('coa', daePort, DAE_SECRET, ['User-Name = "plain"', 'Session-Timeout = 2', SEALED]);
    assert.match(answer[0] ?? '', /CoA-ACK/);
    await tester.ping();
    await gateway.until(({ sessions }) => total(sessions) === 0);
    const stop = (await accounted('plain')).get('Stop') ?? '';
    assert.equal(valueOf(stop, 'Acct-Terminate-Cause'), 'Session-Timeout');
    assert.equal(valueOf(stop, 'Framed-Route'), '192.168.77.0/24 0.0.0.0 1');
  });

  test('hooks are run when a session goes up and when it goes down, with what they need to know', async () => {
    const tester = await connect('fixed');
    await tester.client.end();
    await accounted('fixed');
    const wanted = ['up fixed 10.66.7.7 office ', 'down fixed 10.66.7.7 office User-Request'];
    for (let tries = 0; tries < 500 && !hookLines(hookLog).includes(wanted[1]!); tries++) await sleep(20);
    for (const line of wanted) assert.ok(hookLines(hookLog).includes(line), hookLines(hookLog).join('\n'));
  });

  test('a server that does not answer is a refusal with its reason, and one that is back decides again', async () => {
    await radius.kill();
    await assert.rejects(connect('plain'), { reason: 'auth-failed' });
    assert.equal(gateway.log.findLast(line => line.msg === 'authentication refused')?.['reason'], 'radius-timeout');
    await radius.restart();
    const tester = await connect('plain');
    await tester.ping();
  });
});

/** What radclient seals the request with. */
const SEALED = 'Message-Authenticator = 0x00';

function valueOf(record: string, attribute: string): string | undefined {
  return new RegExp(`^\\t${attribute} = "?([^"\\n]*)"?$`, 'm').exec(record)?.[1];
}

function hookLines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
}

function total(sessions: Readonly<Record<string, number>>): number {
  return Object.values(sessions).reduce((sum, count) => sum + count, 0);
}
