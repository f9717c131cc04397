import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/schema.ts';

/** What a running gateway cannot change, with the reader of each: sockets, threads and devices that exist already. */
const FIXED: Readonly<Record<string, (config: Config) => unknown>> = {
  listen: config => config.listen,
  workers: config => config.workers,
  stateDir: config => config.stateDir,
  'ppp.mtu': config => config.ppp.mtu,
  'network.mode': config => config.network.mode,
  'network.device': config => config.network.device,
  'network.ipv4.gateway': config => config.network.ipv4.gateway,
  'network.ipv6': config => config.network.ipv6 !== undefined,
  'network.ipv6.gateway': config => config.network.ipv6?.gateway,
  'aaa.radius.accounting': config => config.aaa.accounting,
  'aaa.radius.dynamicAuthorization': config => config.aaa.radius?.dynamicAuthorization,
  admin: config => config.admin,
  'log.format': config => config.log.format,
};

/** Keys whose new value waits for a restart. */
export function restartKeys(running: Config, wanted: Config): string[] {
  const resolved = { ...wanted, listen: withPorts(wanted.listen, running.listen) };
  return Object.entries(FIXED)
    .filter(([, read]) => !isDeepStrictEqual(read(running), read(resolved)))
    .map(([key]) => key);
}

/** Port 0 is whatever port it came to. */
function withPorts(wanted: Config['listen'], running: Config['listen']): Config['listen'] {
  return wanted.map((entry, index) => (entry.port === 0 ? { ...entry, port: running[index]?.port ?? 0 } : entry));
}

/** The wanted configuration, but for what stays as it runs. */
export function reloadable(running: Config, wanted: Config): Config {
  const { ipv4, ipv6 } = running.network;
  const { accounting, radius } = running.aaa;
  return {
    ...wanted,
    listen: running.listen,
    workers: running.workers,
    stateDir: running.stateDir,
    admin: running.admin,
    ppp: { ...wanted.ppp, mtu: running.ppp.mtu },
    network: {
      ...wanted.network,
      mode: running.network.mode,
      device: running.network.device,
      ipv4: { ...wanted.network.ipv4, gateway: ipv4.gateway },
      ipv6: ipv6 && { ...(wanted.network.ipv6 ?? ipv6), gateway: ipv6.gateway },
    },
    aaa: {
      ...wanted.aaa,
      accounting,
      radius: wanted.aaa.radius && { ...wanted.aaa.radius, dynamicAuthorization: radius?.dynamicAuthorization },
    },
    log: { ...wanted.log, format: running.log.format },
  };
}
