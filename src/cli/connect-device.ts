// `connect` on a TUN device: the kernel's packets go through the tunnel until the user or the server ends it.
import type { ClientRuntime } from '../client/client-runtime.ts';
import { SstpClient } from '../client/sstp-client.ts';
import { UplinkBatch } from '../hotpath/uplink-batch.ts';
import { configureInterface } from '../tun/interface.ts';
import { runIp } from '../tun/ip-command.ts';
import { ALL_OFFLOADS } from '../tun/offloads.ts';
import { TunDevice, closeTun, openTun } from '../tun/tun-device.ts';
import type { Ipv6Host } from '../protocol/link/ipv6-host.ts';
import { formatIpv4, parseIpv4 } from '../wire/ip.ts';
import { formatIpv6, isInIpv6Prefix, parseIpv6 } from '../wire/ipv6.ts';
import { CommandError } from './command-error.ts';
import type { ConnectPlan, Route } from './connect-options.ts';
import { printJson } from './json-output.ts';
import { CONFIGURATION_LIMIT_MS, networkFacts, networkLines, TunnelWatch } from './connect-watch.ts';

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
  device.start({
    receive: (at, length) => client.queuePacket(at, length),
    drained: () => client.flush(),
    onError: error => watch.failed(error),
  });
  if (plan.client.ipv6 === true) await client.configured(CONFIGURATION_LIMIT_MS);
  const { ipv4, ipv6 } = client;
  await configureInterface({
    name: plan.device,
    address: ipv4 === undefined ? undefined : formatIpv4(ipv4.address),
    ...(ipv4 === undefined || ipv4.gateway === 0 ? {} : { peer: formatIpv4(ipv4.gateway) }),
    addresses6: ipv6 === undefined ? [] : addresses6(ipv6),
    mtu: mtuOf(client, plan),
  });
  await detour.add(client.connection.remoteAddress, plan.routes);
  for (const route of plan.routes) await runIp('route', ...additionOf(route), 'dev', plan.device);
}

/** In front of a route to the same network that is there already: in its place, it would be gone with the tunnel. */
function additionOf({ family, text }: Route): string[] {
  return family === 4 ? ['prepend', text] : ['add', text, 'metric', '1'];
}

function announce(client: SstpClient, plan: ConnectPlan, json: boolean): void {
  const mtu = mtuOf(client, plan);
  if (json) {
    printJson({ ok: true, device: plan.device, ...networkFacts(client), mtu }, 'line');
    return;
  }
  console.log(`${plan.device} is up: ${networkLines(client, mtu).join('\n')}`);
}

/** The address that the prefix makes is the only one of it that is here. */
function addresses6({ linkLocal, configuration }: Ipv6Host): string[] {
  const own = configuration?.address;
  return [`${formatIpv6(linkLocal)}/64`, ...(own === undefined ? [] : [`${formatIpv6(own)}/128`])];
}

/** A packet must fit what the server receives, and the user may want less. */
function mtuOf(client: SstpClient, plan: ConnectPlan): number {
  return Math.min(client.mtu, plan.client.mtu);
}

/** Keeps the way to the server, or to the proxy, out of a tunnel whose routes would catch it: a host route as the way was before. */
class Detour {
  #route: readonly string[] | undefined;

  async add(remoteAddress: string, routes: readonly Route[]): Promise<void> {
    refuseCatching(parseIpv6(remoteAddress), routes);
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

/** The way to an IPv6 server is not kept. */
function refuseCatching(server: bigint | undefined, routes: readonly Route[]): void {
  for (const route of routes) {
    if (server !== undefined && route.family === 6 && isInIpv6Prefix(server, route.prefix))
      throw new CommandError(`--route ${route.text} covers the way to the server itself`);
  }
}

function covers(route: Route, host: number): boolean {
  if (route.family !== 4) return false;
  const { address, prefixLength } = route;
  const size = 2 ** (32 - prefixLength);
  return Math.floor(address / size) === Math.floor(host / size);
}
