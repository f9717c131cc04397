/** Two gateways behind the load balancer of deploy/, on addresses of loopback that stand for those in the examples. */
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatIpv4 } from '../../src/wire/ip.ts';
import type { TestClient } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { createSite } from './site.ts';
import type { Site } from './site.ts';
import { freeTcpPort } from './tcp-port.ts';

const HOSTS = ['127.0.0.11', '127.0.0.12'] as const;

/** As the examples number them: 0 is gw1. */
type Index = 0 | 1;

export class BalancedGateways {
  /** Of both, as is the port of the admin planes. */
  readonly port: number;
  readonly adminPort: number;
  readonly #sites: readonly Site[];
  readonly #gateways: (GatewayProcess | undefined)[] = [];

  static async start(settings: Readonly<Record<string, unknown>>): Promise<BalancedGateways> {
    const [port, adminPort] = [await freeTcpPort(), await freeTcpPort()];
    const sites: Site[] = [];
    for (const [index, host] of HOSTS.entries()) {
      const site = await createSite(
        {
          listen: [{ address: `${host}:${port}`, proxyProtocol: 'v1v2', trustedProxies: ['127.0.0.1'] }],
          admin: { listen: `${host}:${adminPort}` },
          // An address tells which gateway gave it.
          network: { mode: 'echo', ipv4: { pool: [`10.66.${index}.0/24`], gateway: `10.66.${index}.1` } },
          ...settings,
        },
        'ec',
      );
      sites.push(site);
      // Clients cannot tell them apart.
      for (const name of ['cert.pem', 'key.pem'])
        copyFileSync(join(sites[0]!.directory, name), join(site.directory, name));
    }
    const both = new BalancedGateways(port, adminPort, sites);
    await Promise.all([both.start(0), both.start(1)]);
    return both;
  }

  private constructor(port: number, adminPort: number, sites: readonly Site[]) {
    this.port = port;
    this.adminPort = adminPort;
    this.#sites = sites;
  }

  get ca(): string {
    return this.#sites[0]!.ca;
  }

  gateway(index: Index): GatewayProcess {
    return this.#gateways[index]!;
  }

  async start(index: Index): Promise<void> {
    this.#gateways[index] = await GatewayProcess.start(this.#sites[index]!);
  }

  /** Which gateway the client's tunnel ends at. */
  indexOf({ client }: TestClient): number {
    return Number(formatIpv4(client.network.address).split('.')[2]);
  }

  /** An example of deploy/ with the places of this machine in it. */
  example(name: string, places: Readonly<Record<string, string>>): string {
    const file = fileURLToPath(new URL(`../../../deploy/${name}`, import.meta.url));
    const ours = {
      '10.0.0.11:443': `${HOSTS[0]}:${this.port}`,
      '10.0.0.12:443': `${HOSTS[1]}:${this.port}`,
      ...places,
    };
    let text = readFileSync(file, 'utf8').replace(/^ *#.*\n/gm, '');
    for (const [theirs, here] of Object.entries(ours)) {
      if (text.split(theirs).length !== 2) throw new Error(`${name} does not have "${theirs}" once`);
      text = text.replace(theirs, here);
    }
    return text;
  }

  remove(): void {
    for (const gateway of this.#gateways) gateway?.signal('SIGKILL');
    for (const site of this.#sites) site.remove();
  }
}
