import type { Command } from 'commander';
import { type AdminTarget, withAdminOptions } from './admin-options.ts';

interface DrainOptions extends AdminTarget {
  readonly end?: true;
  readonly json?: true;
}

export function register(program: Command): void {
  withAdminOptions(
    program
      .command('drain')
      .description(
        'make a running gateway refuse new tunnels: /readyz says 503 at once, listeners close after drainDelay',
      ),
  )
    .option('--end', 'end the tunnels that there are, in good order; without it they stay until they leave')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', EXPLANATION)
    .action(drain);
}

const EXPLANATION = `
There is no way back but a restart. During drainDelay new tunnels are still taken. To stop a gateway, send SIGTERM: it drains, ends every tunnel and exits.

Examples:
  sstp-gateway drain                                a load balancer sends new clients elsewhere; see who is left:
  sstp-gateway status
  sstp-gateway drain --end                          end those that are left`;

async function drain(options: DrainOptions): Promise<void> {
  const { AdminClient } = await import('./admin-client.ts');
  const answer = await new AdminClient(options).request(
    'POST',
    `/api/v1/drain${options.end === true ? '?end=true' : ''}`,
  );
  if (options.json === true) {
    const { printJson } = await import('./json-output.ts');
    return printJson(answer);
  }
  console.log(
    `draining: after drainDelay no new tunnels${options.end === true ? ', and an end of those that there are' : ''}`,
  );
}
