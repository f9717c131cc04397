/** The `serve` command: a gateway in the foreground. */
import { AdminListenError } from '../admin/server.ts';
import { DEMO_USER } from '../config/embedded.ts';
import { startGateway } from '../gateway.ts';
import type { Gateway } from '../gateway.ts';
import { createLogger } from '../log.ts';
import { ListenError } from '../supervisor/listen-probe.ts';
import { StateLockError } from '../supervisor/state-lock.ts';
import { IpCommandError } from '../tun/ip-command.ts';
import { TunError } from '../tun/tun-device.ts';
import { formatIpv4 } from '../wire/ip.ts';
import { banner } from './banner.ts';
import { CommandError, ExitCode } from './command-error.ts';
import { loadGateway } from './load-gateway.ts';
import type { GatewayFiles } from './load-gateway.ts';
import { packageVersion } from './package-version.ts';
import type { ServeFlags } from './serve.ts';
import { ServiceManager } from './service-manager.ts';
import { ServiceReports } from './service-reports.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

export async function serve(flags: ServeFlags): Promise<void> {
  const files = await loadGateway(flags);
  const { config } = files;
  const log = createLogger(config.log, process.stdout);
  const manager = ServiceManager.from(process.env, log);
  // From here on: a signal during the start is not lost, and does not leave devices and routes behind.
  const interrupted = signalled();
  const hangups = new Hangups();
  for (const warning of files.warnings) log.warn(warning);
  let gateway: Gateway;
  try {
    gateway = await startGateway({
      config,
      users: files.users,
      version: packageVersion(),
      log,
      load: () => loadGateway(flags),
    });
  } catch (error) {
    throw refusal(error);
  }
  if (flags.config === undefined) console.log(embeddedBanner(files, gateway));
  log.info({ listen: gateway.listen, adminPort: gateway.adminPort, network: gateway.networkMode }, 'gateway is up');
  const reports = manager && new ServiceReports(manager, gateway);
  hangups.heed(() => (reports ?? gateway.supervisor).reload());
  const signal = await interrupted;
  log.info({ signal }, 'gateway drains');
  reports?.stopping();
  const stopped = gateway.stop();
  for (const again of SIGNALS) process.on(again, () => gateway.supervisor.hasten());
  await stopped;
  reports?.close();
  log.info('gateway ended');
}

/** A gateway that never ran was asked for something that this machine cannot give. */
function refusal(error: unknown): unknown {
  const isExpected = [ListenError, AdminListenError, TunError, IpCommandError, StateLockError].some(
    kind => error instanceof kind,
  );
  return isExpected ? new CommandError((error as Error).message, ExitCode.Usage) : error;
}

/** SIGHUP from the first moment on; one that comes before there is anything to reload is heeded later, since files may have changed after they were read. */
class Hangups {
  #reload: (() => unknown) | undefined;
  #isDue = false;

  constructor() {
    process.on('SIGHUP', () => {
      this.#isDue = true;
      this.#reload?.();
    });
  }

  heed(reload: () => unknown): void {
    this.#reload = reload;
    if (this.#isDue) reload();
  }
}

function signalled(): Promise<string> {
  return new Promise(resolve => {
    for (const signal of SIGNALS) process.on(signal, () => resolve(signal));
  });
}

function embeddedBanner({ config, demoPassword }: GatewayFiles, gateway: Gateway): string {
  const certificate = config.tls.certificates[0]!;
  return banner({
    version: packageVersion(),
    listen: gateway.listen,
    admin: { host: config.admin.listen.host, port: gateway.adminPort },
    network: gateway.networkMode,
    gateway: formatIpv4(config.network.ipv4.gateway),
    certFile: certificate.certFile,
    cert: certificate.cert,
    usersFile: config.aaa.users,
    user: DEMO_USER,
    password: demoPassword,
    directory: process.cwd(),
  });
}
