// A gateway whose certificates, users and pools change, and break, while packets flow: every tunnel stays, and not one packet is lost.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import type { ClientRuntime } from '../../src/client/client-runtime.ts';
import { formatIpv4 } from '../../src/wire/ip.ts';
import { TestClient } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { HoldingRelay } from './holding-relay.ts';
import { createSite, PASSWORD } from './site.ts';
import type { Site } from './site.ts';

/** The gateway looks at its certificates' files every ten seconds. */
const WATCH_LIMIT_MS = 30_000;
/** Echoes that each tunnel carries before a change counts as survived. */
const ENOUGH = 20;
const PAUSE_MS = 2;

describe('under traffic', () => {
  let site: Site;
  let gateway: GatewayProcess;
  let runtime: ClientRuntime;
  const flows: Flow[] = [];
  /** Those that the gateway is shown one after the other. */
  const certificates: Site[] = [];

  before(async () => {
    for (let count = 0; count < 3; count++) certificates.push(await createSite({}, 'ec'));
    site = await createSite({
      tls: { certificates: [{ cert: 'live/cert.pem', key: 'live/key.pem' }] },
      network: network('10.66.0.0/24'),
    });
    mkdirSync(file('live'));
    show(0);
    writeUsers({ alice: {}, removed: {}, barred: {} });
    gateway = await GatewayProcess.start(site);
    runtime = await createClientRuntime();
    for (const user of ['alice', 'removed', 'barred']) for (let count = 0; count < 2; count++) await join(0, { user });
  });

  after(async () => {
    for (const flow of flows) flow.stop();
    for (const { tester } of flows) tester.client.abort();
    assert.equal(await gateway.stop(), 0);
    for (const { remove } of [site, ...certificates]) remove();
  });

  const file = (name: string): string => path.join(site.directory, name);

  /** Swaps links as certbot does: there is no moment without a file. */
  function show(certificate: number, key = certificate): void {
    for (const [name, index] of [
      ['cert.pem', certificate],
      ['key.pem', key],
    ] as const) {
      symlinkSync(path.join(certificates[index]!.directory, name), file('live/next'));
      renameSync(file('live/next'), file(`live/${name}`));
    }
  }

  function writeUsers(users: Readonly<Record<string, object>>): void {
    const records = Object.entries(users).map(([name, more]) => ({ name, password: PASSWORD, ...more }));
    writeFileSync(file('users.yaml'), JSON.stringify(records));
  }

  /** A tunnel of a client that trusts this certificate and no other. */
  async function connect(certificate: number, options: ConnectOptions = {}): Promise<TestClient> {
    const { port = gateway.port, maxVersion, ...who } = options;
    const https = { host: 'localhost', port, ca: certificates[certificate]!.ca, maxVersion };
    const tester = await TestClient.connect(runtime, { https, ...who });
    const shown = new X509Certificate(certificates[certificate]!.ca).raw;
    assert.ok(shown.equals(tester.client.connection.certificate));
    return tester;
  }

  /** Makes the tunnel one of those that have to survive from now on. */
  async function join(certificate: number, options?: ConnectOptions): Promise<void> {
    await carry(await connect(certificate, options));
  }

  async function carry(tester: TestClient): Promise<void> {
    await gateway.until(({ sessions }) => sessions['up'] === flows.length + 1);
    flows.push(new Flow(tester, await sessionOf(tester)));
  }

  async function sessionOf({ client }: TestClient): Promise<string | undefined> {
    const address = formatIpv4(client.network.address);
    return (await gateway.sessions()).find(({ ipv4 }) => ipv4 === address)?.id;
  }

  /** The same sessions, and what they send is answered. */
  async function assertUnharmed(): Promise<void> {
    await Promise.all(flows.map(flow => flow.goesOn()));
    for (const flow of flows) assert.equal(await sessionOf(flow.tester), flow.session);
  }

  const applied = { ok: true, needsRestart: [], warnings: [] };

  test('a reload shows another certificate to new tunnels', async () => {
    show(1);
    assert.deepEqual(await gateway.reload(), applied);
    await assert.rejects(connect(0), { code: 'untrusted-certificate' });
    await join(1);
    await assertUnharmed();
  });

  test('files that change are seen without a reload', async () => {
    show(2);
    await gateway.untilLogged('new certificates are in use', WATCH_LIMIT_MS);
    await assert.rejects(connect(1), { code: 'untrusted-certificate' });
    await join(2);
    await assertUnharmed();
  });

  for (const [maxVersion, old, fresh] of [
    ['TLSv1.2', 0, 1],
    ['TLSv1.3', 1, 0],
  ] as const) {
    test(`a tunnel over ${maxVersion} between its TLS handshake and its call keeps the certificate it has seen`, async () => {
      show(old);
      await gateway.reload();
      const target = { host: '127.0.0.1', port: gateway.port };
      const relay = await HoldingRelay.listen('127.0.0.1', target, maxVersion);
      try {
        const connecting = connect(old, { port: relay.port, maxVersion });
        await gateway.until(({ sessions }) => sessions['negotiating'] === 1);
        show(fresh);
        assert.deepEqual(await gateway.reload(), applied);
        const meanwhile = await connect(fresh, { maxVersion });
        relay.letGo();
        const late = await connecting;
        await Promise.all([late.ping(), meanwhile.ping()]);
        await Promise.all([late.client.end(), meanwhile.client.end()]);
        await gateway.until(({ sessions }) => total(sessions) === flows.length);
        await assertUnharmed();
      } finally {
        relay.close();
      }
    });
  }

  test('users that are changed, removed or disabled keep their tunnels and get no new ones', async () => {
    writeUsers({ alice: { password: 'changed' }, barred: { disabled: true }, new: {} });
    assert.deepEqual(await gateway.reload(), applied);
    for (const user of ['alice', 'removed', 'barred'])
      await assert.rejects(connect(0, { user }), { reason: 'auth-failed' });
    await join(0, { user: 'alice', password: 'changed' });
    await join(0, { user: 'new' });
    await gateway.until(({ sessions }) => total(sessions) === flows.length);
    await assertUnharmed();
  });

  test('a pool that gives way to another keeps its leases, and new tunnels have addresses of the other', async () => {
    change({ network: network('10.67.0.0/16') });
    assert.deepEqual(await gateway.reload(), applied);
    await join(0, { user: 'new' });
    assert.match(formatIpv4(flows.at(-1)!.tester.client.network.address), /^10\.67\./);
    await assertUnharmed();
  });

  const broken: readonly [what: string, breakIt: () => void, problem: RegExp][] = [
    [
      'a value that cannot be used',
      () => change({ drainTimeout: 'soon' }),
      /gateway\.yaml:\d+: drainTimeout: "soon" cannot be used; accepted: /,
    ],
    ['text that is no YAML', () => writeFileSync(site.configFile, 'listen: [\n'), /gateway\.yaml:\d+: /],
    [
      'a user with an unknown key',
      () => writeUsers({ alice: { colour: 'red' } }),
      /users\.yaml:\d+: .*colour: unknown key/,
    ],
    [
      'a key of another certificate',
      () => show(1, 2),
      /gateway\.yaml:\d+: tls\.certificates\[0\]\.key: .*does not belong to the certificate/,
    ],
  ];
  for (const [what, breakIt, problem] of broken) {
    test(`${what} changes nothing, and is named with its line`, async () => {
      const [config, users] = [readFileSync(site.configFile), readFileSync(file('users.yaml'))];
      breakIt();
      const result = await gateway.reload();
      assert.ok(!result.ok);
      assert.match(result.problems[0] ?? '', problem);
      const fresh = await connect(0, { user: 'new' });
      await fresh.ping();
      await fresh.client.end();
      await gateway.until(({ sessions }) => total(sessions) === flows.length);
      await assertUnharmed();
      writeFileSync(site.configFile, config);
      writeFileSync(file('users.yaml'), users);
      show(0);
    });
  }

  /** Replaces sections of the configuration file. */
  function change(sections: Readonly<Record<string, unknown>>): void {
    const present = JSON.parse(readFileSync(site.configFile, 'utf8')) as object;
    writeFileSync(site.configFile, JSON.stringify({ ...present, ...sections }));
  }
});

