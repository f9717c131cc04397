// What is tried with the gateway as a service of systemd, in this order.
import { strict as assert } from 'node:assert';
import { run, waitFor } from './commands.ts';
import { ConnectedClient } from './connected-client.ts';
import { GATEWAY_INSIDE, ping, tunnelRoutes } from './guest-network.ts';
import {
  accountId,
  configure,
  gatewayStatus,
  hangWorker,
  isReady,
  journal,
  mainProcess,
  processStatus,
  property,
  systemctl,
} from './gateway-service.ts';
import type { Facts } from './plan.ts';

export const SYSTEMD_PLAN = 'systemd';
export const USER = { name: 'alice', password: 'correct horse 7' };

/** Capabilities by their bits (linux/capability.h): CAP_NET_BIND_SERVICE, CAP_NET_ADMIN. */
const CAPABILITIES = (1n << 10n) | (1n << 12n);

/** A restart in a guest: Node starts slowly there, and each worker loads its modules anew. */
const RESTART_LIMIT_MS = 90_000;

interface SystemdLine {
  readonly name: string;
  readonly run: (folder: string) => Promise<Facts>;
}

export const SYSTEMD_LINES: readonly SystemdLine[] = [
  { name: 'systemctl start returns when tunnels are accepted, and the status says so', run: start },
  { name: 'the gateway is an ordinary user with two capabilities in a sandbox', run: leastPrivilege },
  { name: 'a tunnel comes up, and stays up over reloads', run: reload },
  { name: 'systemctl reload fails when the new file has a fault, and nothing changes', run: faultyReload },
  { name: 'a worker that hangs is started anew, and the service goes on', run: hungWorker },
  { name: 'systemd restarts a gateway with a worker that nothing in the process can end', run: stuckWorker },
  { name: 'systemctl stop tells the clients, and leaves no device and no route', run: stop },
];

let tunnel: ConnectedClient | undefined;

async function start(): Promise<Facts> {
  const startedAt = performance.now();
  await systemctl('start');
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
  assert.ok(await isReady(), 'ready means that tunnels are accepted');
  assert.equal(await property('ActiveState'), 'active');
  assert.equal(await property('StatusText'), 'up: 0 sessions, 0 on their way, 2 of 2 workers ready');
  return { startSeconds: seconds };
}

async function leastPrivilege(): Promise<Facts> {
  const pid = await mainProcess();
  const uid = await accountId();
  assert.ok(uid > 0);
  assert.equal(processStatus(pid, 'Uid'), Array(4).fill(uid).join('\t'));
  for (const set of ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb']) {
    assert.equal(BigInt(`0x${processStatus(pid, set)}`), CAPABILITIES, set);
  }
  assert.equal(processStatus(pid, 'NoNewPrivs'), '1');
  assert.equal(processStatus(pid, 'Seccomp'), '2');
  assert.match(await run('ip', '-brief', 'link', 'show', 'type', 'tun'), /^sstp0 .*\nsstp1 /);
  assert.doesNotMatch(await journal(), /"level":50|ip_forward is 0/);
  return { memoryPeakKb: Number.parseInt(processStatus(pid, 'VmHWM'), 10) };
}

async function reload(folder: string): Promise<Facts> {
  tunnel = await ConnectedClient.connect(folder, USER);
  await ping(GATEWAY_INSIDE);
  assert.equal((await tunnelRoutes()).length, 1);
  const pid = await mainProcess();
  await systemctl('reload');
  await run('systemctl', 'kill', '--kill-who', 'main', '--signal', 'SIGHUP', 'sstp-gateway');
  await waitFor('two reloads', 30_000, async () => (await journal()).split('"configuration reloaded"').length === 3);
  await waitFor('a service that is active again', 10_000, async () => (await property('ActiveState')) === 'active');
  assert.equal(await mainProcess(), pid);
  assert.equal(tunnel.ended, undefined);
  await ping(GATEWAY_INSIDE);
  // Said every ten seconds.
  await waitFor('a status with the session', 30_000, async () =>
    (await property('StatusText')).startsWith('up: 1 sessions,'),
  );
  return {};
}

async function faultyReload(): Promise<Facts> {
  configure({ workers: 'many' });
  await assert.rejects(systemctl('reload'), /workers: "many" cannot be used/);
  assert.equal(await property('ActiveState'), 'active');
  configure({});
  await ping(GATEWAY_INSIDE);
  return {};
}

async function hungWorker(): Promise<Facts> {
  const pid = await mainProcess();
  const hungAt = performance.now();
  await hangWorker('loop');
  const status = await waitFor('a worker that was started anew', RESTART_LIMIT_MS, async () => {
    const now = await gatewayStatus();
    return now?.workers.some(({ restarts }) => restarts === 1) && (await isReady()) ? now : undefined;
  });
  assert.match(await journal(), /no sign of life for \d+ s: terminated/);
  assert.equal(await mainProcess(), pid);
  assert.equal(await property('NRestarts'), '0');
  // The worker was the tunnel's, or it was the other one.
  if (status.sessions['up'] === 0) await waitFor('a client that knows', 30_000, () => tunnel?.ended !== undefined);
  else await ping(GATEWAY_INSIDE);
  await tunnel?.end();
  return { secondsUntilReady: Math.round((performance.now() - hungAt) / 1000) };
}

async function stuckWorker(folder: string): Promise<Facts> {
  const pid = await mainProcess();
  const hungAt = performance.now();
  await hangWorker('system-call');
  await waitFor('another process', RESTART_LIMIT_MS, async () => ![0, pid].includes(await mainProcess()));
  await waitFor('a gateway that is ready', RESTART_LIMIT_MS, isReady);
  const seconds = Math.round((performance.now() - hungAt) / 1000);
  assert.equal(await property('NRestarts'), '1');
  tunnel = await ConnectedClient.connect(folder, USER);
  await ping(GATEWAY_INSIDE);
  return { secondsUntilReady: seconds };
}

async function stop(): Promise<Facts> {
  assert.equal((await tunnelRoutes()).length, 1);
  const stoppedAt = performance.now();
  await systemctl('stop');
  const seconds = Math.round((performance.now() - stoppedAt) / 100) / 10;
  assert.deepEqual(
    [await property('ActiveState'), await property('Result'), await property('ExecMainStatus')],
    ['inactive', 'success', '0'],
  );
  await waitFor('a client that was told', 10_000, () => tunnel?.ended !== undefined);
  assert.match(tunnel?.output() ?? '', /the server ended the PPP link/);
  assert.deepEqual(await tunnelRoutes(), []);
  assert.equal((await run('ip', '-brief', 'link', 'show', 'type', 'tun')).trim(), '');
  return { stopSeconds: seconds };
}
