// `connect` on a TUN device: the kernel's packets go through the tunnel until the user or the server ends it.
import type { ClientRuntime } from '../client/client-runtime.ts';
import { SstpClient } from '../client/sstp-client.ts';
import { UplinkBatch } from '../hotpath/uplink-batch.ts';
import { configureInterface } from '../tun/interface.ts';
import { runIp } from '../tun/ip-command.ts';
import { ALL_OFFLOADS } from '../tun/offloads.ts';
import { TunDevice, closeTun, openTun } from '../tun/tun-device.ts';
import { formatIpv4, parseIpv4 } from '../wire/ip.ts';
import type { ConnectPlan, Route } from './connect-options.ts';
import { networkFacts, TunnelWatch } from './connect-watch.ts';

/**
 * Resolves when the tunnel was ended because the user interrupted.
 * @throws CommandError when the tunnel is lost; TunError, IpCommandError; what `SstpClient.connect` throws
 */
export async function runTunnel(runtime: ClientRuntime, plan: ConnectPlan, json: boolean): Promise<void> {
  const { path } = runtime;
  // Before anything is sent: a tunnel that could have no device would only occupy the server.
  const handle = openTun(plan.device, ALL_OFFLOADS);
  const device = new TunDevice(handle, {
    memory: path.memory,
    at: path.tunAt,
    slots: path.tunSlots,
    stride: path.tunStride,
    headroom: path.headroom,
  });
  const watch = new TunnelWatch(plan.interrupted);
  let client: SstpClient | undefined;
  const detour = new Detour();
  try {
    const uplink = new UplinkBatch(path, device, {
      atEndOfTurn: flush => void setImmediate(flush),
      refused: () => {},
    });
    client = await SstpClient.connect(
      runtime,
      { ...plan.client, uplink },
      {
        receivePacket: () => {},
        ended: reason => watch.ended(reason),
      },
    );
    await watch.orLost(useDevice(client, device, plan, watch, detour));
    announce(client, plan, json);
    await watch.untilInterrupted();
    await client.end();
    if (!json) console.log('disconnected');
  } finally {
    await client?.end();
    await detour.remove();
    device.close();
    closeTun(handle);
  }
}

async function useDevice(
  client: SstpClient,
  device: TunDevice,
  plan: ConnectPlan,
  watch: TunnelWatch,
  detour: Detour,
): Promise<void> {
  const { address, gateway } = client.network;
  device.start({
    receive: (at, length) => client.queuePacket(at, length),
    drained: () => client.flush(),
    onError: error => watch.failed(error),
  });
  await configureInterface({
    name: plan.device,
    address: formatIpv4(address),
    ...(gateway === 0 ? {} : { peer: formatIpv4(gateway) }),
    mtu: mtuOf(client, plan),
  });
  await detour.add(client.connection.remoteAddress, plan.routes);
  for (const { text } of plan.routes) await runIp('route', 'replace', text, 'dev', plan.device);
}

function announce(client: SstpClient, plan: ConnectPlan, json: boolean): void {
  const mtu = mtuOf(client, plan);
  if (json) {
    console.log(JSON.stringify({ ok: true, device: plan.device, ...networkFacts(client), mtu }));
    return;
  }
  const { address, gateway, dns } = client.network;
  const peer = gateway === 0 ? '' : `, gateway ${formatIpv4(gateway)}`;
  console.log(`${plan.device} is up: address ${formatIpv4(address)}${peer}, MTU ${mtu}`);
  if (dns.length > 0) console.log(`DNS ${dns.map(formatIpv4).join(', ')}`);
}

/** A packet must fit what the server receives, and the user may want less. */
function mtuOf(client: SstpClient, plan: ConnectPlan): number {
  return Math.min(client.mtu, plan.client.mtu);
}

/** Keeps the way to the server, or to the proxy, out of a tunnel whose routes would catch it: a host route as the way was before. */
class Detour {
  #route: readonly string[] | undefined;

  async add(remoteAddress: string, routes: readonly Route[]): Promise<void> {
    const server = parseIpv4(remoteAddress);
    if (server === undefined || !routes.some(route => covers(route, server))) return;
    const host = `${remoteAddress}/32`;
    // "192.0.2.7 via 198.51.100.1 dev eth0 src ...", "192.0.2.7 dev eth0 src ...", or "local 127.0.0.1 dev lo ...".
    const way = await runIp('route', 'get', remoteAddress);
    const [, gateway, device] = /^\S+ (?:via (\S+) )?dev (\S+)/.exec(way) ?? [];
    const isOwnWork = (await runIp('route', 'show', host)).trim() === '';
    if (device === undefined || way.startsWith('local ') || !isOwnWork) return;
    const route = [host, ...(gateway === undefined ? [] : ['via', gateway]), 'dev', device];
    await runIp('route', 'add', ...route);
    this.#route = route;
  }

  async remove(): Promise<void> {
    if (this.#route === undefined) return;
    // The interface, or the route, may be gone by now, which is as good.
    await runIp('route', 'delete', ...this.#route).catch(() => {});
  }
}

function covers({ address, prefixLength }: Route, host: number): boolean {
  const size = 2 ** (32 - prefixLength);
  return Math.floor(address / size) === Math.floor(host / size);
}
