// A gateway behind a real HAProxy: who the clients are, what checks are, and what does not pass.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import type { CountBy } from '../../src/admin/gateway-view.ts';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import { freeradiusUnavailable } from '../radius-server/freeradius-process.ts';
import { Freeradius } from '../radius-server/freeradius.ts';
import { TestClient } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import type { LogLine } from './gateway-process.ts';
import { Haproxy, haproxyUnavailable } from './haproxy.ts';
import { RawClient } from './raw-client.ts';
import { createSite } from './site.ts';
import type { Site } from './site.ts';

/** Where the proxy's own connections come from, so that they differ from those of the clients. */
const PROXY = '127.0.0.9';
const STRANGER = '127.0.0.10';
/** The admin plane speaks HTTP/1.1 alone. */
const READINESS = `
  option httpchk
  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host gateway`;
/** A level of the log. */
const DEBUG = 20;

describe('a gateway behind HAProxy', { skip: haproxyUnavailable() }, () => {
  let site: Site;
  let gateway: GatewayProcess;
  let haproxy: Haproxy | undefined;
  const open: RawClient[] = [];

  before(async () => {
    site = await createSite(
      {
        listen: [{ address: '127.0.0.1:0', proxyProtocol: 'v1v2', trustedProxies: [PROXY] }],
        // One, so that all connections of an address meet the same limit.
        workers: 1,
        limits: { perAddress: { rate: 1, burst: 2 } },
        log: { level: 'debug', format: 'json' },
      },
      'ec',
    );
    gateway = await GatewayProcess.start(site);
  });

  afterEach(async () => {
    for (const { socket } of open.splice(0)) socket.destroy();
    await haproxy?.stop();
    haproxy = undefined;
    await gateway.until(({ sessions }) => total(sessions) === 0);
  });

  after(async () => {
    assert.equal(await gateway.stop(), 0);
    site.remove();
  });

  /** The gateway is the backend's server, with these options. */
  async function balance(server: string, backend = '', source = PROXY): Promise<Haproxy> {
    haproxy = await startHaproxy(`source ${source}\n${backend}\nserver gw1 127.0.0.1:${gateway.port} ${server}`);
    return haproxy;
  }

  async function connect(from: string): Promise<RawClient> {
    const client = await RawClient.open(haproxy!.port, from);
    open.push(client);
    return client;
  }

  const refusals = async (): Promise<CountBy> => (await gateway.status()).counters.refusals;

  for (const [version, option] of [
    ['1', 'send-proxy'],
    ['2', 'send-proxy-v2'],
  ] as const) {
    test(`PROXY version ${version}: sessions and the log have the clients' own addresses`, async () => {
      await balance(option);
      for (const from of [`127.0.${version}.5`, '::1']) {
        const { socket } = await connect(from);
        const remote = `${from.includes(':') ? `[${from}]` : from}:${socket.localPort}`;
        const rows = await gateway.sessions();
        assert.ok(rows.map(({ remoteAddress }) => remoteAddress).includes(remote), JSON.stringify(rows));
        assert.ok(gateway.log.some(line => JSON.stringify(line).includes(`"${from}"`)));
      }
    });

    test(`PROXY version ${version}: limits for each address are for each client`, async () => {
      await balance(option);
      const before = (await refusals())['address-rate'] ?? 0;
      const [greedy, other] = [`127.0.${version}.7`, `127.0.${version}.8`];
      // At once, for every second that they take lets one more in.
      const attempts = await Promise.allSettled(Array.from({ length: 12 }, () => connect(greedy)));
      const refused = attempts.filter(({ status }) => status === 'rejected').length;
      assert.ok(refused > 0 && refused <= 10, `${refused} of 12`);
      await connect(other);
      await gateway.until(({ counters }) => counters.refusals['address-rate'] === before + refused);
      const line = gateway.log.findLast(({ reason }) => reason === 'address-rate');
      assert.equal(line?.['remoteAddress'], greedy);
    });
  }

  for (const [what, check] of [
    ['a PROXY header of version 1', 'send-proxy check inter 50ms'],
    ['a PROXY header of version 2', 'send-proxy-v2 check inter 50ms'],
  ] as const) {
    test(`a check by ${what} is a health check: counted, and in the log at debug only`, async () => {
      const before = await refusals();
      const logged = gateway.log.length;
      const enough = (before['health-check'] ?? 0) + 5;
      await (await balance(check)).until('gw1', 'UP');
      await gateway.until(({ counters }) => (counters.refusals['health-check'] ?? 0) >= enough);
      await haproxy!.stop();
      haproxy = undefined;
      assert.deepEqual(unlessHealthCheck(await refusals()), unlessHealthCheck(before));
      const lines = gateway.log.slice(logged);
      assert.ok(lines.some(({ msg }) => msg === 'health check'));
      assert.deepEqual(aboveDebug(lines), []);
    });
  }

  test('a check by a TCP connect alone is no error either', async () => {
    const before = await refusals();
    const logged = gateway.log.length;
    // HAProxy leaves before the connection is one: the gateway may see nothing at all.
    await (await balance(`send-proxy-v2 check inter 50ms port ${gateway.port}`)).until('gw1', 'UP');
    assert.deepEqual(unlessHealthCheck(await refusals()), unlessHealthCheck(before));
    assert.deepEqual(aboveDebug(gateway.log.slice(logged)), []);
  });

  test('a check by GET /readyz is answered', async () => {
    const admin = new URL(gateway.admin).port;
    const proxy = await balance(`send-proxy-v2 check port ${admin} inter 50ms fall 1`, READINESS);
    await proxy.until('gw1', 'UP');
    assert.equal((await proxy.servers()).get('gw1')?.check, 'L7OK');
  });

  for (const [what, server, source, reason] of [
    ['from an address that is not trusted', 'send-proxy-v2', STRANGER, 'proxy-untrusted'],
    ['without a header', '', PROXY, 'proxy-header'],
  ] as const) {
    test(`a connection ${what} is closed, with a counted reason`, async () => {
      await balance(server, '', source);
      await refused(reason, source, () => assert.rejects(RawClient.connect(haproxy!.port)));
    });
  }

  test('a connection with a broken header is closed, with a counted reason', async () => {
    await refused('proxy-header', PROXY, async () => {
      const socket = connectTcp({ host: '127.0.0.1', port: gateway.port, localAddress: PROXY });
      socket.end('PROXY TCP4 192.0.2.256 127.0.0.1 5555 443\r\n');
      await assert.rejects(once(socket, 'end'), { code: 'ECONNRESET' });
    });
  });

  async function refused(reason: string, source: string, attempt: () => Promise<void>): Promise<void> {
    const before = (await refusals())[reason] ?? 0;
    await attempt();
    await gateway.until(({ counters }) => counters.refusals[reason] === before + 1);
    const line = gateway.log.findLast(({ msg }) => msg === 'connection refused');
    assert.deepEqual([line?.['reason'], line?.['remoteAddress']], [reason, source]);
  }
});

