import type { Command } from 'commander';
import { type AdminTarget, withAdminOptions } from './admin-options.ts';
import { type SessionFilter, withFilterOptions } from './session-filter.ts';

export interface DisconnectFlags extends AdminTarget, SessionFilter {
  readonly all?: true;
  readonly yes?: true;
  readonly json?: true;
}

export function register(program: Command): void {
  const command = program
    .command('disconnect')
    .summary('end sessions in an orderly way')
    .description(
      'Ends sessions in an orderly way: LCP Terminate, Call Disconnect, close. Which ones: by their ids, or all that the ' +
        'filters let through. Filters ask before anything ends.',
    )
    .argument('[id...]', 'session ids, as `sessions` shows them');
  withAdminOptions(
    withFilterOptions(command)
      .option('--all', 'every session that there is')
      .option('-y, --yes', 'do not ask; without a terminal this is needed')
      .option('--json', 'print which sessions are closing, and which were gone already, as JSON'),
  )
    .addHelpText('after', NOTES)
    .action(async (ids: readonly string[], flags: DisconnectFlags) => {
      const { disconnect } = await import('./disconnect-run.ts');
      await disconnect(ids, flags);
    });
}

const NOTES = `
A user whose session was ended may connect again at once. To keep one out: disabled: true in the users file, then reload.

Examples:
  sstp-gateway disconnect 6a1b2c3d-1-7f
  sstp-gateway disconnect --user alice
  sstp-gateway disconnect --worker 1 --yes
  sstp-gateway disconnect --all --config /etc/sstp-gateway/gateway.yaml`;
