/**
 * A gateway between two networks whose hosts are the kernel's: its TCP and its ping are what goes through the tunnels.
 *
 *   tunnel0..n --- tunnel-devices.js --- outer === outer --- gateway --- sstp0
 *   (the clients' namespace)                       (the gateway's namespace)
 */
import { readFileSync } from 'node:fs';
import { GatewayProcess } from '../test/gateway/gateway-process.ts';
import { PASSWORD, USER, createSite } from '../test/gateway/site.ts';
import type { Site } from '../test/gateway/site.ts';
import { Namespace } from '../test/tun/namespace.ts';
import { startScript } from './children.ts';
import type { Child } from './children.ts';
import { startServers } from './iperf.ts';
import type { Target } from './load/protocol.ts';
import type { DevicesReport, DevicesRequest } from './tunnel-devices.ts';

/** The gateway's address in the tunnels. */
export const INNER_GATEWAY = '10.66.0.1';
export const INNER_GATEWAY6 = 'fd66::1';
export const OUTER = { gateway: '192.0.2.1', client: '192.0.2.2', device: 'outer' } as const;
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

/**
 * Joins the two namespaces: devices {@link OUTER.device} with the outer addresses on both sides, up. Resolves with the
 * process that the cable consists of, if it does.
 */
export type Cable = (gatewaySide: Namespace, clientSide: Namespace) => Promise<Child> | undefined;

export class KernelTestbed {
  readonly gatewaySide: Namespace;
  readonly clientSide: Namespace;
  readonly gateway: GatewayProcess;
  readonly #site: Site;
  readonly #path: Child | undefined;
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
    const gatewaySide = new Namespace('g');
    const clientSide = new Namespace('c');
    let site: Site | undefined;
    let path: Child | undefined;
    try {
      for (const side of congestion === undefined ? [] : [gatewaySide, clientSide]) {
        side.runBlocking('sh', '-c', `echo ${congestion} > ${IPV4_SETTINGS}/tcp_congestion_control`);
      }
      path = await cable(gatewaySide, clientSide);
      site = await createSite(
        {
          listen: [{ address: `${OUTER.gateway}:443` }],
          workers: 1,
          network: {
            mode: 'tun',
            device: 'sstp',
            ipv4: { pool: ['10.66.0.0/16'], gateway: INNER_GATEWAY },
            ipv6: { pool: ['fd66:0:0:1000::/52'], gateway: INNER_GATEWAY6 },
          },
        },
        'rsa',
        users,
      );
      process.once('exit', site.remove);
      const gateway = await GatewayProcess.start(site, gatewaySide.name);
      return new KernelTestbed(gatewaySide, clientSide, gateway, site, path);
    } catch (error) {
      site?.remove();
      await path?.stop();
      clientSide.delete();
      gatewaySide.delete();
      throw error;
    }
  }

  private constructor(
    gatewaySide: Namespace,
    clientSide: Namespace,
    gateway: GatewayProcess,
    site: Site,
    path: Child | undefined,
  ) {
    this.#path = path;
    this.gatewaySide = gatewaySide;
    this.clientSide = clientSide;
    this.gateway = gateway;
    this.#site = site;
  }

  /** How clients reach the gateway. */
  get target(): Target {
    const https = { host: OUTER.gateway, port: this.gateway.port, certificateSha256: this.#site.fingerprint };
    return { https, user: USER, password: PASSWORD, auth: ['mschapv2'] };
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
    await this.gateway.stop();
    await this.#path?.stop();
    this.#site.remove();
    process.off('exit', this.#site.remove);
    this.clientSide.delete();
    this.gatewaySide.delete();
  }
}

export function layVeth(gatewaySide: Namespace, clientSide: Namespace): undefined {
  const { device, gateway, client } = OUTER;
  gatewaySide.connect(clientSide, device, `${gateway}/24`, device, `${client}/24`);
}

/** The machine's default, and the others that hosts in namespaces may be set to. */
export function congestionControls(): string[] {
  const [standard, allowed] = ['tcp_congestion_control', 'tcp_allowed_congestion_control'].map(name =>
    readFileSync(`${IPV4_SETTINGS}/${name}`, 'latin1').trim().split(/\s+/),
  );
  return [...new Set([...standard!, ...allowed!])];
}
