import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Authority, Decision } from '../../src/aaa/authority.ts';
import type { SessionAttributes } from '../../src/aaa/session-attributes.ts';
import type { Config, PrefixPools } from '../../src/config/schema.ts';
import { Admission } from '../../src/supervisor/admission.ts';
import type { Network } from '../../src/supervisor/network.ts';
import { Pools } from '../../src/supervisor/pools.ts';
import { SessionTable, type SessionRow } from '../../src/supervisor/session-table.ts';
import { parseIpv4 } from '../../src/wire/ip.ts';
import { parseIpv6Prefix } from '../../src/wire/ipv6.ts';
import type { SessionId } from '../../src/worker/messages.ts';

const CREDENTIALS = { kind: 'pap', user: 'alice', password: 'x' } as const;

/** Everything around an admission, with an authority that says what it is told to. */
class Bench {
  readonly table = new SessionTable();
  readonly pools: Pools;
  readonly admission: Admission;
  /** `+prefix worker mtu` and `-prefix worker`. */
  readonly routes: string[] = [];
  /** When the kernel knows them. */
  routed: Promise<unknown> = Promise.resolve();
  readonly evicted: string[] = [];
  readonly forgotten: string[] = [];
  attributes: SessionAttributes = {};
  answer: (() => Promise<Decision>) | undefined;
  #sequence = 0;

  constructor(perUser: Config['limits']['perUser'] = { sessions: Infinity, policy: 'deny' }, hasIpv6 = false) {
    const network = {
      ipv4: {
        pool: [{ first: 0x0a000002, last: 0x0a000004 }],
        pools: [],
        next: undefined,
        gateway: 0x0a000001,
        dns: [9],
        nbns: [],
      },
      ipv6: hasIpv6
        ? { link: pool('2001:db8::/60', 64), delegated: pool('2001:db8:1::/52', 56), gateway: undefined, dns: [7n] }
        : undefined,
    } as unknown as Config['network'];
    const config = {
      network,
      limits: { perUser },
      ppp: { mtu: 1400 },
      aaa: { method: 'users' },
      session: { timeout: 1000, idleTimeout: undefined },
    };
    this.pools = new Pools(network, { ipv4: [], prefixes: [] });
    this.admission = new Admission({
      authority: this.#authority(),
      config: () => config as unknown as Config,
      pools: this.pools,
      network: this.#network(),
      table: this.table,
      evict: row => {
        this.evicted.push(row.publicId);
        setImmediate(() => this.end(row));
      },
    });
  }

  row(): SessionRow {
    const id = ++this.#sequence as SessionId;
    const row = {
      id,
      publicId: `s${id}`,
      worker: 1,
      state: 'negotiating',
      user: '',
      grant: undefined,
      mtu: 1300,
    } as SessionRow;
    this.table.add(row);
    return row;
  }

  async result(row: SessionRow): Promise<string> {
    return (await this.admission.decide(row, CREDENTIALS)).result;
  }

  end(row: SessionRow): void {
    this.table.delete(row);
    this.admission.release(row);
  }

  #authority(): Authority {
    const accepted = (): Decision => ({
      kind: 'accepted',
      user: 'alice',
      hlak: new Uint8Array(32),
      message: '',
      attributes: this.attributes,
    });
    return {
      decide: () => (this.answer === undefined ? Promise.resolve(accepted()) : this.answer()),
      forget: session => void this.forgotten.push(session),
      close: () => Promise.resolve(),
    };
  }

  #network(): Network {
    return {
      mode: 'echo',
      device: () => Promise.resolve(undefined),
      deviceName: () => 'sstp1',
      addRoute: (prefix, worker, mtu) => void this.routes.push(`+${prefix} ${worker} ${mtu}`),
      removeRoute: (prefix, worker) => void this.routes.push(`-${prefix} ${worker}`),
      routed: async () => void (await this.routed),
      close: () => Promise.resolve(),
    };
  }
}

