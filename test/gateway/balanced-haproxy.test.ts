// Two gateways behind HAProxy with the configuration of deploy/: clients come all the time, and gateways go and come back.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import type { ClientRuntime } from '../../src/client/client-runtime.ts';
import { BalancedGateways } from './balanced-gateways.ts';
import { TestClient } from './clients.ts';
import { Haproxy, haproxyUnavailable } from './haproxy.ts';

/** Between two new clients. */
const ARRIVAL_MS = 60;
const CLIENTS = 8;
const SETTLE_LIMIT_MS = 20_000;

describe('two gateways behind HAProxy', { skip: haproxyUnavailable() }, () => {
  let runtime: ClientRuntime;
  let gateways: BalancedGateways;
  let haproxy: Haproxy;
  const open: TestClient[] = [];

  before(async () => {
    runtime = await createClientRuntime();
    gateways = await BalancedGateways.start({ drainDelay: '10s', sstp: { helloInterval: '1s' } });
    haproxy = await balance();
  });

  afterEach(async () => {
    for (const { client } of open.splice(0)) client.abort();
    for (const index of [0, 1] as const) {
      await gateways.gateway(index).until(({ pool }) => pool.leased === 0);
    }
  });

  after(async () => {
    await haproxy.stop();
    gateways.remove();
  });

  /** Resolves when HAProxy has seen both gateways up. */
  async function balance(places: Readonly<Record<string, string>> = {}): Promise<Haproxy> {
    const started = await Haproxy.start(({ port, statsSocket }) => {
      const text = gateways.example('haproxy/haproxy.cfg', {
        'bind :443': `bind 127.0.0.1:${port}`,
        'bind [::]:443 v6only': `bind [::1]:${port}`,
        '/run/haproxy/admin.sock': statsSocket,
        'check port 8080 inter 2s': `check port ${gateways.adminPort} inter 200ms`,
        ...places,
      });
      return process.getuid?.() === 0 ? text : text.replace(/^ *(chroot|user|group) .*$/gm, '');
    });
    await Promise.all([started.until('gw1', 'UP'), started.until('gw2', 'UP')]);
    return started;
  }

  async function connect(port = haproxy.port): Promise<TestClient> {
    const tester = await TestClient.connect(runtime, { https: { host: 'localhost', port, ca: gateways.ca } });
    open.push(tester);
    return tester;
  }

  /** How many of these clients each gateway has. */
  const shares = (clients: readonly TestClient[]): number[] =>
    [0, 1].map(index => clients.filter(client => gateways.indexOf(client) === index).length);

  test('share the clients evenly, those of one address too', async () => {
    for (let count = 0; count < CLIENTS; count++) await connect();
    await Promise.all(open.map(client => client.ping()));
    assert.deepEqual(shares(open), [CLIENTS / 2, CLIENTS / 2]);
  });

  test('keep a tunnel that is silent for longer than the timeout for tunnels: they say hello before', async () => {
    const impatient = await balance({ 'timeout tunnel 5m': 'timeout tunnel 3s' });
    try {
      const tester = await connect(impatient.port);
      await sleep(7_000);
      assert.equal(tester.ended, undefined);
      await tester.ping();
    } finally {
      await impatient.stop();
    }
  });

  test('one drains while clients come all the time: none fails, all new ones go to the other', async () => {
    const failures: unknown[] = [];
    const attempts: Promise<unknown>[] = [];
    const arrivals = setInterval(
      () => attempts.push(connect().catch((error: unknown) => failures.push(error))),
      ARRIVAL_MS,
    );
    /** Where the next clients go; those that are on their way already are not meant. */
    const next = async (count: number): Promise<number[]> => {
      await Promise.all(attempts);
      const from = open.length;
      while (open.length < from + count && failures.length === 0) await sleep(ARRIVAL_MS);
      return shares(open.slice(from, from + count));
    };
    const workers = async (): Promise<string[]> =>
      (await gateways.gateway(0).status()).workers.map(({ state }) => state);
    try {
      assert.ok((await next(10)).every(share => share > 0));
      await gateways.gateway(0).drain();
      await haproxy.until('gw1', 'DOWN');
      assert.deepEqual(await workers(), ['ready', 'ready'], 'HAProxy notices while tunnels are still taken');
      assert.deepEqual(await next(10), [0, 10]);
      await gateways.gateway(0).until(({ workers }) => workers.every(({ state }) => state === 'draining'), 30_000);
      assert.deepEqual(await next(10), [0, 10]);
    } finally {
      clearInterval(arrivals);
      await Promise.all(attempts);
    }
    assert.deepEqual(failures, []);
    assert.ok(open.every(({ ended }) => ended === undefined));
    await Promise.all(open.map(client => client.ping()));
    await gateways.gateway(0).stop();
    await gateways.start(0);
    await haproxy.until('gw1', 'UP');
  });

  test('are upgraded one after the other: clients come back at once, and none is refused', async () => {
    const crowd = new Crowd(connect);
    try {
      await crowd.until(clients => shares(clients).every(share => share > 0));
      for (const [index, server, wanted] of [
        [0, 'gw1', [0, CLIENTS]],
        [1, 'gw2', [CLIENTS, 0]],
      ] as const) {
        const old = gateways.gateway(index);
        old.signal('SIGTERM');
        await haproxy.until(server, 'DOWN');
        // What is left of the delay would be waited for in vain.
        old.signal('SIGTERM');
        assert.equal(await old.ended(), 0);
        await crowd.until(clients => String(shares(clients)) === String(wanted));
        await gateways.start(index);
        await haproxy.until(server, 'UP');
      }
    } finally {
      crowd.dismiss();
    }
  });
});

/** Clients that connect again whenever their tunnel ends. */
class Crowd {
  readonly #clients: (TestClient | undefined)[] = Array.from({ length: CLIENTS });
  readonly #refusals: unknown[] = [];
  #isDismissed = false;

  constructor(connect: () => Promise<TestClient>) {
    for (const index of this.#clients.keys()) {
      void this.#subscribe(index, connect).catch((error: unknown) => this.#refusals.push(error));
    }
  }

  /** Waits until all are connected as wanted and packets pass. None was ever refused. */
  async until(isWanted: (clients: readonly TestClient[]) => boolean): Promise<void> {
    const end = performance.now() + SETTLE_LIMIT_MS;
    for (;;) {
      assert.deepEqual(this.#refusals, []);
      const there = this.#clients.filter(client => client !== undefined).filter(({ ended }) => ended === undefined);
      if (there.length === CLIENTS && isWanted(there)) {
        await Promise.all(there.map(client => client.ping()));
        return;
      }
      assert.ok(performance.now() < end, `${there.length} of ${CLIENTS} are connected`);
      await sleep(20);
    }
  }

  dismiss(): void {
    this.#isDismissed = true;
  }

  async #subscribe(index: number, connect: () => Promise<TestClient>): Promise<void> {
    while (!this.#isDismissed) {
      const client = await connect();
      this.#clients[index] = client;
      await client.gone;
    }
  }
}
