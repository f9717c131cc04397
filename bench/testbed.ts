/** What all testbeds have: a gateway between two namespaces, and that nothing of it is left in the end. */
import { GatewayProcess } from '../test/gateway/gateway-process.ts';
import { PASSWORD, USER, createSite } from '../test/gateway/site.ts';
import type { KeyType } from '../test/gateway/site.ts';
import { Namespace } from '../test/tun/namespace.ts';
import type { Child } from './children.ts';
import type { Target } from './load/protocol.ts';

/** The gateway's address in the tunnels. */
export const INNER_GATEWAY = '10.66.0.1';
export const OUTER = { gateway: '192.0.2.1', client: '192.0.2.2', device: 'outer' } as const;
/** As the section of a configuration has it. */
export const NETWORK = {
  mode: 'tun',
  device: 'sstp',
  ipv4: { pool: ['10.66.0.0/16'], gateway: INNER_GATEWAY },
} as const;

export interface Sides {
  /** Where the gateway and the network behind it are. */
  readonly gatewaySide: Namespace;
  readonly clientSide: Namespace;
}

/**
 * Joins the two namespaces: devices {@link OUTER.device} with the outer addresses on both sides, up. Resolves with the
 * process that the cable consists of, if it does.
 */
export type Cable = (gatewaySide: Namespace, clientSide: Namespace) => Promise<Child> | undefined;

export interface GatewayOptions {
  /** Sections of its configuration, as for `createSite`; {@link NETWORK} unless they have another. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly keyType?: KeyType | undefined;
  /** Of the gateway, beside those that every site has. */
  readonly users?: readonly object[];
  readonly nodeArguments?: readonly string[] | undefined;
}

/** What has to be done in the end, or when a testbed is not finished. */
export class Cleanups {
  readonly #cleanups: (() => unknown)[] = [];

  add(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup);
  }

  /** The last one first. */
  async run(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).toReversed()) await cleanup();
  }
}

export async function joinNamespaces(cable: Cable, cleanups: Cleanups): Promise<Sides> {
  const gatewaySide = new Namespace('g');
  cleanups.add(() => gatewaySide.delete());
  const clientSide = new Namespace('c');
  cleanups.add(() => clientSide.delete());
  const path = await cable(gatewaySide, clientSide);
  cleanups.add(() => path?.stop());
  return { gatewaySide, clientSide };
}

export function layVeth(gatewaySide: Namespace, clientSide: Namespace): undefined {
  const { device, gateway, client } = OUTER;
  gatewaySide.connect(clientSide, device, `${gateway}/24`, device, `${client}/24`);
}

/** A gateway at the outer address. Resolves with how clients reach it, too. An interrupted process leaves none of its files behind. */
export async function startGateway(
  { gatewaySide }: Sides,
  { config, keyType, users, nodeArguments }: GatewayOptions,
  cleanups: Cleanups,
): Promise<{ readonly gateway: GatewayProcess; readonly target: Target }> {
  const site = await createSite(
    { listen: [{ address: `${OUTER.gateway}:443` }], network: NETWORK, ...config },
    keyType,
    users,
  );
  process.once('exit', site.remove);
  cleanups.add(() => {
    site.remove();
    process.off('exit', site.remove);
  });
  const gateway = await GatewayProcess.start(site, gatewaySide.name, nodeArguments);
  cleanups.add(() => gateway.stop());
  const https = { host: OUTER.gateway, port: gateway.port, certificateSha256: site.fingerprint };
  return { gateway, target: { https, user: USER, password: PASSWORD, auth: ['mschapv2'] } };
}
