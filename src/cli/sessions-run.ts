/** The `sessions` command: a list, one session in full, or the list kept on the screen. */
import type { SessionView } from '../admin/gateway-view.ts';
import { AdminClient } from './admin-client.ts';
import { CommandError, ExitCode } from './command-error.ts';
import { printJson } from './json-output.ts';
import { COLUMNS, type ColumnName, isColumn } from './session-columns.ts';
import { describeSession } from './session-detail.ts';
import { filterQuery, type SessionFilter } from './session-filter.ts';
import type { SessionsFlags } from './sessions.ts';
import { formatTable } from './table.ts';

const DEFAULT_COLUMNS: readonly ColumnName[] = ['id', 'user', 'state', 'ipv4', 'from', 'for', 'rx', 'tx', 'drops'];

const WATCH_COLUMNS: readonly ColumnName[] = [
  'id',
  'user',
  'state',
  'ipv4',
  'from',
  'for',
  'rxRate',
  'txRate',
  'drops',
];

export async function sessions(id: string | undefined, flags: SessionsFlags): Promise<void> {
  if (id !== undefined) return showOne(id, flags);
  const columns = flags.columns === undefined ? undefined : parseColumns(flags.columns);
  if (flags.watch === true) return watch(flags, columns ?? WATCH_COLUMNS);
  const answer = await new AdminClient(flags).request('GET', `/api/v1/sessions${listQuery(flags)}`);
  if (flags.json === true) return printJson(answer);
  for (const line of listLines(answer as SessionList, columns ?? DEFAULT_COLUMNS)) console.log(line);
}

interface SessionList {
  /** All that the filters let through, shown or not. */
  readonly matched: number;
  readonly sessions: readonly SessionView[];
}

function listLines({ matched, sessions: rows }: SessionList, columns: readonly ColumnName[]): string[] {
  const now = Date.now();
  const table = formatTable(
    columns.map(name => COLUMNS[name].title),
    rows.map(row => columns.map(name => COLUMNS[name].cell(row, now))),
  );
  const count = rows.length === matched ? `${matched}` : `${rows.length} of ${matched}`;
  return [...table, `${count} session${matched === 1 ? '' : 's'}`];
}

/** `--limit` and `--offset` are of the order on the screen, which the gateway does not know. */
async function watch({ limit, offset, ...flags }: SessionsFlags, columns: readonly ColumnName[]): Promise<void> {
  const { watchOnScreen, watchPlainly } = await import('./watch/run.ts');
  const { sort, interval: intervalMs, json } = flags;
  const options = { client: new AdminClient(flags), query: listQuery(flags), sort, columns, intervalMs };
  const isCut = limit !== undefined || offset !== undefined;
  if (process.stdin.isTTY && process.stdout.isTTY && json !== true && !isCut) return watchOnScreen(options);
  return watchPlainly(options, all => {
    const from = offset ?? 0;
    const list: SessionList = { matched: all.length, sessions: all.slice(from, from + (limit ?? Infinity)) };
    if (json === true) return printJson({ at: new Date().toISOString(), ...list }, 'line');
    console.log([new Date().toISOString(), ...listLines(list, columns), ''].join('\n'));
  });
}

async function showOne(id: string, flags: SessionsFlags): Promise<void> {
  const { sort, limit, offset, columns, watch, ...others } = flags;
  const listed = Object.entries({ sort, limit, offset, columns, watch }).find(([, value]) => value !== undefined);
  const filter = [...filterQuery(others).keys()][0] ?? listed?.[0];
  if (filter !== undefined) throw new CommandError(`--${filter} is for the list, not for one session`, ExitCode.Usage);
  const answer = await new AdminClient(flags).request('GET', `/api/v1/sessions/${encodeURIComponent(id)}`);
  if (flags.json === true) return printJson(answer);
  for (const line of describeSession(answer as Readonly<Record<string, unknown>>, Date.now())) console.log(line);
}

function parseColumns(text: string): readonly ColumnName[] {
  return text.split(',').map(word => {
    const name = word.trim();
    if (isColumn(name)) return name;
    const accepted = Object.keys(COLUMNS).join(', ');
    throw new CommandError(`--columns ${text}: there is no column "${name}"; accepted: ${accepted}`, ExitCode.Usage);
  });
}

function listQuery(flags: Pick<SessionsFlags, 'sort' | 'limit' | 'offset'> & SessionFilter): string {
  const query = filterQuery(flags);
  const { sort, limit, offset } = flags;
  for (const [name, value] of Object.entries({ sort, limit, offset })) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}
