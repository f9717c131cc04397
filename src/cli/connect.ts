import type { Command } from 'commander';
import { CommandError } from './command-error.ts';

export function register(program: Command): void {
  program
    .command('connect')
    .description('connect to an SSTP server')
    .argument('<url>', 'as https://vpn.example.org')
    .action(() => {
      throw new CommandError('the client is not part of this build');
    });
}
