import type { Config } from '../config/schema.ts';
import { HashProtocol } from '../wire/sstp.ts';
import type { WorkerSettings } from '../worker/messages.ts';

/** The part of the configuration that workers get. Nothing secret is in it but the private keys that TLS needs. */
export function workerSettings(config: Config, serverName: string): WorkerSettings {
  return {
    listen: config.listen,
    tls: {
      certificates: config.tls.certificates.map(({ cert, key, serverNames }) => ({ cert, key, serverNames })),
      minVersion: config.tls.minVersion,
      ciphers: config.tls.ciphers,
      keyLog: config.tls.keyLog !== undefined,
    },
    sstp: {
      negotiationTimeoutMs: config.sstp.negotiationTimeout,
      helloIntervalMs: config.sstp.helloInterval,
      hashProtocols: config.sstp.hashes.reduce(
        (mask, hash) => mask | (hash === 'sha256' ? HashProtocol.Sha256 : HashProtocol.Sha1),
        0,
      ),
      packetsPerRecord: config.sstp.packetsPerRecord,
      decoy: config.sstp.decoy === 404 ? '404' : config.sstp.decoy,
    },
    ppp: {
      mtu: config.ppp.mtu,
      auth: config.ppp.auth,
      // Users with passwords are judged here; RADIUS leads a conversation of its own, with whatever types it has.
      eap: config.aaa.method === 'users' ? 'local' : 'relay',
      lcpEcho: { intervalMs: config.ppp.lcpEcho.interval, failures: config.ppp.lcpEcho.failures },
      serverName,
    },
    network: {
      gateway: config.network.ipv4.gateway,
      gateway6: config.network.ipv6?.gateway,
      dhcp: config.network.dhcp,
      mssClamp: config.network.mssClamp,
      antiSpoofing: config.network.antiSpoofing,
    },
    limits: {
      maxSessions: config.limits.maxSessions,
      maxHalfOpen: config.limits.maxHalfOpen,
      perAddress: config.limits.perAddress && perWorker(config.limits.perAddress, config.workers),
    },
  };
}

type PerAddress = NonNullable<Config['limits']['perAddress']>;

/** The kernel spreads the connections of an address over the workers as evenly as chance does; none is to be left without any. */
function perWorker({ rate, burst, halfOpen }: PerAddress, workers: number): PerAddress {
  return {
    rate: rate / workers,
    burst: Math.max(1, burst / workers),
    halfOpen: Math.max(1, Math.ceil(halfOpen / workers)),
  };
}
