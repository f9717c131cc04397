// Runs in the gateway's network namespace; clients are `connect` processes in the one that is named. Each of them vanishes in a way of
// its own. Reports as one JSON line.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { GatewayProcess } from './gateway-process.ts';
import { hostRoutes } from './host-routes.ts';
import { PASSWORD, USER, createSite } from './site.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export interface VanishReport {
  readonly how: string;
  readonly address: string;
  readonly routesWhileUp: number;
  readonly routesAfter: number;
  readonly leasedAfter: number;
  /** From the gateway's log. */
  readonly reason: unknown;
  readonly cause: unknown;
}

const [, , clientNamespace, gatewayAddress] = process.argv as [string, string, string, string];
const site = await createSite({
  listen: [{ address: `${gatewayAddress}:443` }],
  ppp: { auth: ['mschapv2'], lcpEcho: { interval: '1s', failures: 2 } },
  // One address: a lease that is not freed shows with the next client.
  network: { mode: 'tun', device: 'vc', ipv4: { pool: ['10.66.0.2-10.66.0.2'], gateway: '10.66.0.1' } },
});
const gateway = await GatewayProcess.start(site);
const reports: VanishReport[] = [];

await vanish('SIGKILL', client => client.kill('SIGKILL'));
await vanish('SIGTERM', client => client.kill('SIGTERM'));
await vanish('pulled cable', () => link('down'));
link('up');

await gateway.stop();
site.remove();
console.log(JSON.stringify(reports));

async function vanish(how: string, act: (client: ChildProcess) => void): Promise<void> {
  const client = await connect();
  const [session] = await gateway.sessions();
  const routesWhileUp = hostRoutes('vc').length;
  act(client);
  const { pool } = await gateway.until(status => status.pool.leased === 0, 20_000);
  for (let tries = 0; tries < 50 && hostRoutes('vc').length > 0; tries++) await sleep(20);
  const line = gateway.log.findLast(entry => entry['session'] === session!.id && 'reason' in entry);
  reports.push({
    how,
    address: session!.ipv4!,
    routesWhileUp,
    routesAfter: hostRoutes('vc').length,
    leasedAfter: pool.leased,
    reason: line?.['reason'],
    cause: line?.['cause'],
  });
  if (client.exitCode === null && client.signalCode === null) {
    const exited = once(client, 'exit');
    client.kill('SIGKILL');
    await exited;
  }
}

async function connect(): Promise<ChildProcess> {
  const command = [
    process.execPath,
    MAIN,
    'connect',
    '--certificate-sha256',
    site.fingerprint,
    '-u',
    USER,
    '-p',
    PASSWORD,
  ];
  const child = spawn('ip', ['netns', 'exec', clientNamespace, ...command, `https://${gatewayAddress}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stdout).on('line', line => line.includes(' is up') && resolve());
    child.once('exit', code => reject(new Error(`connect ended with ${code}`)));
  });
  return child;
}

function link(state: 'up' | 'down'): void {
  execFileSync('ip', ['-n', clientNamespace, 'link', 'set', 'dev', 'outer', state]);
}
