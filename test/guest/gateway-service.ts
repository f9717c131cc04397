// The gateway as an operator has it: installed, and run by systemd from the unit in deploy/, in a guest whose process 1 is systemd.
import { chownSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { run, waitFor } from './commands.ts';
import { FAULT_FILES } from './fault-on-request.ts';
import type { Hang } from './fault-on-request.ts';
import { GATEWAY_INSIDE, GATEWAY_OUTSIDE, POOL } from './guest-network.ts';

const UNIT = 'sstp-gateway';
const ACCOUNT = 'sstp-gateway';
const CHECKOUT = resolve(import.meta.dirname, '../../..');
/** Where `npm install --global` puts it. The sandbox hides what lies in /home, /root and /tmp, where a checkout may be. */
const PACKAGE = '/usr/local/lib/node_modules/sstp-gateway';
const CONFIGURATION = '/etc/sstp-gateway/gateway.yaml';
const USERS = '/etc/sstp-gateway/users.yaml';
const STATE = '/var/lib/sstp-gateway';
const ADMIN = '127.0.0.1:8080';
/** Longer than a worker may be silent, and shorter than systemd waits for the gateway: both far above what a slow guest makes of a second. */
const WATCHDOG = '5s';
const SYSTEMD_WATCHDOG_S = 15;

/** Beside the unit: the private key as only root can read it, a shorter wait, and faults on request. */
const DROP_IN = `[Service]
LoadCredential=privkey.pem:/etc/ssl/private/gateway.pem
WatchdogSec=${SYSTEMD_WATCHDOG_S}
Environment=NODE_OPTIONS=--import=${PACKAGE}/build/test/guest/fault-on-request.js
`;

/** `folder` holds cert.pem and key.pem. Does what docs/deployment.md says, but for the packages. */
export async function installService(folder: string, user: { name: string; password: string }): Promise<void> {
  mkdirSync(PACKAGE, { recursive: true });
  await run('mount', '--bind', CHECKOUT, PACKAGE);
  if (!existsSync('/usr/local/bin/sstp-gateway')) {
    await run('chmod', '+x', `${PACKAGE}/build/src/main.js`);
    symlinkSync(`${PACKAGE}/build/src/main.js`, '/usr/local/bin/sstp-gateway');
  }
  if (!process.execPath.startsWith('/usr/')) {
    writeFileSync('/usr/local/bin/node', '');
    await run('mount', '--bind', process.execPath, '/usr/local/bin/node');
  }
  // As udev's own rules have it (50-udev-default.rules); there is no udev here.
  await run('chmod', '0666', '/dev/net/tun');
  const units = join(PACKAGE, 'deploy/systemd');
  await install(join(units, 'sysusers.conf'), '/etc/sysusers.d/sstp-gateway.conf');
  await install(join(units, 'tmpfiles.conf'), '/etc/tmpfiles.d/sstp-gateway.conf');
  await run('systemd-sysusers', 'sstp-gateway.conf');
  await run('systemd-tmpfiles', '--create', 'sstp-gateway.conf');
  await install(join(units, 'sstp-gateway.service'), `/etc/systemd/system/${UNIT}.service`);

  mkdirSync('/etc/ssl/private', { recursive: true, mode: 0o700 });
  copyFileSync(join(folder, 'key.pem'), '/etc/ssl/private/gateway.pem');
  copyFileSync(join(folder, 'cert.pem'), '/etc/sstp-gateway/fullchain.pem');
  writeFileSync(USERS, JSON.stringify([user]), { mode: 0o600 });
  const uid = await accountId();
  chownSync(USERS, uid, uid);
  mkdirSync(`/etc/systemd/system/${UNIT}.service.d`);
  writeFileSync(`/etc/systemd/system/${UNIT}.service.d/test.conf`, DROP_IN);
  configure({});
  await run('systemctl', 'daemon-reload');
}

async function install(from: string, to: string): Promise<void> {
  await run('install', '-D', '--mode', '644', from, to);
}

/** Writes the configuration file, the one in deploy/ but for what is this guest's own; `sections` stand beside the sections here, or in their place. */
export function configure(sections: Readonly<Record<string, unknown>>): void {
  const sample = parse(readFileSync(join(PACKAGE, 'deploy/gateway.yaml'), 'utf8')) as Record<string, unknown>;
  writeFileSync(
    CONFIGURATION,
    // JSON is YAML.
    JSON.stringify({
      ...sample,
      listen: [{ address: `${GATEWAY_OUTSIDE}:443` }],
      tls: { certificates: [{ cert: 'fullchain.pem', key: `/run/credentials/${UNIT}.service/privkey.pem` }] },
      workers: 2,
      watchdog: WATCHDOG,
      network: { mode: 'tun', ipv4: { pool: [POOL], gateway: GATEWAY_INSIDE } },
      ...sections,
    }),
  );
}

export async function accountId(): Promise<number> {
  return Number(await run('id', '--user', ACCOUNT));
}

/** @throws Error with what systemctl and the journal say, when it fails */
export async function systemctl(verb: 'start' | 'stop' | 'reload'): Promise<void> {
  try {
    await run('systemctl', verb, UNIT);
  } catch (error) {
    throw new Error(`${String(error)}\n${await journal()}`, { cause: error });
  }
}

/** A property of the unit, as `systemctl show` has it. */
export async function property(name: string): Promise<string> {
  return (await run('systemctl', 'show', '--property', name, '--value', UNIT)).trim();
}

export async function mainProcess(): Promise<number> {
  return Number(await property('MainPID'));
}

/** A line of /proc/PID/status. */
export function processStatus(pid: number, name: string): string {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
}

/** The gateway's log. */
export async function journal(): Promise<string> {
  return await run('journalctl', '--unit', UNIT, '--output', 'cat', '--no-pager');
}

/** Makes one worker hang. */
export async function hangWorker(how: Hang): Promise<void> {
  const file = join(STATE, FAULT_FILES[how]);
  if (how === 'system-call') await run('mkfifo', file);
  else writeFileSync(file, '');
  await waitFor('a worker that hangs', 30_000, () => existsSync(`${file}.taken`));
}

interface Status {
  readonly workers: readonly { readonly state: string; readonly restarts: number; readonly sessions: number }[];
  readonly sessions: Readonly<Record<string, number>>;
}

/** From the admin plane; undefined when it does not answer. */
export async function gatewayStatus(): Promise<Status | undefined> {
  try {
    const response = await fetch(`http://${ADMIN}/api/v1/status`, { signal: AbortSignal.timeout(5000) });
    return (await response.json()) as Status;
  } catch {
    return undefined;
  }
}

export async function isReady(): Promise<boolean> {
  try {
    const response = await fetch(`http://${ADMIN}/readyz`, { signal: AbortSignal.timeout(5000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
