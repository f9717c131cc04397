/**
 * The network side of the gateway as the main thread holds it: one TUN device for each worker, and the kernel's host routes.
 * The devices live here, so that a worker that crashes takes neither its interface nor its addresses along.
 */
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { configureInterface, forwardsIpv4, forwardsIpv6 } from '../tun/interface.ts';
import { RouteBatch } from '../tun/route-batch.ts';
import { ALL_OFFLOADS } from '../tun/offloads.ts';
import { TunError, closeTun, isAttached, openTun } from '../tun/tun-device.ts';
import type { TunHandle } from '../tun/tun-device.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { formatIpv6 } from '../wire/ipv6.ts';

const ROUTE_LIMIT_MS = 1_000;

export interface Network {
  readonly mode: 'tun' | 'echo';
  /**
   * The device for a worker that starts: a new one when the old one was deleted. Undefined in echo mode.
   * @throws TunError, IpCommandError
   */
  device(worker: number): Promise<TunHandle | undefined>;
  /** Name of the device of a worker; of none in echo mode. */
  deviceName(worker: number): string;
  /** Tells the kernel that `prefix` (`address/length`) is behind this worker's device, and how long packets to there may be. */
  addRoute(prefix: string, worker: number, mtu: number): void;
  removeRoute(prefix: string, worker: number): void;
  /** Resolves when the kernel knows the routes to these prefixes, as far as it takes them; after a second in any case. */
  routed(prefixes: readonly string[]): Promise<void>;
  /** Takes back all routes and devices. */
  close(): Promise<void>;
}

/**
 * Opens the devices that the configuration asks for; with `mode: auto` and no permission, the in-process echo network.
 * @throws TunError, IpCommandError
 */
export async function openNetwork(config: Config, log: Logger): Promise<Network> {
  if (config.network.mode === 'echo') return echoNetwork;
  let tuns: TunHandle[];
  try {
    tuns = openTuns(config);
  } catch (error) {
    if (config.network.mode === 'tun' || !(error instanceof TunError)) throw error;
    log.warn({ reason: error.message }, 'no TUN device: packets go to the in-process echo network');
    return echoNetwork;
  }
  const network = new TunNetwork(tuns, config, log);
  try {
    await network.configure();
  } catch (error) {
    await network.close();
    throw error;
  }
  return network;
}

const echoNetwork: Network = {
  mode: 'echo',
  device: () => Promise.resolve(undefined),
  deviceName: () => 'echo',
  addRoute: () => {},
  removeRoute: () => {},
  routed: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

class TunNetwork implements Network {
  readonly mode = 'tun';
  readonly #tuns: TunHandle[];
  readonly #config: Config;
  readonly #routes: RouteBatch;
  readonly #log: Logger;

  constructor(tuns: TunHandle[], config: Config, log: Logger) {
    this.#tuns = tuns;
    this.#config = config;
    this.#log = log;
    this.#routes = new RouteBatch({
      refused: failure => log.error({ ...failure }, 'the kernel refused a route'),
      lost: (error, retryInMs) => {
        log.error({ error: error.message, retryInMs }, 'the route helper ended; it is started again');
      },
    });
  }

  async configure(): Promise<void> {
    for (const tun of this.#tuns) await this.#configure(tun);
    if (!(await forwardsIpv4())) {
      this.#log.warn('net.ipv4.ip_forward is 0: clients reach the gateway, but nothing behind it');
    }
    if (this.#config.network.ipv6 !== undefined && !(await forwardsIpv6())) {
      this.#log.warn('net.ipv6.conf.all.forwarding is 0: by IPv6 clients reach the gateway, but nothing behind it');
    }
  }

  deviceName(worker: number): string {
    return this.#tuns[worker]!.name;
  }

  async device(worker: number): Promise<TunHandle> {
    const present = this.#tuns[worker]!;
    if (isAttached(present)) return present;
    this.#log.warn({ device: present.name }, 'the TUN device was deleted: it is made again');
    const tun = openTun(present.name, ALL_OFFLOADS);
    closeTun(present);
    this.#tuns[worker] = tun;
    await this.#configure(tun);
    await this.#routes.renew();
    return tun;
  }

  addRoute(prefix: string, worker: number, mtu: number): void {
    // The kernel itself then splits or refuses what a client would not take.
    this.#routes.add(prefix, this.#tuns[worker]!.name, mtu < this.#config.ppp.mtu ? mtu : undefined);
  }

  removeRoute(prefix: string, worker: number): void {
    this.#routes.remove(prefix, this.#tuns[worker]!.name);
  }

  async routed(prefixes: readonly string[]): Promise<void> {
    let limit: NodeJS.Timeout | undefined;
    // A route helper that has died is told to the operator; who connects meanwhile may lose packets, and is not kept out.
    const tooLong = new Promise<void>(resolve => (limit = setTimeout(resolve, ROUTE_LIMIT_MS)));
    await Promise.race([Promise.all(prefixes.map(prefix => this.#routes.applied(prefix))), tooLong]);
    clearTimeout(limit);
  }

  async close(): Promise<void> {
    await this.#routes.close();
    for (const tun of this.#tuns) closeTun(tun);
  }

  async #configure({ name }: TunHandle): Promise<void> {
    const address = formatIpv4(this.#config.network.ipv4.gateway);
    const gateway6 = this.#config.network.ipv6?.gateway;
    const addresses6 = gateway6 === undefined ? [] : [`${formatIpv6(gateway6)}/128`];
    await configureInterface({ name, address, addresses6, mtu: this.#config.ppp.mtu });
  }
}

function openTuns(config: Config): TunHandle[] {
  const tuns: TunHandle[] = [];
  try {
    for (let worker = 0; worker < config.workers; worker++)
      tuns.push(openTun(`${config.network.device}${worker}`, ALL_OFFLOADS));
  } catch (error) {
    for (const tun of tuns) closeTun(tun);
    throw error;
  }
  return tuns;
}
