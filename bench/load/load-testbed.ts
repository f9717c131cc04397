/**
 * A gateway under load: the gateway and the network behind it in one namespace, the clients in another, and a cable.
 *
 *   generator: N tunnels --- veth --- gateway, sstp0.. --- load0: sender
 */
import { GatewayProcess } from '../../test/gateway/gateway-process.ts';
import { PASSWORD, USER, createSite } from '../../test/gateway/site.ts';
import type { KeyType } from '../../test/gateway/site.ts';
import { freeradiusUnavailable } from '../../test/radius-server/freeradius-process.ts';
import { Freeradius } from '../../test/radius-server/freeradius.ts';
import { Namespace } from '../../test/tun/namespace.ts';
import { parseIpv4 } from '../../src/wire/ip.ts';
import { INNER_GATEWAY, OUTER, layVeth } from '../kernel-testbed.ts';
import { startGenerator, startSender } from './load-process.ts';
import type { LoadProcess } from './load-process.ts';
import type { GeneratorCommands, SenderCommands, Target } from './protocol.ts';

const POOL = '10.66.0.0/16';
const BEHIND = { device: 'load0', network: '10.99.0.0/16', host: '10.99.0.9' } as const;

/** Where uploads go: a host on the network behind the gateway. */
export const UPLOAD_TO = { destination: parseIpv4(BEHIND.host)!, port: 9 } as const;

export interface LoadTestbedOptions {
  /** Data workers; 'auto' is one a core, as by default. */
  readonly workers: number | 'auto';
  readonly keyType?: KeyType;
  /** Sections of the gateway's configuration, as for `createSite`. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly nodeArguments?: readonly string[];
  /** Whether a FreeRADIUS beside the gateway decides, and is told of every session, in place of the users file. */
  readonly radius?: boolean;
}

/** What a testbed consists of. */
interface Parts {
  /** Where the gateway and the network behind it are. */
  readonly gatewaySide: Namespace;
  readonly clientSide: Namespace;
  readonly gateway: GatewayProcess;
  readonly generator: LoadProcess<GeneratorCommands>;
  readonly sender: LoadProcess<SenderCommands>;
  readonly target: Target;
  /** When there is one. */
  readonly radius: Freeradius | undefined;
}

export class LoadTestbed implements Parts {
  readonly gatewaySide: Namespace;
  readonly clientSide: Namespace;
  readonly gateway: GatewayProcess;
  readonly generator: LoadProcess<GeneratorCommands>;
  readonly sender: LoadProcess<SenderCommands>;
  readonly target: Target;
  readonly radius: Freeradius | undefined;
  readonly #cleanups: Cleanups;

  /** Close it in the end; an interrupted process leaves nothing behind either. */
  static async create(options: LoadTestbedOptions): Promise<LoadTestbed> {
    const { workers, keyType, config, nodeArguments } = options;
    const cleanups: Cleanups = [];
    try {
      const inside = new Namespace('g');
      cleanups.push(() => inside.delete());
      const outside = new Namespace('c');
      cleanups.push(() => outside.delete());
      layVeth(inside, outside);
      inside.runBlocking('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
      const radius = options.radius === true ? await startRadius(inside) : undefined;
      cleanups.push(() => radius?.close());
      const site = await createSite(
        {
          listen: [{ address: `${OUTER.gateway}:443` }],
          workers,
          network: { mode: 'tun', device: 'sstp', ipv4: { pool: [POOL], gateway: INNER_GATEWAY } },
          ...(radius === undefined ? {} : { aaa: radiusSection(radius) }),
          ...config,
        },
        keyType,
      );
      cleanups.push(() => site.remove());
      process.once('exit', site.remove);
      // It logs as it does by default, two lines a tunnel: that is part of what a tunnel costs.
      const gateway = await GatewayProcess.start(site, inside.name, nodeArguments);
      cleanups.push(() => gateway.stop());
      const sender = await startSender(inside.name, BEHIND);
      cleanups.push(() => sender.stop());
      const generator = await startGenerator(outside.name);
      cleanups.push(() => generator.stop());
      const target = {
        https: { host: OUTER.gateway, port: gateway.port, certificateSha256: site.fingerprint },
        user: USER,
        password: PASSWORD,
        auth: ['mschapv2'],
      } as const;
      const sides = { gatewaySide: inside, clientSide: outside };
      return new LoadTestbed({ ...sides, gateway, generator, sender, target, radius }, cleanups);
    } catch (error) {
      await runAll(cleanups);
      throw error;
    }
  }

  private constructor(parts: Parts, cleanups: Cleanups) {
    this.gatewaySide = parts.gatewaySide;
    this.clientSide = parts.clientSide;
    this.gateway = parts.gateway;
    this.generator = parts.generator;
    this.sender = parts.sender;
    this.target = parts.target;
    this.radius = parts.radius;
    this.#cleanups = cleanups;
  }

  close(): Promise<void> {
    return runAll(this.#cleanups);
  }
}

/** @throws Error that names the missing package */
async function startRadius(namespace: Namespace): Promise<Freeradius> {
  const missing = freeradiusUnavailable();
  if (missing !== false) throw new Error(missing);
  return Freeradius.start({ users: `${USER} Cleartext-Password := "${PASSWORD}"\n`, namespace: namespace.name });
}

function radiusSection(radius: Freeradius): object {
  const { host: address, authPort, acctPort, secret } = radius.options();
  const server = { address, authPort, acctPort, secret: Buffer.from(secret).toString() };
  return { method: 'radius', radius: { servers: [server] } };
}

type Cleanups = (() => unknown)[];

/** The last one first. */
async function runAll(cleanups: Cleanups): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
}
