// `connect` with a TUN device, in network namespaces: the kernel's own packets through a tunnel to a real gateway.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { createSite, PASSWORD, type Site, USER } from '../gateway/site.ts';
import { Namespace, namespacesUnavailable } from '../tun/namespace.ts';
import { type RunningCommand, startCommand } from './start-command.ts';

const SERVER = '192.0.2.1';
const IS_UP = /^sstpc0 is up: address (10\.66\.\d+\.\d+), gateway 10\.66\.0\.1, MTU 1400$/m;

describe('connect with a TUN device', { skip: namespacesUnavailable() }, () => {
  let site: Site;
  let far: Namespace;
  let near: Namespace;
  let gateway: GatewayProcess;

  before(async () => {
    site = await createSite({ listen: [{ address: `${SERVER}:0` }] });
    far = new Namespace('cf');
    near = new Namespace('cn');
    far.connect(near, 'outer', `${SERVER}/24`, 'outer', '192.0.2.2/24');
    gateway = await GatewayProcess.start(site, far.name);
  });

  after(async () => {
    await gateway?.stop();
    near?.delete();
    far?.delete();
    site?.remove();
  });

  const connect = (...args: string[]): RunningCommand => {
    const trust = ['--certificate-sha256', site.fingerprint, '--user', USER, '--password', PASSWORD];
    return startCommand(['connect', ...trust, ...args, `https://${SERVER}:${gateway.port}`], near.name);
  };
  const links = (): string => near.ip('link', 'show');

  test('the kernel pings the gateway through it, and SIGTERM ends it with exit code 0 and without a trace', async () => {
    near.ip('route', 'add', 'default', 'via', SERVER);
    near.ip('route', 'add', '198.51.100.0/24', 'dev', 'outer');
    const routesBefore = near.ip('route', 'show');
    const command = connect('--route', '198.51.100.0/24', '--route', 'default');
    const printed = await command.untilPrinted(IS_UP);
    const address = IS_UP.exec(printed)?.[1];
    assert.match(near.ip('address', 'show', 'dev', 'sstpc0'), new RegExp(`inet ${address} peer 10\\.66\\.0\\.1/32`));
    const routes = near.ip('route', 'show');
    assert.match(routes, /^198\.51\.100\.0\/24 dev sstpc0/m);
    assert.match(routes, /^default dev sstpc0/m);
    assert.match(near.ip('route', 'get', '203.0.113.1'), /dev sstpc0/);
    assert.match(routes, /^192\.0\.2\.1 dev outer/m, 'the way to the server stays out of the tunnel');
    const ping = await near.run('ping', '-c', '3', '-i', '0.2', '-W', '5', '-s', '1372', '-M', 'do', '10.66.0.1');
    assert.equal(ping.code, 0, ping.stdout);
    command.kill('SIGTERM');
    const { code, stdout, stderr } = await command.ended;
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^disconnected$/m);
    assert.doesNotMatch(links(), /sstpc0/);
    assert.equal(near.ip('route', 'show'), routesBefore);
    await gateway.untilLogged('session down');
  });

  test('a route that the kernel refuses ends the tunnel in good order with what it said', async () => {
    const { code, stdout, stderr } = await connect('--route', '10.0.0.1/8').ended;
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^sstp-gateway: ip route prepend 10\.0\.0\.1\/8 dev sstpc0: [^\n]+\n/);
    assert.doesNotMatch(links(), /sstpc0/);
  });

  test('a device that cannot be had is told before the server hears anything', async () => {
    near.ip('link', 'add', 'sstpc0', 'type', 'veth', 'peer', 'name', 'sstpc1');
    const { code, stderr } = await connect().ended;
    near.ip('link', 'delete', 'sstpc0');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^sstp-gateway: sstpc0 is the name of a network interface that is no single-queue TUN device\n$/,
    );
  });

  // The last one, since it takes the gateway away.
  test('the end of the gateway is exit code 1 with the reason, and the device is gone', async () => {
    const command = connect('--json');
    const report = JSON.parse((await command.untilPrinted(/\n/)).trim()) as Record<string, unknown>;
    assert.equal(report['ok'], true);
    assert.equal(report['device'], 'sstpc0');
    await gateway.stop();
    const { code, stderr } = await command.ended;
    assert.equal(code, 1);
    assert.match(stderr, /^sstp-gateway: the tunnel is gone: the (server|connection) [^\n]+\n$/);
    assert.doesNotMatch(links(), /sstpc0/);
  });
});
