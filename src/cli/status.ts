import type { Command } from 'commander';
import type { CountBy, StatusView } from '../admin/gateway-view.ts';
import { type AdminTarget, withAdminOptions } from './admin-options.ts';

interface StatusOptions extends AdminTarget {
  readonly json?: true;
}

export function register(program: Command): void {
  withAdminOptions(
    program.command('status').description('show how a running gateway is: workers, sessions, addresses, counters'),
  )
    .option('--json', 'print it as JSON, as GET /api/v1/status answers')
    .addHelpText('after', EXAMPLES)
    .action(show);
}

const EXAMPLES = `
Examples:
  sstp-gateway status
  sstp-gateway status --admin http://10.0.0.5:8080 --token-file /etc/sstp-gateway/token`;

async function show(options: StatusOptions): Promise<void> {
  const { AdminClient } = await import('./admin-client.ts');
  const answer = await new AdminClient(options).request('GET', '/api/v1/status');
  if (options.json === true) {
    const { printJson } = await import('./json-output.ts');
    return printJson(answer);
  }
  const { formatDuration, formatTable } = await import('./table.ts');
  const { printable } = await import('./terminal-text.ts');
  const status = answer as StatusView;
  const { pool, cleanup, counters } = status;
  const facts: [string, string][] = [
    ['gateway', `${status.version} on ${status.node}, up ${formatDuration(status.uptime)}`],
    ['listen', status.listen.join(', ')],
    ['network', status.network.mode],
    ['sessions', counts(status.sessions)],
    ['addresses', `${pool.leased} of ${pool.size} leased`],
    [
      'cleanup',
      cleanup.count === 0
        ? 'nothing ended yet'
        : `p50 ${milliseconds(cleanup.p50)}, p99 ${milliseconds(cleanup.p99)} of ${cleanup.count}`,
    ],
    ['starts', String(counters.starts)],
    ['ends', counts(counters.ends)],
    ['aborts', counts(counters.aborts)],
    ['refusals', counts(counters.refusals)],
    ...Object.entries(counters.auth).map(([method, results]): [string, string] => [`auth ${method}`, counts(results)]),
    ['drops', counts(counters.drops)],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  for (const [name, value] of facts) console.log(printable(`${name.padEnd(width)}  ${value}`));
  console.log('');
  const workers = status.workers.map(worker => [
    String(worker.index),
    worker.state,
    String(worker.sessions),
    String(worker.restarts),
    milliseconds(worker.eventLoopLagP99),
  ]);
  for (const line of formatTable(['WORKER', 'STATE', 'SESSIONS', 'RESTARTS', 'LOOP LAG P99'], workers))
    console.log(line);
}

function counts(by: CountBy): string {
  const shown = Object.entries(by).filter(([, count]) => count > 0);
  return shown.length === 0 ? 'none' : shown.map(([name, count]) => `${name} ${count}`).join(', ');
}

function milliseconds(seconds: number | null): string {
  return seconds === null ? '-' : `${(seconds * 1000).toFixed(1)} ms`;
}
