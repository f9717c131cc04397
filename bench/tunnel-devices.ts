/**
 * Runs in the clients' namespace: tunnels of the client library, each on a TUN device of its own, so that the kernel's
 * TCP can be sent through many tunnels at once. Says as one JSON line which addresses it got, and runs until SIGTERM.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClientRuntime } from '../src/client/client-runtime.ts';

import { UplinkBatch } from '../src/hotpath/uplink-batch.ts';
import { SstpClient } from '../src/client/sstp-client.ts';
import { configureInterface } from '../src/tun/interface.ts';
import { runIp } from '../src/tun/ip-command.ts';
import { ALL_OFFLOADS } from '../src/tun/offloads.ts';
import { TunDevice, openTun } from '../src/tun/tun-device.ts';
import { formatIpv4 } from '../src/wire/ip.ts';
import { formatIpv6 } from '../src/wire/ipv6.ts';
import { inParallel } from '../test/gateway/clients.ts';
import type { Target } from './load/protocol.ts';

export interface DevicesRequest {
  readonly target: Target;
  readonly count: number;
  /** Tunnel devices that exist in the namespace already. */
  readonly first: number;
  readonly mtu: number;
}

export interface DevicesReport {
  readonly addresses: readonly string[];
  readonly addresses6: readonly string[];
}

const CONCURRENT_HANDSHAKES = 8;
const ADVERTISEMENT_LIMIT_MS = 10_000;
const POLL_MS = 10;
/** Of policy routing; below are those that the kernel reserves. */
const FIRST_TABLE = 1000;

const request = JSON.parse(process.argv[2] ?? '') as DevicesRequest;
const tunnels = await inParallel(request.count, CONCURRENT_HANDSHAKES, index =>
  openTunnel(request, request.first + index),
);
process.once('SIGTERM', () => {
  void Promise.all(tunnels.map(tunnel => tunnel.end())).finally(() => process.exit(0));
});
const report: DevicesReport = {
  addresses: tunnels.map(({ network }) => formatIpv4(network.address)),
  addresses6: tunnels.map(address6),
};
console.log(JSON.stringify(report));

/** Each with a runtime of its own: packets are gathered for one device. */
async function openTunnel({ target, mtu }: DevicesRequest, index: number) {
  const runtime = await createClientRuntime();
  const { path } = runtime;
  const name = `tunnel${index}`;
  const device = new TunDevice(openTun(name, ALL_OFFLOADS), {
    memory: path.memory,
    at: path.tunAt,
    slots: path.tunSlots,
    stride: path.tunStride,
    headroom: path.headroom,
  });
  const client: SstpClient = await SstpClient.connect(
    runtime,
    {
      ...target,
      mtu,
      ipv6: true,
      uplink: new UplinkBatch(path, device, { atEndOfTurn: flush => void setImmediate(flush), refused: () => {} }),
    },
    {
      receivePacket: () => {},
      ended: reason => fail(`a tunnel ended: ${reason}`),
    },
  );
  device.start({
    receive: (at, length) => client.queuePacket(at, length),
    drained: () => client.flush(),
    onError: error => fail(error.message),
  });
  // The client is up with the first of its protocols.
  await client.configured(ADVERTISEMENT_LIMIT_MS);
  while (client.ipv4 === undefined) await sleep(POLL_MS);
  const address = formatIpv4(client.network.address);
  const own6 = address6(client);
  await configureInterface({ name, address, addresses6: [`${own6}/128`], mtu });
  // All tunnels lead to the same network: the source address tells which one a packet takes.
  const table = String(FIRST_TABLE + index);
  await runIp('route', 'add', 'default', 'dev', name, 'table', table);
  await runIp('rule', 'add', 'from', address, 'table', table);
  await runIp('-6', 'route', 'add', 'default', 'dev', name, 'table', table);
  await runIp('-6', 'rule', 'add', 'from', own6, 'table', table);
  return client;
}

function address6({ ipv6 }: SstpClient): string {
  return formatIpv6(ipv6?.configuration?.address ?? fail('a tunnel got no IPv6 address'));
}

function fail(message: string): never {
  console.error(`tunnel-devices: ${message}`);
  process.exit(1);
}
