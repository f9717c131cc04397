import type { Command } from 'commander';

/** How a command finds the admin plane of a running gateway. */
export interface AdminTarget {
  readonly admin?: string;
  readonly tokenFile?: string;
  readonly config?: string;
}

/** Where the embedded default listens. */
export const DEFAULT_ADMIN_URL = 'http://127.0.0.1:8080';

export function withAdminOptions(command: Command): Command {
  return command
    .option('--admin <url>', `address of the admin plane (default: ${DEFAULT_ADMIN_URL}, or what --config says)`)
    .option('--token-file <file>', 'file that holds the bearer token (default: what --config says)')
    .option('-c, --config <file>', "the gateway's configuration file: its admin section is used");
}
