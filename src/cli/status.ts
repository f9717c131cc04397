import type { Command } from 'commander';
import type { StatusView } from '../admin/gateway-view.ts';
import { type AdminTarget, withAdminOptions } from './admin-options.ts';

interface StatusOptions extends AdminTarget {
  readonly json?: true;
}

export function register(program: Command): void {
  withAdminOptions(
    program
      .command('status')
      .description('show how a running gateway is: workers, sessions, addresses, certificates, counters')
      .option('--json', 'print it as JSON, as GET /api/v1/status answers'),
  )
    .addHelpText('after', EXAMPLES)
    .action(show);
}

const EXAMPLES = `
Examples:
  sstp-gateway status
  sstp-gateway status --admin http://10.0.0.5:8080 --token-file /etc/sstp-gateway/token
  sstp-gateway status --json | jq .counters.refusals
  watch -n 5 sstp-gateway status                    again and again; of sessions: sstp-gateway sessions --watch`;

async function show(options: StatusOptions): Promise<void> {
  const { AdminClient } = await import('./admin-client.ts');
  const answer = await new AdminClient(options).request('GET', '/api/v1/status');
  if (options.json === true) {
    const { printJson } = await import('./json-output.ts');
    return printJson(answer);
  }
  const { describeStatus } = await import('./describe-status.ts');
  for (const line of describeStatus(answer as StatusView, Date.now())) console.log(line);
}
