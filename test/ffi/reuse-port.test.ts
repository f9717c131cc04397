import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, test } from 'node:test';
import { close } from '../../src/ffi/libc.ts';
import { listenReusePort } from '../../src/ffi/reuse-port.ts';

const withoutIpv6 =
  process.env['CI'] !== 'true' && !networkInterfaces()['lo']?.some(({ family }) => family === 'IPv6') && 'needs IPv6';
const BACKLOG = 128;

describe('listenReusePort', () => {
  let servers: Server[] = [];
  afterEach(async () => {
    await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
    servers = [];
  });

  /** A server on the descriptor, which counts its connections. */
  async function serve(host: string, port: number): Promise<{ port: number; connections: () => number }> {
    const fd = listenReusePort({ host, port, backlog: BACKLOG });
    let connections = 0;
    const server = createServer(socket => {
      connections += 1;
      socket.end();
    });
    servers.push(server);
    await new Promise<void>(resolve => {
      server.listen({ fd, backlog: BACKLOG }, resolve);
    });
    return { port: (server.address() as AddressInfo).port, connections: () => connections };
  }

  const families: [string, string | false][] = [
    ['127.0.0.1', false],
    ['::1', withoutIpv6],
  ];
  for (const [host, skip] of families) {
    test(`two listeners share a port of ${host}, and the kernel spreads connections over them`, { skip }, async () => {
      const first = await serve(host, 0);
      const second = await serve(host, first.port);
      assert.equal(second.port, first.port);
      // The chance that 64 connections all hash to one listener is 2^-63.
      for (let count = 0; count < 64; count++) await visit(host, first.port);
      assert.equal(first.connections() + second.connections(), 64);
      assert.ok(first.connections() > 0 && second.connections() > 0);
    });
  }

  test('"::" takes no IPv4 connections', { skip: withoutIpv6 }, async () => {
    const { port, connections } = await serve('::', 0);
    await visit('::1', port);
    await assert.rejects(visit('127.0.0.1', port), { code: 'ECONNREFUSED' });
    assert.equal(connections(), 1);
  });

  test('a port that somebody has without SO_REUSEPORT is EADDRINUSE', async () => {
    const server = createServer();
    servers.push(server);
    await new Promise<void>(resolve => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    assert.throws(() => listenReusePort({ host: '127.0.0.1', port, backlog: BACKLOG }), {
      name: 'SystemCallError',
      code: 'EADDRINUSE',
      syscall: 'bind',
      message: 'bind EADDRINUSE: Address already in use',
    });
  });

  test('a congestion control that the kernel does not have is no reason not to listen', () => {
    close(listenReusePort({ host: '127.0.0.1', port: 0, backlog: BACKLOG, congestionControl: 'no-such-thing' }));
  });

  test('an address of another host is EADDRNOTAVAIL', () => {
    assert.throws(() => listenReusePort({ host: '192.0.2.1', port: 0, backlog: BACKLOG }), { code: 'EADDRNOTAVAIL' });
  });

  for (const host of ['localhost', '', '127.0.0.1 ', '1.2.3', '::1::', '[::1]']) {
    test(`${JSON.stringify(host)} is no address: EINVAL`, () => {
      assert.throws(() => listenReusePort({ host, port: 0, backlog: BACKLOG }), { code: 'EINVAL' });
    });
  }

  test('a scope that does not exist is refused', { skip: withoutIpv6 }, () => {
    assert.throws(() => listenReusePort({ host: 'fe80::1%nowhere0', port: 0, backlog: BACKLOG }), { code: 'EINVAL' });
  });

  test('failures leak no descriptor', () => {
    const before = readdirSync('/proc/self/fd').length;
    for (let count = 0; count < 20; count++) {
      assert.throws(() => listenReusePort({ host: '192.0.2.1', port: 0, backlog: BACKLOG }));
    }
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });

  test('child processes do not inherit the listener', async () => {
    const fd = listenReusePort({ host: '127.0.0.1', port: 0, backlog: BACKLOG });
    const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '';
    const server = createServer();
    servers.push(server);
    await new Promise<void>(resolve => {
      server.listen({ fd }, resolve);
    });
    assert.equal(Number.parseInt(flags, 8) & 0o2000000, 0o2000000);
  });
});

/** Connects and waits until the server has ended the connection. */
function visit(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    socket.resume();
    socket.once('error', reject);
    socket.once('close', () => resolve());
  });
}
