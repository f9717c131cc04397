// The hosts inside the guest: its own namespace is the gateway's host, `client` is where sstpc and pppd run, `server` is
// a host behind the gateway. Client and server have no way to each other but the tunnel.
//
//   client 192.0.2.2 ---- 192.0.2.1 gateway 198.51.100.1 ---- 198.51.100.2 server
//                                           2001:db8:2::1 --- 2001:db8:2::2
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Job, run, waitFor } from './commands.ts';

export const GATEWAY_NAME = 'gateway.example.test';
export const GATEWAY_OUTSIDE = '192.0.2.1';
export const SERVER_ADDRESS = '198.51.100.2';
export const SERVER_ADDRESS_IPV6 = '2001:db8:2::2';
/** Inside the tunnels. */
export const GATEWAY_INSIDE = '10.66.0.1';
export const POOL = '10.66.0.0/24';

const SERVER_NETWORK = '198.51.100.0/24';

/** Bounds what is still on its way when iperf3's sender is done, and with it what its receiver no longer counts. */
const SOCKET_BUFFER = '256K';

const LINKS = `
link add uplink type veth peer name eth0 netns client
link add lan type veth peer name eth0 netns server
addr add ${GATEWAY_OUTSIDE}/24 dev uplink
addr add 198.51.100.1/24 dev lan
addr add 2001:db8:2::1/64 dev lan nodad
link set uplink up
link set lan up
`;

/** Namespaces, cables, forwarding, names, and an iperf3 server on the far host. */
export async function buildNetwork(folder: string): Promise<void> {
  await run('ip', 'netns', 'add', 'client');
  await run('ip', 'netns', 'add', 'server');
  const batch = join(folder, 'links.ip');
  writeFileSync(batch, LINKS);
  await run('ip', '-batch', batch);
  await configureHost('client', '192.0.2.2/24');
  await configureHost('server', `${SERVER_ADDRESS}/24`);
  await run('ip', '-n', 'server', 'addr', 'add', `${SERVER_ADDRESS_IPV6}/64`, 'dev', 'eth0', 'nodad');
  await run('ip', '-n', 'server', 'route', 'add', 'default', 'via', '198.51.100.1');
  await run('ip', '-n', 'server', '-6', 'route', 'add', 'default', 'via', '2001:db8:2::1');
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
  writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '1');
  appendFileSync('/etc/hosts', `\n${GATEWAY_OUTSIDE} ${GATEWAY_NAME}\n`);
  const server = new Job(join(folder, 'iperf3-server.log'), on('server', 'iperf3', '--server', '--forceflush'));
  await waitFor('iperf3 server', 10_000, () => server.output().includes('listening'));
}

async function configureHost(host: string, address: string): Promise<void> {
  await run('ip', '-n', host, 'link', 'set', 'lo', 'up');
  await run('ip', '-n', host, 'addr', 'add', address, 'dev', 'eth0');
  await run('ip', '-n', host, 'link', 'set', 'eth0', 'up');
}

/** The command as run on another host; the process that it makes is the command itself. */
export function on(host: 'client' | 'server', command: string, ...args: readonly string[]): [string, ...string[]] {
  return ['ip', 'netns', 'exec', host, command, ...args];
}

export async function routeToServer(device: string): Promise<void> {
  await run('ip', '-n', 'client', 'route', 'add', SERVER_NETWORK, 'dev', device);
}

/** @throws Error when an answer is missing */
export async function ping(address: string): Promise<void> {
  const [command, ...args] = on('client', 'ping', '-c', '3', '-i', '0.2', '-W', '5', address);
  const output = await run(command, ...args);
  if (!output.includes(' 0% packet loss')) throw new Error(`answers are missing: ${output}`);
}

/** Bytes that arrived and the rate at which they did, as iperf3's receiving end counts them. */
export interface Transfer {
  readonly bytes: number;
  readonly bitsPerSecond: number;
}

/** Sends `length` bytes through the tunnel: up from the client, down to it. */
export async function transfer(direction: 'up' | 'down', length: number): Promise<Transfer> {
  const options = ['--client', SERVER_ADDRESS, '--bytes', `${length}`, '--window', SOCKET_BUFFER, '--json'];
  if (direction === 'down') options.push('--reverse');
  const [command, ...args] = on('client', 'iperf3', ...options);
  const report = JSON.parse(await run(command, ...args)) as {
    end: { sum_received: { bytes: number; bits_per_second: number } };
  };
  return { bytes: report.end.sum_received.bytes, bitsPerSecond: report.end.sum_received.bits_per_second };
}

/** The client's global IPv6 addresses on a device, those that are still being checked not among them. */
export async function globalAddresses(device: string): Promise<string[]> {
  const output = await run(
    'ip',
    '-n',
    'client',
    '-6',
    '-oneline',
    'addr',
    'show',
    'dev',
    device,
    'scope',
    'global',
    '-tentative',
  );
  return [...output.matchAll(/inet6 ([0-9a-f:]+)\/\d+/g)].map(match => match[1] ?? '');
}

/** Process ids on the client's host. */
export async function clientProcesses(): Promise<number[]> {
  const output = await run('ip', 'netns', 'pids', 'client');
  return output.split('\n').filter(Boolean).map(Number);
}

/** The gateway's host routes into its tunnels, one address each. */
export async function tunnelRoutes(): Promise<string[]> {
  const output = await run('ip', 'route', 'show');
  return [...output.matchAll(/^(\d+\.\d+\.\d+\.\d+) dev sstp\d+/gm)].map(match => match[1] ?? '');
}
