import type { Command } from 'commander';
import { CommandError } from './command-error.ts';

interface ServeOptions {
  readonly config?: string;
  readonly stateDir: string;
}

export function register(program: Command): void {
  program
    .command('serve')
    .description('run the gateway')
    .option(
      '-c, --config <file>',
      'configuration file; without it the embedded default: a demo user, a self-signed certificate',
    )
    .option('--state-dir <dir>', 'where the embedded default keeps its certificate and user', './.sstp-gateway')
    .action(serve);
}

async function serve(options: ServeOptions): Promise<void> {
  const { loadGateway } = await import('./load-gateway.ts');
  await loadGateway(options);
  throw new CommandError('the data plane is not part of this build');
}