describe('admission', () => {
  test('an accepted session has an address and a route, and leaves neither behind', async () => {
    const bench = new Bench();
    const row = bench.row();
    const { verdict, policy } = await bench.admission.decide(row, CREDENTIALS);
    assert.ok(verdict.kind === 'accepted');
    assert.deepEqual(verdict.ipv4, { address: 0x0a000002, gateway: 0x0a000001, dns: [9], nbns: [] });
    assert.equal(policy?.sessionTimeoutMs, 1000);
    assert.deepEqual(bench.routes, ['+10.0.0.2/32 1 1300']);
    assert.equal(row.user, 'alice');
    bench.end(row);
    assert.deepEqual(bench.routes.at(-1), '-10.0.0.2/32 1');
    assert.equal(bench.pools.ipv4.leased, 0);
    assert.deepEqual(bench.forgotten, ['s1']);
  });

  test('what the authority says goes before what is configured', async () => {
    const bench = new Bench(undefined, true);
    bench.attributes = { dns: [1, 2], dns6: [5n], mtu: 1200, sessionTimeoutMs: 5, interfaceId: 0xabcn };
    const { verdict, policy } = await bench.admission.decide(bench.row(), CREDENTIALS);
    assert.ok(verdict.kind === 'accepted');
    assert.deepEqual(verdict.ipv4?.dns, [1, 2]);
    assert.deepEqual(verdict.ipv6?.dns, [5n]);
    assert.equal(verdict.ipv6.interfaceId, 0xabcn);
    assert.equal(policy?.sessionTimeoutMs, 5);
    assert.deepEqual(bench.routes, ['+10.0.0.2/32 1 1200', '+2001:db8::/64 1 1200', '+2001:db8:1::/56 1 1200']);
  });

  test('without IPv6 in the configuration there is none, whatever the authority says', async () => {
    const bench = new Bench();
    bench.attributes = { ipv6Prefix: { kind: 'fixed', prefix: parseIpv6Prefix('2001:db8:9::/64')! } };
    const { verdict } = await bench.admission.decide(bench.row(), CREDENTIALS);
    assert.ok(verdict.kind === 'accepted' && verdict.ipv6 === undefined);
  });

  test('an exhausted pool and an address in use are refusals with their reasons', async () => {
    const bench = new Bench();
    bench.attributes = { ipv4: { kind: 'fixed', address: 0x0a000003 } };
    assert.equal(await bench.result(bench.row()), 'accepted');
    assert.equal(await bench.result(bench.row()), 'address-in-use');
    bench.attributes = {};
    assert.equal(await bench.result(bench.row()), 'accepted');
    assert.equal(await bench.result(bench.row()), 'accepted');
    assert.equal(await bench.result(bench.row()), 'pool-exhausted');
    assert.equal(bench.pools.ipv4.leased, 3);
  });

  test('a network that leads to another session is a refusal, and takes nothing', async () => {
    const bench = new Bench();
    const network = { family: 4, address: 0xc0a80000, length: 24, metric: undefined } as const;
    bench.attributes = { routes: [network] };
    assert.equal(await bench.result(bench.row()), 'accepted');
    assert.equal(await bench.result(bench.row()), 'route-in-use');
    assert.equal(bench.pools.ipv4.leased, 1);
  });

  test('a client that left while somebody thought about it gets nothing', async () => {
    const bench = new Bench();
    const row = bench.row();
    bench.answer = async () => {
      bench.end(row);
      return { kind: 'accepted', user: 'alice', hlak: new Uint8Array(32), message: '', attributes: {} };
    };
    const result = bench.result(row);
    assert.equal(await result, 'client-gone');
    assert.equal(bench.pools.ipv4.leased, 0);
    assert.deepEqual(bench.routes, []);
  });

  test('one session too many is denied, or takes the place of the oldest', async () => {
    const deny = new Bench({ sessions: 1, policy: 'deny' });
    assert.equal(await deny.result(deny.row()), 'accepted');
    assert.equal(await deny.result(deny.row()), 'too-many-sessions');
    const replace = new Bench({ sessions: 2, policy: 'replace' });
    for (let count = 0; count < 4; count++) assert.equal(await replace.result(replace.row()), 'accepted');
    assert.deepEqual(replace.evicted, ['s1', 's2']);
    assert.equal(replace.pools.ipv4.leased, 2);
  });

  test("a user's own limit goes before the common one", async () => {
    const bench = new Bench({ sessions: 1, policy: 'deny' });
    bench.attributes = { maxSessions: 2 };
    for (const expected of ['accepted', 'accepted', 'too-many-sessions'])
      assert.equal(await bench.result(bench.row()), expected);
  });

  test('with replace, a user who comes again gets the fixed address from the session that has it', async () => {
    const bench = new Bench({ sessions: Infinity, policy: 'replace' });
    bench.attributes = { ipv4: { kind: 'fixed', address: 0x0a000003 } };
    assert.equal(await bench.result(bench.row()), 'accepted');
    assert.equal(await bench.result(bench.row()), 'accepted');
    assert.deepEqual(bench.evicted, ['s1']);
  });

  test('a change keeps what it does not name, and cannot give another address', async () => {
    const bench = new Bench();
    bench.attributes = { idleTimeoutMs: 7, rate: { up: 1, down: 2 } };
    const row = bench.row();
    await bench.admission.decide(row, CREDENTIALS);
    const policy = bench.admission.change(row, { rate: { up: 5, down: 6 }, sessionTimeoutMs: undefined });
    assert.deepEqual(policy, { sessionTimeoutMs: 1000, idleTimeoutMs: 7, rate: { up: 5, down: 6 }, routes: undefined });
    assert.equal(bench.admission.change(row, { ipv4: { kind: 'fixed', address: 1 } }), undefined);
    assert.equal(bench.admission.change(bench.row(), { idleTimeoutMs: 1 }), undefined);
  });

  test('the client hears of its address when the kernel knows the route, and of nothing when it has left meanwhile', async () => {
    const bench = new Bench();
    const kernel = new EventEmitter();
    bench.routed = once(kernel, 'known');
    const row = bench.row();
    let hasHeard = false;
    const heard = bench.result(row).then(result => {
      hasHeard = true;
      return result;
    });
    await nextTurn();
    assert.deepEqual([bench.routes, hasHeard], [['+10.0.0.2/32 1 1300'], false]);
    kernel.emit('known');
    assert.equal(await heard, 'accepted');
  });

  test('what an authority keeps of somebody who left while it asked is forgotten', async () => {
    const bench = new Bench();
    const row = bench.row();
    bench.answer = async () => {
      bench.end(row);
      bench.forgotten.length = 0;
      return { kind: 'challenge', packet: Uint8Array.of(1) };
    };
    assert.equal(await bench.result(row), 'client-gone');
    assert.deepEqual(bench.forgotten, ['s1']);
  });

  for (const policy of ['deny', 'replace'] as const) {
    test(`logins at the same time do not exceed the limit: ${policy}`, async () => {
      const bench = new Bench({ sessions: 1, policy });
      assert.equal(await bench.result(bench.row()), 'accepted');
      await Promise.all([1, 2, 3].map(() => bench.result(bench.row())));
      assert.equal(bench.table.ofUser('alice').length, 1);
      assert.equal(bench.pools.ipv4.leased, 1);
    });
  }

  test('a change of the networks behind a client leads there, and away from what is left out', async () => {
    const bench = new Bench();
    const [first, second] = ['192.168.0.0', '192.168.1.0'].map(text => {
      return { family: 4, address: parseIpv4(text)!, length: 24, metric: undefined } as const;
    });
    bench.attributes = { routes: [first!] };
    const row = bench.row();
    await bench.result(row);
    bench.routes.length = 0;
    assert.deepEqual(bench.admission.change(row, { routes: [second!] })?.routes, [second]);
    assert.deepEqual(bench.routes, ['-192.168.0.0/24 1', '+192.168.1.0/24 1 1300']);
    assert.deepEqual(row.grant?.routes, ['10.0.0.2/32', '192.168.1.0/24']);
    const other = bench.row();
    assert.equal(await bench.result(other), 'accepted', 'what was left is free');
    assert.equal(bench.admission.change(row, { routes: [first!] }), undefined);
    assert.deepEqual(row.grant?.routes, ['10.0.0.2/32', '192.168.1.0/24'], 'nothing has changed');
    bench.end(row);
    assert.deepEqual(bench.routes.slice(-2), ['-10.0.0.2/32 1', '-192.168.1.0/24 1']);
  });

  test('a refusal of the authority is passed on, with its EAP packet', async () => {
    const bench = new Bench();
    const packet = Uint8Array.of(4, 1, 0, 4);
    bench.answer = () =>
      Promise.resolve({ kind: 'rejected', reason: 'radius-rejected', code: 649, message: 'no', packet });
    const { result, verdict } = await bench.admission.decide(bench.row(), CREDENTIALS);
    assert.deepEqual([result, verdict], ['radius-rejected', { kind: 'rejected', code: 649, message: 'no', packet }]);
  });
});

function pool(text: string, prefixLength: number): PrefixPools {
  return { prefixLength, pool: [parseIpv6Prefix(text)!], pools: [] };
}