interface ConnectOptions {
  readonly user?: string;
  readonly password?: string;
  readonly port?: number;
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
}

/** Packets through one tunnel for as long as the test runs. */
class Flow {
  readonly tester: TestClient;
  readonly session: string | undefined;
  #answered = 0;
  #loss: unknown;
  #isOver = false;

  constructor(tester: TestClient, session: string | undefined) {
    this.tester = tester;
    this.session = session;
    void this.#run().catch((error: unknown) => (this.#loss = error));
  }

  /** Resolves when more echoes have come back. Rejects when one was lost since the flow began. */
  async goesOn(): Promise<void> {
    const wanted = this.#answered + ENOUGH;
    while (this.#answered < wanted) {
      if (this.#loss !== undefined) throw this.#loss;
      assert.equal(this.tester.ended, undefined);
      await sleep(PAUSE_MS);
    }
  }

  stop(): void {
    this.#isOver = true;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await this.tester.ping();
      this.#answered++;
      await sleep(PAUSE_MS);
    }
  }
}

function network(pool: string): object {
  return { mode: 'echo', ipv4: { pool: [pool], gateway: '10.66.0.1' } };
}

function total(sessions: Readonly<Record<string, number>>): number {
  return Object.values(sessions).reduce((sum, count) => sum + count, 0);
}
