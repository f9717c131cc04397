import type { Command } from 'commander';
import { ConfigError } from '../config/config-error.ts';

interface CheckOptions {
  readonly config?: string;
  readonly stateDir: string;
  readonly json?: true;
}

export function register(program: Command): void {
  program
    .command('check')
    .description('check a configuration file, its certificates and its users; print what is wrong, line by line')
    .option('-c, --config <file>', 'configuration file; without it the embedded default is checked')
    .option('--state-dir <dir>', 'where the embedded default keeps its certificate and user', './.sstp-gateway')
    .option('--json', 'print the result as JSON, also when the file is not fit to be used')
    .addHelpText('after', EXAMPLES)
    .action(check);
}

const EXAMPLES = `
Each problem is one line: FILE:LINE: key: what is wrong; accepted: what would be right.

Examples:
  sstp-gateway check --config /etc/sstp-gateway/gateway.yaml
  sstp-gateway check --config new.yaml && systemctl restart sstp-gateway`;

async function check(options: CheckOptions): Promise<void> {
  const { loadGateway } = await import('./load-gateway.ts');
  const { describeConfig } = await import('./describe-config.ts');
  const { printJson } = await import('./json-output.ts');
  const { config, users, warnings } = await loadGateway(options).catch((error: unknown) => {
    if (options.json === true && error instanceof ConfigError) {
      printJson({ ok: false, config: error.file, warnings: [], problems: error.problems });
    }
    throw error;
  });
  if (options.json === true) {
    printJson({ ok: true, config: config.file ?? null, warnings, problems: [] });
    return;
  }
  for (const warning of warnings) console.error(`warning: ${warning}`);
  for (const line of describeConfig(config, users)) console.log(line);
}
