/**
 * A gateway under load: the gateway and the network behind it in one namespace, the clients in another, and a cable.
 *
 *   generator: N tunnels --- veth --- gateway, sstp0.. --- load0: sender
 */
import type { GatewayProcess } from '../../test/gateway/gateway-process.ts';
import { PASSWORD, USER } from '../../test/gateway/site.ts';
import { freeradiusUnavailable } from '../../test/radius-server/freeradius-process.ts';
import { Freeradius } from '../../test/radius-server/freeradius.ts';
import type { Namespace } from '../../test/tun/namespace.ts';
import { parseIpv4 } from '../../src/wire/ip.ts';
import { Cleanups, joinNamespaces, layVeth, startGateway } from '../testbed.ts';
import type { GatewayOptions, Sides } from '../testbed.ts';
import { startGenerator, startSender } from './load-process.ts';
import type { LoadProcess } from './load-process.ts';
import type { GeneratorCommands, SenderCommands, Target } from './protocol.ts';

const BEHIND = { device: 'load0', network: '10.99.0.0/16', host: '10.99.0.9' } as const;

/** Where uploads go: a host on the network behind the gateway. */
export const UPLOAD_TO = { destination: parseIpv4(BEHIND.host)!, port: 9 } as const;

export interface LoadTestbedOptions extends Partial<Omit<GatewayOptions, 'users'>> {
  /** Data workers; 'auto' is one a core, as by default. */
  readonly workers: number | 'auto';
  /** Whether a FreeRADIUS beside the gateway decides, and is told of every session, in place of the users file. */
  readonly radius?: boolean;
}

/** What a testbed consists of. */
interface Parts extends Sides {
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
    const cleanups = new Cleanups();
    try {
      const sides = await joinNamespaces(layVeth, cleanups);
      const { gatewaySide, clientSide } = sides;
      gatewaySide.runBlocking('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
      const radius = options.radius === true ? await startRadius(gatewaySide) : undefined;
      cleanups.add(() => radius?.close());
      const aaa = radius === undefined ? {} : { aaa: radiusSection(radius) };
      // It logs as it does by default, two lines a tunnel: that is part of what a tunnel costs.
      const { gateway, target } = await startGateway(
        sides,
        { config: { workers, ...aaa, ...config }, keyType, nodeArguments },
        cleanups,
      );
      const sender = await startSender(gatewaySide.name, BEHIND);
      cleanups.add(() => sender.stop());
      const generator = await startGenerator(clientSide.name);
      cleanups.add(() => generator.stop());
      return new LoadTestbed({ ...sides, gateway, generator, sender, target, radius }, cleanups);
    } catch (error) {
      await cleanups.run();
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
    return this.#cleanups.run();
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
