/**
 * A gateway between two networks, all of it on this machine:
 *
 *   namespace "clients"                 namespace "gateway"
 *   tunnel devices --- outer ========== outer --- gateway --- sstp0, and the network behind it
 */
import { X509Certificate } from 'node:crypto';
import { rmSync } from 'node:fs';
import { GatewayProcess } from '../test/gateway/gateway-process.ts';
import { PASSWORD, USER, createSite } from '../test/gateway/site.ts';
import type { Site } from '../test/gateway/site.ts';
import { Namespace } from '../test/tun/namespace.ts';
import { startScript } from './children.ts';
import type { Child } from './children.ts';
import type { Target } from './load/protocol.ts';
import type { DevicesReport, DevicesRequest } from './tunnel-devices.ts';

/** The gateway's address in the tunnels. */
export const INNER_GATEWAY = '10.66.0.1';
export const OUTER = { gateway: '192.0.2.1', client: '192.0.2.2', device: 'outer' } as const;
const TUNNEL_MTU = 1400;

export interface TunnelDevices {
  readonly pid: number;
  /** One for each tunnel. */
  readonly addresses: readonly string[];
  stop(): Promise<void>;
}

/** Joins the two namespaces: devices {@link OUTER.device} with the outer addresses on both sides, up. */
export type Cable = (gatewaySide: Namespace, clientSide: Namespace) => Promise<void> | void;

export class Testbed {
  readonly gatewaySide: Namespace;
  readonly clientSide: Namespace;
  readonly gateway: GatewayProcess;
  readonly #site: Site;
  readonly #children: Child[] = [];
  #devices = 0;

  static async start(cable: Cable = layVeth): Promise<Testbed> {
    const gatewaySide = new Namespace('g');
    const clientSide = new Namespace('c');
    let site: Site | undefined;
    try {
      await cable(gatewaySide, clientSide);
      site = await createSite({
        listen: [{ address: `${OUTER.gateway}:443` }],
        workers: 1,
        network: { mode: 'tun', device: 'sstp', ipv4: { pool: ['10.66.0.0/16'], gateway: INNER_GATEWAY } },
      });
      const { directory } = site;
      process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
      const gateway = await GatewayProcess.start(site, gatewaySide.name);
      return new Testbed(gatewaySide, clientSide, gateway, site);
    } catch (error) {
      site?.remove();
      clientSide.delete();
      gatewaySide.delete();
      throw error;
    }
  }

  private constructor(gatewaySide: Namespace, clientSide: Namespace, gateway: GatewayProcess, site: Site) {
    this.gatewaySide = gatewaySide;
    this.clientSide = clientSide;
    this.gateway = gateway;
    this.#site = site;
  }

  /** How clients reach the gateway. */
  get target(): Target {
    const certificateSha256 = new X509Certificate(this.#site.ca).fingerprint256;
    const https = { host: OUTER.gateway, port: this.gateway.port, certificateSha256 };
    return { https, user: USER, password: PASSWORD, auth: ['mschapv2'] };
  }

  /** One more client process, with `count` tunnels that each have a TUN device and an address of their own. */
  async openTunnels(count: number): Promise<TunnelDevices> {
    const request: DevicesRequest = { target: this.target, count, first: this.#devices, mtu: TUNNEL_MTU };
    this.#devices += count;
    const [child, { addresses }] = await startScript<DevicesReport>(this.clientSide, 'tunnel-devices', request);
    this.#children.push(child);
    return { pid: child.pid, addresses, stop: () => child.stop() };
  }

  async close(): Promise<void> {
    for (const child of this.#children) await child.stop();
    await this.gateway.stop();
    this.#site.remove();
    this.clientSide.delete();
    this.gatewaySide.delete();
  }
}

export function layVeth(gatewaySide: Namespace, clientSide: Namespace): void {
  const { device, gateway, client } = OUTER;
  gatewaySide.connect(clientSide, device, `${gateway}/24`, device, `${client}/24`);
}
