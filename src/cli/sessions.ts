import { type Command, Help, InvalidArgumentError, Option } from 'commander';
import { SORT_KEYS } from '../admin/session-keys.ts';
import { type AdminTarget, withAdminOptions } from './admin-options.ts';
import { type SessionFilter, wholeNumber, withFilterOptions } from './session-filter.ts';

export interface SessionsFlags extends AdminTarget, SessionFilter {
  readonly sort?: string;
  readonly limit?: number;
  readonly offset?: number;
  readonly columns?: string;
  readonly watch?: true;
  /** Milliseconds. */
  readonly interval: number;
  readonly json?: true;
}

export function register(program: Command): void {
  const command = program
    .command('sessions')
    .summary('list the sessions of a running gateway, watch them, show one')
    .description('Lists the sessions of a running gateway. With an ID: shows that session in full.')
    .argument('[id]', 'one session in full, with what was negotiated, timers and counters');
  withAdminOptions(
    withFilterOptions(command)
      .addOption(
        new Option('--sort <key>', 'order by this; -KEY: the largest first').choices(
          SORT_KEYS.flatMap(key => [key, `-${key}`]),
        ),
      )
      .option('--limit <count>', 'at most so many', wholeNumber)
      .option('--offset <count>', 'from this one on, counted from 0', wholeNumber)
      .option('--columns <names>', 'what to show of each, by comma (see below)')
      .option('-w, --watch', 'keep the list on the screen, the busiest first; keys are explained there with ?')
      .addOption(
        new Option('--interval <time>', 'with --watch: time between two looks').argParser(interval).default(2000, '2s'),
      )
      .option('--json', 'print what GET /api/v1/sessions answers; with --watch a line each time'),
  )
    // Two dozen sort keys stand better below.
    .configureHelp({
      optionDescription: option =>
        option.name() === 'sort' ? option.description : new Help().optionDescription(option),
    })
    .addHelpText('after', NOTES)
    .action(async (id: string | undefined, flags: SessionsFlags) => {
      const { sessions } = await import('./sessions-run.ts');
      await sessions(id, flags);
    });
}

const NOTES = `
RX is what the gateway received from the client, TX what it sent.

Sort keys: ${SORT_KEYS.slice(0, 8).join(', ')},
  ${SORT_KEYS.slice(8).join(', ')}
Columns: id, user, state, ipv4, ipv6, from, for, rx, tx, rxRate, txRate, drops, auth, tls, mtu, worker, node

Examples:
  sstp-gateway sessions
  sstp-gateway sessions 6a1b2c3d-1-7f
  sstp-gateway sessions --user alice --columns id,from,for,tls
  sstp-gateway sessions --sort -txBytes --limit 10  those who received the most
  sstp-gateway sessions --watch --search 10.66.3.
  sstp-gateway sessions --config /etc/sstp-gateway/gateway.yaml --json | jq -r '.sessions[].user'`;

/** At most ten times a second. */
function interval(text: string): number {
  const [, count, unit] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s|m)$/.exec(text) ?? [];
  const milliseconds = Number(count) * { ms: 1, s: 1000, m: 60_000 }[unit ?? 'ms']!;
  if (milliseconds >= 100 && milliseconds <= 3_600_000) return milliseconds;
  throw new InvalidArgumentError('A time from 100ms to 60m is needed, such as 2s.');
}
