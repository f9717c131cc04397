/**
 * The network side of the gateway as the main thread holds it: one TUN device for each worker, and the kernel's host routes.
 * The devices live here, so that a worker that crashes takes neither its interface nor its addresses along.
 */
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { configureInterface, forwardsIpv4 } from '../tun/interface.ts';
import { RouteBatch } from '../tun/route-batch.ts';
import { ALL_OFFLOADS } from '../tun/offloads.ts';
import { TunError, closeTun, openTun } from '../tun/tun-device.ts';
import type { TunHandle } from '../tun/tun-device.ts';
import { formatIpv4 } from '../wire/ip.ts';

export interface Network {
  readonly mode: 'tun' | 'echo';
  /** The device of each worker; empty in echo mode. */
  readonly tuns: readonly TunHandle[];
  /** Tells the kernel that `address` is behind this worker's device. */
  addRoute(address: number, worker: number): void;
  removeRoute(address: number, worker: number): void;
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
  const network = new TunNetwork(tuns, log);
  try {
    await network.configure(config);
  } catch (error) {
    await network.close();
    throw error;
  }
  return network;
}

const echoNetwork: Network = {
  mode: 'echo',
  tuns: [],
  addRoute: () => {},
  removeRoute: () => {},
  close: () => Promise.resolve(),
};

class TunNetwork implements Network {
  readonly mode = 'tun';
  readonly tuns: readonly TunHandle[];
  readonly #routes: RouteBatch;
  readonly #log: Logger;

  constructor(tuns: readonly TunHandle[], log: Logger) {
    this.tuns = tuns;
    this.#log = log;
    this.#routes = new RouteBatch({
      refused: failure => log.error({ ...failure }, 'the kernel refused a route'),
      lost: (error, retryInMs) => {
        log.error({ error: error.message, retryInMs }, 'the route helper ended; it is started again');
      },
    });
  }

  async configure(config: Config): Promise<void> {
    const address = formatIpv4(config.network.ipv4.gateway);
    for (const { name } of this.tuns) await configureInterface({ name, address, mtu: config.ppp.mtu });
    if (!(await forwardsIpv4())) {
      this.#log.warn('net.ipv4.ip_forward is 0: clients reach the gateway, but nothing behind it');
    }
  }

  addRoute(address: number, worker: number): void {
    this.#routes.add(`${formatIpv4(address)}/32`, this.tuns[worker]!.name);
  }

  removeRoute(address: number, worker: number): void {
    this.#routes.remove(`${formatIpv4(address)}/32`, this.tuns[worker]!.name);
  }

  async close(): Promise<void> {
    await this.#routes.close();
    for (const tun of this.tuns) closeTun(tun);
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
