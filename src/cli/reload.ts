import type { Command } from 'commander';
import type { ReloadView } from '../admin/gateway-view.ts';
import { type AdminTarget, withAdminOptions } from './admin-options.ts';
import { CommandError, ExitCode } from './command-error.ts';

interface ReloadOptions extends AdminTarget {
  readonly json?: true;
}

export function register(program: Command): void {
  withAdminOptions(
    program.command('reload').description('make a running gateway read its files again, without dropping a tunnel'),
  )
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', EXPLANATION)
    .action(reload);
}

const EXPLANATION = `
Certificates, users, pools, limits, RADIUS servers, hooks and the log level take effect at once, for tunnels that
come from then on; leases of running tunnels stay. A file with a fault changes nothing. SIGHUP does the same.`;

async function reload(options: ReloadOptions): Promise<void> {
  const { AdminClient } = await import('./admin-client.ts');
  const { printJson } = await import('./json-output.ts');
  const result = (await new AdminClient(options).request('POST', '/api/v1/reload', {
    understands: [422],
  })) as ReloadView;
  if (options.json === true) printJson(result);
  if (!result.ok) {
    throw new CommandError(`nothing was changed:\n${result.problems.join('\n')}`, ExitCode.Usage);
  }
  if (options.json === true) return;
  for (const warning of result.warnings) console.log(warning);
  const waiting = result.needsRestart.join(', ');
  console.log(waiting === '' ? 'reloaded' : `reloaded; these wait for a restart: ${waiting}`);
}
