/**
 * Runs in the clients' namespace: tunnels of the client library, each on a TUN device of its own, so that the kernel's
 * TCP can be sent through many tunnels at once. Says as one JSON line which addresses it got, and runs until SIGTERM.
 */
import { createClientRuntime } from '../src/client/client-runtime.ts';

import { UplinkBatch } from '../src/hotpath/uplink-batch.ts';
import { SstpClient } from '../src/client/sstp-client.ts';
import { configureInterface } from '../src/tun/interface.ts';
import { runIp } from '../src/tun/ip-command.ts';
import { ALL_OFFLOADS } from '../src/tun/offloads.ts';
import { TunDevice, openTun } from '../src/tun/tun-device.ts';
import { formatIpv4 } from '../src/wire/ip.ts';
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
}

const CONCURRENT_HANDSHAKES = 8;
/** Of policy routing; below are those that the kernel reserves. */
const FIRST_TABLE = 1000;

const request = JSON.parse(process.argv[2] ?? '') as DevicesRequest;
const tunnels = await inParallel(request.count, CONCURRENT_HANDSHAKES, index =>
  openTunnel(request, request.first + index),
);
process.once('SIGTERM', () => {
  void Promise.all(tunnels.map(tunnel => tunnel.end())).finally(() => process.exit(0));
});
const report: DevicesReport = { addresses: tunnels.map(({ network }) => formatIpv4(network.address)) };
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
  const address = formatIpv4(client.network.address);
  await configureInterface({ name, address, mtu });
  // All tunnels lead to the same network: the source address tells which one a packet takes.
  const table = String(FIRST_TABLE + index);
  await runIp('route', 'add', 'default', 'dev', name, 'table', table);
  await runIp('rule', 'add', 'from', address, 'table', table);
  return client;
}

function fail(message: string): never {
  console.error(`tunnel-devices: ${message}`);
  process.exit(1);
}
