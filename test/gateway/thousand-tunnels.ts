// Runs in a network namespace of its own: a gateway on two workers with TUN devices, and a thousand clients. Reports as one JSON line.
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import { TestClient, inParallel } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { hostRoutes } from './host-routes.ts';
import { createSite } from './site.ts';

/** Handshakes at a time: enough to keep two workers busy. */
const WIDTH = 32;

export interface ThousandReport {
  readonly up: number;
  readonly perWorker: readonly number[];
  readonly addresses: number;
  readonly pinged: number;
  readonly routesWhileUp: number;
  readonly leasedWhileUp: number;
  readonly sessionsAfter: number;
  readonly leasedAfter: number;
  readonly routesAfter: number;
  readonly lostCarrier: number;
  readonly cleanupCount: number;
  /** Seconds. */
  readonly cleanupP99: number | null;
  /** A new tunnel after all that. */
  readonly again: boolean;
  readonly exitCode: number | null;
}

const count = Number(process.argv[2]);
const site = await createSite({
  network: { mode: 'tun', device: 'tt', ipv4: { pool: ['10.66.0.0/16'], gateway: '10.66.0.1' } },
});
const gateway = await GatewayProcess.start(site);
const runtime = await createClientRuntime();
const https = { host: 'localhost', port: gateway.port, ca: site.ca };

const testers = await inParallel(count, WIDTH, () => TestClient.connect(runtime, { https }));
const whileUp = await gateway.until(({ sessions }) => sessions.up === count);
await inParallel(count, WIDTH, async index => testers[index]!.ping());
const routesWhileUp = hostRoutes('tt').length;

for (const tester of testers) tester.client.abort();
const after = await gateway.until(({ sessions, pool }) => sessions.up === 0 && pool.leased === 0);
const again = await TestClient.connect(runtime, { https });
await again.ping();
again.client.abort();
await gateway.until(({ pool }) => pool.leased === 0);
// The kernel is told in batches, a few milliseconds behind the table.
for (let tries = 0; tries < 100 && hostRoutes('tt').length > 0; tries++)
  await new Promise(resolve => setTimeout(resolve, 20));

const report: ThousandReport = {
  up: testers.length,
  perWorker: whileUp.workers.map(worker => worker.sessions),
  addresses: new Set(testers.map(tester => tester.client.network.address)).size,
  pinged: testers.length,
  routesWhileUp,
  leasedWhileUp: whileUp.pool.leased,
  sessionsAfter: Object.values(after.sessions).reduce((sum, sessions) => sum + sessions, 0),
  leasedAfter: after.pool.leased,
  routesAfter: hostRoutes('tt').length,
  lostCarrier: after.counters.ends['Lost-Carrier'] ?? 0,
  cleanupCount: after.cleanup.count,
  cleanupP99: after.cleanup.p99,
  again: true,
  exitCode: await gateway.stop(),
};
site.remove();
console.log(JSON.stringify(report));
