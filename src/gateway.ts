/** A whole gateway in this process: network, workers under their supervisor, admin plane. */
import { hostname } from 'node:os';
import { AaaServices } from './aaa/services.ts';
import type { UsersFile } from './aaa/users.ts';
import { AdminServer } from './admin/server.ts';
import type { Config, ListenAddress } from './config/schema.ts';
import { loadHotpath } from './hotpath/hotpath.ts';
import type { Logger } from './log.ts';
import { ListenError, probeListen } from './supervisor/listen-probe.ts';
import { openNetwork } from './supervisor/network.ts';
import { Pools } from './supervisor/pools.ts';
import type { GatewayFiles } from './supervisor/running-config.ts';
import { lockState } from './supervisor/state-lock.ts';
import { Supervisor } from './supervisor/supervisor.ts';

export interface GatewayOptions {
  readonly config: Config;
  readonly users: UsersFile;
  /** Reads the files again, for a reload; without it there is nothing to read. @throws ConfigError */
  readonly load?: () => Promise<GatewayFiles>;
  readonly version: string;
  readonly log: Logger;
  /** The workers' file when it is not the usual one. */
  readonly workerFile?: string;
}

export interface Gateway {
  readonly supervisor: Supervisor;
  /** Where SSTP is served, with real port numbers. */
  readonly listen: readonly ListenAddress[];
  readonly adminPort: number;
  readonly networkMode: 'tun' | 'echo';
  /** Ends every session in good order, then everything else; {@link Supervisor.hasten} ends its waits. */
  stop(): Promise<void>;
}

/**
 * Resolves when tunnels are accepted. When it rejects, nothing is left behind.
 * @throws ListenError, TunError, IpCommandError, StateLockError: each with a message for the operator
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { aaa, stateDir } = options.config;
  const unlock = aaa.accounting ? lockState(stateDir) : () => {};
  try {
    const gateway = await start(options);
    return { ...gateway, stop: () => gateway.stop().finally(unlock) };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function start(options: GatewayOptions): Promise<Gateway> {
  const { config, users, version, log, workerFile } = options;
  const aaa = new AaaServices(config, users, log);
  const listen = await probeListen(config.listen);
  const hotpath = await loadHotpath();
  const network = await openNetwork(config, log);
  const supervisor = new Supervisor({
    config: { ...config, listen },
    version,
    node: hostname(),
    log,
    aaa,
    pools: new Pools(config.network, users.reservations()),
    network,
    hotpath,
    load: options.load ?? (() => Promise.resolve({ config, users, warnings: [] })),
    ...(workerFile === undefined ? {} : { workerFile }),
  });
  const admin = new AdminServer({ listen: config.admin.listen, token: config.admin.token, view: supervisor, log });
  supervisor.addMetrics(admin.metrics());
  const stop = async (): Promise<void> => {
    await supervisor.stop();
    aaa.close();
    admin.close();
  };
  try {
    const adminPort = await admin.listen();
    await supervisor.start();
    await aaa.listen(supervisor.authorization).catch(error => {
      throw new ListenError(`dynamic authorization: ${(error as Error).message}`, { cause: error });
    });
    return { supervisor, listen, adminPort, networkMode: network.mode, stop };
  } catch (error) {
    const stopped = stop();
    // Nobody was ever sent here.
    supervisor.hasten();
    await stopped;
    throw error;
  }
}
