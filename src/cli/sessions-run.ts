/** The `sessions` command: a list, one session in full, or the list kept on the screen. */
import { AdminClient } from './admin-client.ts';
import { CommandError, ExitCode } from './command-error.ts';
import { printJson } from './json-output.ts';
import { COLUMNS, type ColumnName, isColumn, type ListedSession } from './session-columns.ts';
import { describeSession } from './session-detail.ts';
import { filterQuery } from './session-filter.ts';
import type { SessionsFlags } from './sessions.ts';
import { formatTable } from './table.ts';

const DEFAULT_COLUMNS: readonly ColumnName[] = ['id', 'user', 'state', 'ipv4', 'from', 'for', 'rx', 'tx', 'drops'];

export async function sessions(id: string | undefined, flags: SessionsFlags): Promise<void> {
  if (id !== undefined) return showOne(id, flags);
  const columns = parseColumns(flags.columns);
  const answer = await new AdminClient(flags).request('GET', `/api/v1/sessions${listQuery(flags)}`);
  if (flags.json === true) return printJson(answer);
  for (const line of listLines(answer as SessionList, columns)) console.log(line);
}

interface SessionList {
  /** All that the filters let through, shown or not. */
  readonly matched: number;
  readonly sessions: readonly ListedSession[];
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

async function showOne(id: string, flags: SessionsFlags): Promise<void> {
  const { sort, limit, offset, columns, watch, ...others } = flags;
  const listed = Object.entries({ sort, limit, offset, columns, watch }).find(([, value]) => value !== undefined);
  const filter = [...filterQuery(others).keys()][0] ?? listed?.[0];
  if (filter !== undefined) throw new CommandError(`--${filter} is for the list, not for one session`, ExitCode.Usage);
  const answer = await new AdminClient(flags).request('GET', `/api/v1/sessions/${encodeURIComponent(id)}`);
  if (flags.json === true) return printJson(answer);
  for (const line of describeSession(answer as Readonly<Record<string, unknown>>, Date.now())) console.log(line);
}

function parseColumns(text: string | undefined): readonly ColumnName[] {
  if (text === undefined) return DEFAULT_COLUMNS;
  return text.split(',').map(word => {
    const name = word.trim();
    if (isColumn(name)) return name;
    const accepted = Object.keys(COLUMNS).join(', ');
    throw new CommandError(`--columns ${text}: there is no column "${name}"; accepted: ${accepted}`, ExitCode.Usage);
  });
}

function listQuery(flags: SessionsFlags): string {
  const query = filterQuery(flags);
  const { sort, limit, offset } = flags;
  for (const [name, value] of Object.entries({ sort, limit, offset })) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}
