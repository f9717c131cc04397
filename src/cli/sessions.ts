import type { Command } from 'commander';
import type { SessionView } from '../admin/gateway-view.ts';
import { type AdminTarget, withAdminOptions } from './admin-options.ts';

interface SessionsOptions extends AdminTarget {
  readonly json?: true;
}

export function register(program: Command): void {
  withAdminOptions(program.command('sessions').description('list the sessions of a running gateway'))
    .option('--json', 'print them as JSON, as GET /api/v1/sessions answers')
    .addHelpText('after', EXAMPLES)
    .action(list);
}

const EXAMPLES = `
RX is what the gateway received from the client, TX what it sent.

Examples:
  sstp-gateway sessions
  sstp-gateway sessions --config /etc/sstp-gateway/gateway.yaml
  sstp-gateway sessions --json | jq '.sessions[] | select(.user == "alice") | .id'`;

async function list(options: SessionsOptions): Promise<void> {
  const { AdminClient } = await import('./admin-client.ts');
  const answer = await new AdminClient(options).request('GET', '/api/v1/sessions');
  if (options.json === true) return console.log(JSON.stringify(answer, undefined, 2));
  const { formatBytes, formatDuration, formatTable } = await import('./table.ts');
  const { sessions } = answer as { readonly sessions: readonly SessionView[] };
  const rows = sessions.map(session => [
    session.id,
    session.user === '' ? '-' : session.user,
    session.state,
    session.ipv4 ?? '-',
    session.remoteAddress,
    formatDuration((Date.now() - Date.parse(session.upAt ?? session.connectedAt)) / 1000),
    formatBytes(session.rxBytes),
    formatBytes(session.txBytes),
    String(session.drops),
  ]);
  for (const line of formatTable(['ID', 'USER', 'STATE', 'IPV4', 'FROM', 'FOR', 'RX', 'TX', 'DROPS'], rows))
    console.log(line);
  console.log(`${sessions.length} session${sessions.length === 1 ? '' : 's'}`);
}
