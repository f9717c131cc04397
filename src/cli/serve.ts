import type { Command } from 'commander';

export interface ServeFlags {
  readonly config?: string;
  readonly stateDir: string;
}

export function register(program: Command): void {
  program
    .command('serve')
    .description(
      'Runs the gateway until SIGTERM or SIGINT, which end every session in good order first.\n' +
        'Without --config it runs the embedded default: a self-signed certificate and a demo user.',
    )
    .summary('run the gateway')
    .option('-c, --config <file>', 'configuration file (YAML)')
    .option('--state-dir <dir>', 'where the embedded default keeps its certificate and user', './.sstp-gateway')
    .action(async (flags: ServeFlags) => {
      const { serve } = await import('./serve-run.ts');
      await serve(flags);
    });
}
