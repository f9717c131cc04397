/**
 * A gateway between two networks whose hosts are the kernel's: its TCP and its ping are what goes through the tunnels.
 *
 *   tunnel0..n --- tunnel-devices.js --- outer === outer --- gateway --- sstp0
 *   (the clients' namespace)                       (the gateway's namespace)
 */
import { readFileSync } from 'node:fs';
import type { GatewayProcess } from '../test/gateway/gateway-process.ts';
import { USER } from '../test/gateway/site.ts';
import type { Namespace } from '../test/tun/namespace.ts';
import { startScript } from './children.ts';
import type { Child } from './children.ts';
import { startServers } from './iperf.ts';
import type { Target } from './load/protocol.ts';
import { Cleanups, INNER_GATEWAY, NETWORK, joinNamespaces, layVeth, startGateway } from './testbed.ts';
import type { Cable, Sides } from './testbed.ts';
import type { DevicesReport, DevicesRequest } from './tunnel-devices.ts';

/** The gateway's address in the tunnels. */
export const INNER_GATEWAY6 = 'fd66::1';
export const TUNNEL_MTU = 1400;
const FIRST_SERVER_PORT = 5201;
const IPV4_SETTINGS = '/proc/sys/net/ipv4';

export interface TunnelDevices {
  readonly pid: number;
  /** One for each tunnel. */
  readonly addresses: readonly string[];
  /** Likewise, of IPv6. */
  readonly addresses6: readonly string[];
  stop(): Promise<void>;
}

export interface IperfServers {
  readonly ports: readonly number[];
  readonly pids: readonly number[];
}

export class KernelTestbed implements Sides {
  readonly gatewaySide: Namespace;
  readonly clientSide: Namespace;
  readonly gateway: GatewayProcess;
  /** How clients reach the gateway. */
  readonly target: Target;
  readonly #cleanups: Cleanups;
  readonly #children: Child[] = [];
  #devices = 0;

  /**
   * @param congestion the outer path's congestion control, one of those in {@link congestionControls}; the first by default.
   * @param users of the gateway, beside those that every site has.
   */
  static async start(
    cable: Cable = layVeth,
    congestion?: string,
    users: readonly object[] = [],
  ): Promise<KernelTestbed> {
    const cleanups = new Cleanups();
    try {
      const sides = await joinNamespaces(cable, cleanups);
      for (const side of congestion === undefined ? [] : [sides.gatewaySide, sides.clientSide]) {
        side.runBlocking('sh', '-c', `echo ${congestion} > ${IPV4_SETTINGS}/tcp_congestion_control`);
      }
      const network = { ...NETWORK, ipv6: { pool: ['fd66:0:0:1000::/52'], gateway: INNER_GATEWAY6 } };
      const { gateway, target } = await startGateway(sides, { config: { workers: 1, network }, users }, cleanups);
      return new KernelTestbed(sides, gateway, target, cleanups);
    } catch (error) {
      await cleanups.run();
      throw error;
    }
  }

  private constructor(sides: Sides, gateway: GatewayProcess, target: Target, cleanups: Cleanups) {
    this.gatewaySide = sides.gatewaySide;
    this.clientSide = sides.clientSide;
    this.gateway = gateway;
    this.target = target;
    this.#cleanups = cleanups;
  }

  /** One more client process, with `count` tunnels that each have a TUN device and an address of their own. */
  async openTunnels(count: number, user = USER): Promise<TunnelDevices> {
    const request: DevicesRequest = { target: { ...this.target, user }, count, first: this.#devices, mtu: TUNNEL_MTU };
    this.#devices += count;
    const [child, { addresses, addresses6 }] = await startScript<DevicesReport>(
      this.clientSide,
      'tunnel-devices',
      request,
    );
    this.#children.push(child);
    return { pid: child.pid, addresses, addresses6, stop: () => child.stop() };
  }

  /** iperf3 on the network behind the gateway, for as many transfers at a time. */
  async openServers(count: number, address: string = INNER_GATEWAY): Promise<IperfServers> {
    const ports = Array.from({ length: count }, (_, index) => FIRST_SERVER_PORT + index);
    const servers = await startServers(this.gatewaySide, address, ports);
    this.#children.push(...servers);
    return { ports, pids: servers.map(server => server.pid) };
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map(child => child.stop()));
    await this.#cleanups.run();
  }
}

/** The machine's default, and the others that hosts in namespaces may be set to. */
export function congestionControls(): string[] {
  const [standard, allowed] = ['tcp_congestion_control', 'tcp_allowed_congestion_control'].map(name =>
    readFileSync(`${IPV4_SETTINGS}/${name}`, 'latin1').trim().split(/\s+/),
  );
  return [...new Set([...standard!, ...allowed!])];
}
