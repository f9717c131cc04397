// Runs in a network namespace of its own: a gateway whose workers fail on request, under 200 tunnels. Reports as one JSON line.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { UsersFile } from '../../src/aaa/users.ts';
import type { StatusView } from '../../src/admin/gateway-view.ts';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import { loadConfig } from '../../src/config/load.ts';
import { startGateway } from '../../src/gateway.ts';
import { createLogger } from '../../src/log.ts';
import { TestClient, inParallel } from './clients.ts';
import { FAULTS } from './faulty-worker.ts';
import type { Fault } from './faulty-worker.ts';
import { hostRoutes } from './host-routes.ts';
import { createSite } from './site.ts';
import { formatIpv4 } from '../../src/wire/ip.ts';

const TUNNELS = 200;
const WIDTH = 16;

/** What happens to the worker; its device is deleted by the kernel's own means. */
type How = Fault['how'] | 'device';

export interface FaultReport {
  readonly how: How;
  readonly before: { readonly victims: number; readonly others: number; readonly routes: number };
  /** When the worker's loss was noticed. */
  readonly after: {
    readonly sessions: number;
    readonly leased: number;
    readonly routes: number;
    readonly restarts: number;
  };
  readonly othersPinged: number;
  readonly victimsTold: number;
  /** The worker that failed took tunnels again. */
  readonly newOnVictim: number;
}

const site = await createSite({
  watchdog: '3s',
  network: { mode: 'tun', device: 'wf', ipv4: { pool: ['10.66.0.0/16'], gateway: '10.66.0.1' } },
});
const { config } = loadConfig(site.configFile);
const gateway = await startGateway({
  config,
  users: UsersFile.load(config.aaa.users),
  version: 'test',
  log: createLogger({ level: 'fatal', format: 'json' }, process.stderr),
  workerFile: new URL('faulty-worker.js', import.meta.url).href,
});
const { supervisor } = gateway;
const runtime = await createClientRuntime();
const https = { host: 'localhost', port: gateway.listen[0]!.port, ca: site.ca };
const faults = new BroadcastChannel(FAULTS);

const reports: FaultReport[] = [];
for (const how of ['throw', 'exit', 'hang', 'device'] as const) reports.push(await fail(0, how));
faults.close();
await gateway.stop();
site.remove();
console.log(JSON.stringify(reports));

async function fail(worker: number, how: How): Promise<FaultReport> {
  const restarts = supervisor.status().workers[worker]!.restarts;
  const testers = await inParallel(TUNNELS, WIDTH, () => TestClient.connect(runtime, { https }));
  await until(({ sessions }) => sessions.up === TUNNELS);
  const victims = supervisor.status().workers[worker]!.sessions;
  const others = TUNNELS - victims;
  const before = { victims, others, routes: await settledRoutes(TUNNELS) };
  const otherTesters = testersOfOthers(testers, worker);

  if (how === 'device') execFileSync('ip', ['link', 'delete', `wf${worker}`]);
  else faults.postMessage({ worker, how } satisfies Fault);
  await until(({ workers }) => workers[worker]!.restarts > restarts);
  const { sessions, pool, workers } = supervisor.status();
  const after = {
    sessions: Object.values(sessions).reduce((sum, count) => sum + count, 0),
    leased: pool.leased,
    routes: await settledRoutes(others),
    restarts: workers[worker]!.restarts - restarts,
  };
  await inParallel(otherTesters.length, WIDTH, async index => otherTesters[index]!.ping());
  await until(status => status.workers[worker]!.state === 'ready');
  const fresh = await inParallel(TUNNELS, WIDTH, () => TestClient.connect(runtime, { https }));
  await inParallel(TUNNELS, WIDTH, async index => fresh[index]!.ping());
  const newOnVictim = supervisor.status().workers[worker]!.sessions;
  const victimsTold = testers.filter(tester => tester.ended !== undefined).length;

  for (const tester of [...testers, ...fresh]) tester.client.abort();
  await until(({ pool }) => pool.leased === 0);
  await settledRoutes(0);
  return { how, before, after, othersPinged: otherTesters.length, victimsTold, newOnVictim };
}

function testersOfOthers(testers: readonly TestClient[], worker: number): TestClient[] {
  const remotes = new Set<string>();
  for (const session of supervisor.sessions()) if (session.worker !== worker) remotes.add(session.ipv4!);
  return testers.filter(tester => remotes.has(formatIpv4(tester.client.network.address)));
}

/** The kernel is told in batches, a few milliseconds behind the table. */
async function settledRoutes(expected: number): Promise<number> {
  for (let tries = 0; tries < 100 && hostRoutes('wf').length !== expected; tries++) await sleep(20);
  return hostRoutes('wf').length;
}

async function until(condition: (status: StatusView) => boolean): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    if (condition(supervisor.status())) return;
    await sleep(10);
  }
  throw new Error(`not reached in time: ${JSON.stringify(supervisor.status())}`);
}
