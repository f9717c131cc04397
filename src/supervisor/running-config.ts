import type { Logger } from 'pino';
import type { ReloadView } from '../admin/gateway-view.ts';
import type { UsersFile } from '../aaa/users.ts';
import { ConfigError } from '../config/config-error.ts';
import type { Config } from '../config/schema.ts';
import { CertificateWatch } from './certificate-watch.ts';
import type { EventFeed } from './event-feed.ts';
import type { LastReload } from './gateway-metrics.ts';
import { reloadable, restartKeys } from './restart-keys.ts';

/** What a gateway is made of. */
export interface GatewayFiles {
  readonly config: Config;
  readonly users: UsersFile;
  /** Worth a line in the log. */
  readonly warnings: readonly string[];
}

export interface RunningConfigOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly feed: EventFeed;
  /** Reads the files of the configuration again. @throws ConfigError */
  load(this: void): Promise<GatewayFiles>;
  /** Tells the parts of the gateway, in one step. The users are new ones, or undefined when only certificates are. */
  apply(this: void, config: Config, users: UsersFile | undefined): void;
}

/** How long a new certificate may lie there before it is seen. */
const CERTIFICATE_INTERVAL_MS = 10_000;

/** The configuration that is in force, and what may take its place while tunnels are up. */
export class RunningConfig {
  readonly #options: RunningConfigOptions;
  readonly #log: Logger;
  readonly #certificates: CertificateWatch;
  #config: Config;
  #reloading: Promise<unknown> = Promise.resolve();
  #lastReload: LastReload = { ok: true, succeededAt: Date.now() };

  constructor(options: RunningConfigOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#config = options.config;
    this.#certificates = new CertificateWatch({
      intervalMs: CERTIFICATE_INTERVAL_MS,
      certificates: () => this.#config.tls.certificates,
      replaced: certificates => this.#onCertificates(certificates),
      refused: problem => this.#log.error({ problem }, 'the new certificate is not used'),
    });
  }

  get current(): Config {
    return this.#config;
  }

  /** Before the first one: the start. */
  get lastReload(): LastReload {
    return this.#lastReload;
  }

  /** Reads the files again and applies what can be applied; a bad file changes nothing. Rejects never for what a file holds. */
  async reload(): Promise<ReloadView> {
    // One after the other: what was read last is in force last.
    const turn = this.#reloading.then(() => this.#reload());
    this.#reloading = turn.catch(() => undefined);
    return turn;
  }

  close(): void {
    this.#certificates.close();
  }

  async #reload(): Promise<ReloadView> {
    const { feed, load, apply } = this.#options;
    let files: GatewayFiles;
    try {
      files = await load();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const problems = error.message.split('\n');
      for (const problem of problems) this.#log.error({ problem }, 'the new configuration is not used');
      this.#lastReload = { ...this.#lastReload, ok: false };
      feed.emit(() => ({ type: 'reload', ok: false, needsRestart: [], problems }));
      return { ok: false, problems };
    }
    const { users, warnings } = files;
    const needsRestart = restartKeys(this.#config, files.config);
    const config = reloadable(this.#config, files.config);
    apply(config, users);
    this.#log.level = config.log.level;
    this.#config = config;
    this.#lastReload = { ok: true, succeededAt: Date.now() };
    for (const warning of warnings) this.#log.warn(warning);
    this.#log.info({ needsRestart }, 'configuration reloaded');
    feed.emit(() => ({ type: 'reload', ok: true, needsRestart, problems: [] }));
    return { ok: true, needsRestart, warnings };
  }

  #onCertificates(certificates: Config['tls']['certificates']): void {
    const config = { ...this.#config, tls: { ...this.#config.tls, certificates } };
    this.#options.apply(config, undefined);
    this.#config = config;
    this.#log.info({ files: certificates.map(({ certFile }) => certFile) }, 'new certificates are in use');
  }
}
