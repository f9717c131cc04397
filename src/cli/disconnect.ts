import type { Command } from 'commander';
import { type AdminTarget, withAdminOptions } from './admin-options.ts';
import { CommandError } from './command-error.ts';

interface DisconnectOptions extends AdminTarget {
  readonly json?: true;
}

export function register(program: Command): void {
  withAdminOptions(
    program
      .command('disconnect')
      .description('end sessions in an orderly way: LCP Terminate, Call Disconnect, close')
      .argument('<id...>', 'session ids, as `sessions` shows them'),
  )
    .option('--json', 'print the answers as JSON')
    .addHelpText('after', EXAMPLES)
    .action(disconnect);
}

const EXAMPLES = `
Examples:
  sstp-gateway disconnect 7f3a
  sstp-gateway disconnect $(sstp-gateway sessions --json | jq -r '.sessions[] | select(.user == "alice") | .id')`;

async function disconnect(ids: readonly string[], options: DisconnectOptions): Promise<void> {
  const { AdminClient } = await import('./admin-client.ts');
  const client = new AdminClient(options);
  const failures: string[] = [];
  for (const id of ids) {
    try {
      const answer = await client.request('DELETE', `/api/v1/sessions/${encodeURIComponent(id)}`);
      console.log(options.json === true ? JSON.stringify(answer) : `${id}: closing`);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      failures.push(error.message);
    }
  }
  if (failures.length > 0) throw new CommandError(failures.join('\nsstp-gateway: '));
}