test("RADIUS is told the client's own address", { skip: haproxyUnavailable() || freeradiusUnavailable() }, async () => {
  const radius = await Freeradius.start({ users: 'alice Cleartext-Password := "pw"\n' });
  const { host, authPort, acctPort, secret } = radius.options();
  const server = { address: host, authPort, acctPort, secret: Buffer.from(secret).toString() };
  const site = await createSite(
    {
      listen: [{ address: '127.0.0.1:0', proxyProtocol: 'v1v2', trustedProxies: [PROXY] }],
      aaa: { method: 'radius', radius: { servers: [server] } },
    },
    'ec',
  );
  const gateway = await GatewayProcess.start(site);
  const haproxy = await startHaproxy(`source ${PROXY}\nserver gw1 127.0.0.1:${gateway.port} send-proxy-v2`);
  try {
    const https = { host: '127.0.0.1', port: haproxy.port, ca: site.ca };
    const { client } = await TestClient.connect(await createClientRuntime(), { https, user: 'alice', password: 'pw' });
    assert.match(radius.requests()[0] ?? '', /^\tCalling-Station-Id = "127\.0\.0\.1"$/m);
    await client.end();
  } finally {
    await haproxy.stop();
    await gateway.stop();
    await radius.close();
    site.remove();
  }
});

/** Takes clients of both families on one socket. */
function startHaproxy(backend: string): Promise<Haproxy> {
  return Haproxy.start(
    ({ port, statsSocket }) => `
global
  stats socket ${statsSocket}
defaults
  mode tcp
  retries 0
  timeout connect 5s
  timeout client 1m
  timeout server 1m
frontend clients
  bind :::${port} v4v6
  default_backend gateways
backend gateways
${backend}
`,
  );
}

function unlessHealthCheck(refusals: CountBy): CountBy {
  return { ...refusals, 'health-check': 0 };
}

function aboveDebug(lines: readonly LogLine[]): readonly LogLine[] {
  return lines.filter(({ level }) => Number(level) > DEBUG);
}

function total(sessions: CountBy): number {
  return Object.values(sessions).reduce((sum, count) => sum + count, 0);
}
