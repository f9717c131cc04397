import { UsersFile } from '../aaa/users.ts';
import { embeddedDefault } from '../config/embedded.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';

export interface GatewayFiles {
  readonly config: Config;
  readonly users: UsersFile;
  readonly warnings: readonly string[];
  /** Of the embedded default's demo user, as long as the users file still has it in plain text. */
  readonly demoPassword: string | undefined;
}

/** Reads all that `serve` needs: the configuration, or the embedded default, and the users. @throws ConfigError */
export async function loadGateway(options: {
  readonly config?: string;
  readonly stateDir: string;
}): Promise<GatewayFiles> {
  const { config, warnings, demoPassword } =
    options.config === undefined
      ? await embeddedDefault(options.stateDir)
      : { ...loadConfig(options.config), demoPassword: undefined };
  // With RADIUS nobody looks into a users file: there need not be one.
  if (config.aaa.method === 'radius') return { config, users: new UsersFile([]), warnings, demoPassword };
  const users = UsersFile.load(config.aaa.users);
  users.requireFits(config.aaa.users, config.network);
  return { config, users, warnings: [...warnings, ...users.warnings], demoPassword };
}
