// A real HTTP proxy, the Debian package tinyproxy, on loopback.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTcp, type TestServer } from './fixture.ts';

/** Why tests with tinyproxy must be skipped here, or false. With CI=true nothing is skipped: what is missing fails. */
export function tinyproxyUnavailable(): string | false {
  const missing = spawnSync('tinyproxy', ['-v']).error !== undefined;
  return missing && process.env['CI'] !== 'true' ? 'tinyproxy (a Debian package) is not installed' : false;
}

/** Relays CONNECT to `connectPort` only, for one user (Basic authentication). */
export async function startTinyproxy(connectPort: number, user: string, password: string): Promise<TestServer> {
  const free = await startTcp(() => {});
  await free[Symbol.asyncDispose]();
  const folder = mkdtempSync(join(tmpdir(), 'sstp-gateway-proxy-'));
  const file = join(folder, 'tinyproxy.conf');
  const lines = [
    `Port ${free.port}`,
    'Listen 127.0.0.1',
    'Timeout 60',
    'MaxClients 20',
    `BasicAuth ${user} ${password}`,
  ];
  writeFileSync(file, `${[...lines, `ConnectPort ${connectPort}`].join('\n')}\n`);
  const child = spawn('tinyproxy', ['-d', '-c', file], { stdio: 'ignore' });
  const exited = new Promise<void>(resolve => void child.once('exit', () => resolve()));
  while (!(await listens(free.port))) assert.equal(child.exitCode, null, 'tinyproxy ended');
  return {
    port: free.port,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => setTimeout(resolve, 10, false));
  });
}
