// The screen of `sessions --watch` as lines: a pure function of its state. What users chose goes through `printable`.
import type { SessionView, StatusView } from '../../admin/gateway-view.ts';
import { COLUMNS, type ColumnName, type SessionColumn } from '../session-columns.ts';
import { formatBitRate, formatDuration } from '../table.ts';
import { cut, displayWidth, fit, printable } from '../terminal-text.ts';
import type { Look } from './look.ts';
import { selectedIndex, shownSessions, type WatchState } from './state.ts';

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** Lines of the head, with the empty one behind it. */
const HEAD_ROWS = 5;
/** The titles of the table, and the line at the bottom. */
const FRAME_ROWS = 2;
/** A name may be 255 bytes long. */
const WIDEST_CELL = 32;
/** What goes first where the terminal is narrow. */
const LEAST_WANTED: readonly ColumnName[] = ['drops', 'from', 'for', 'ipv4', 'state', 'id'];

const BOLD = '\u001b[1m';
const INVERSE = '\u001b[7m';
const PLAIN = '\u001b[0m';

/** Rows that the list, or a session in full, has on such a screen. */
export function bodyRows({ rows }: ScreenSize): number {
  return Math.max(1, rows - HEAD_ROWS - FRAME_ROWS);
}

/** At most as many lines, each of at most as many columns, as the screen has; beside what sets bold and inverse they hold no control character. */
export function watchLines(
  state: WatchState,
  size: ScreenSize,
  { columns, url, now }: { readonly columns: readonly ColumnName[]; readonly url: string; readonly now: Date },
): string[] {
  const head = [...headLines(state.look, url, now), ''].map(line => cut(printable(line), size.columns));
  head[0] = BOLD + head[0] + PLAIN;
  const body = bodyLines(state, size, columns, now.getTime());
  const room = Math.max(0, size.rows - 1);
  const lines = [...head, ...body].slice(0, room);
  while (lines.length < room) lines.push('');
  return [...lines, bottomLine(state, size)].slice(-size.rows);
}

function headLines(look: Look, url: string, now: Date): string[] {
  const { status } = look;
  const { version, node, uptime, sessions, draining } = status;
  const refusals = look.refusalRate === null ? '-' : `${look.refusalRate.toFixed(1)}/s`;
  const { up, negotiating, authenticating, closing } = sessions;
  return [
    `sstp-gateway ${version} on ${node}, up ${formatDuration(uptime)}${draining ? ', draining' : ''}  ${url}  ${now.toTimeString().slice(0, 8)}`,
    `sessions  ${up} up, ${negotiating} negotiating, ${authenticating} authenticating, ${closing} closing; refused ${refusals}`,
    `traffic   received ${rate(look.rxRate)}, sent ${rate(look.txRate)}; pools ${pools(status)}`,
    `workers   ${status.workers.map(worker).join(' | ')}`,
  ];
}

function worker({ index, state, sessions, eventLoopLagP99: lag }: StatusView['workers'][number]): string {
  const is = state === 'ready' ? '' : `${state}, `;
  return `${index}: ${is}${sessions} ${sessions === 1 ? 'session' : 'sessions'}, lag ${lag === null ? '-' : `${(lag * 1000).toFixed(1)} ms`}`;
}

/** Those that are used, the fullest first. */
function pools(status: StatusView): string {
  const used = status.pools
    .map(({ name, family, size, leased }) => ({ name: `${name} ${family}`, share: size === 0 ? 0 : leased / size }))
    .filter(({ share }) => share > 0)
    .toSorted((a, b) => b.share - a.share);
  return used.length === 0 ? 'unused' : used.map(({ name, share }) => `${name} ${percent(share)}`).join(', ');
}

function percent(share: number): string {
  return share < 0.01 ? '<1 %' : `${Math.floor(share * 100)} %`;
}

function rate(bitsPerSecond: number | null): string {
  return bitsPerSecond === null ? '-' : formatBitRate(bitsPerSecond);
}

function bodyLines(state: WatchState, size: ScreenSize, columns: readonly ColumnName[], now: number): string[] {
  const { mode } = state;
  if (mode.kind === 'help') return HELP.map(line => cut(line, size.columns));
  if (mode.kind !== 'detail') return tableLines(state, size, columns, now);
  const lines = mode.lines.slice(mode.top, mode.top + bodyRows(size));
  return [`Session ${mode.id}`, ...lines].map(line => cut(printable(line), size.columns));
}

function tableLines(state: WatchState, size: ScreenSize, columns: readonly ColumnName[], now: number): string[] {
  const shown = shownSessions(state);
  const selected = selectedIndex(state, shown);
  const room = bodyRows(size);
  // The selected one is in the middle, except near the ends.
  const top = Math.max(0, Math.min(selected - Math.floor(room / 2), shown.length - room));
  const page = shown.slice(top, top + room);
  const table = fitColumns(columns, page, size.columns, now);
  const line = (text: (column: FittedColumn) => string): string =>
    fit(table.map(column => fit(text(column), column.width, column.align)).join('  '), size.columns);
  return [
    BOLD + line(({ title }) => title) + PLAIN,
    ...page.map((session, index) => {
      const text = line(({ cell }) => printable(cell(session, now)));
      return top + index === selected ? INVERSE + text + PLAIN : text;
    }),
  ];
}

interface FittedColumn extends SessionColumn {
  readonly width: number;
}

/** As wide as what they show; those that are least wanted are left out until the rest fits. */
function fitColumns(
  names: readonly ColumnName[],
  page: readonly SessionView[],
  width: number,
  now: number,
): FittedColumn[] {
  const widths = new Map<ColumnName, number>();
  for (const name of names) {
    const { title, cell }: SessionColumn = COLUMNS[name];
    const widest = page.reduce((most, session) => Math.max(most, displayWidth(printable(cell(session, now)))), 0);
    widths.set(name, Math.max(title.length, Math.min(widest, WIDEST_CELL)));
  }
  const total = (): number => [...widths.values()].reduce((sum, each) => sum + each + 2, -2);
  for (const name of LEAST_WANTED) if (total() > width) widths.delete(name);
  return [...widths].map(([name, each]) => ({ ...COLUMNS[name], width: each }));
}

function bottomLine(state: WatchState, { columns }: ScreenSize): string {
  const { mode, filter } = state;
  const notice = state.failure || state.notice;
  switch (mode.kind) {
    case 'filter':
      return cut(printable(`Filter: ${filter}`), columns - 1) + INVERSE + ' ' + PLAIN;
    case 'confirm': {
      const { id, user, remoteAddress } = mode.session;
      const who = user === '' ? 'no name yet' : user;
      return BOLD + cut(printable(`End session ${id} of ${who} from ${remoteAddress}? y/n`), columns) + PLAIN;
    }
    case 'help':
      return cut('any key: back', columns);
    case 'detail':
      return notice === '' ? cut('arrows scroll  d disconnect  q back', columns) : warning(notice, columns);
    default:
      return notice === '' ? cut(printable(listLine(state)), columns) : warning(notice, columns);
  }
}

function listLine(state: WatchState): string {
  const { order, orders, isReversed, filter, look } = state;
  const shown = shownSessions(state).length;
  const count = shown === look.sessions.length ? `${shown}` : `${shown} of ${look.sessions.length}`;
  const by = `${orders[order]!.name}${isReversed ? ', reversed' : ''}`;
  const only = filter === '' ? '' : `  filter: ${filter}`;
  return `${count} ${look.sessions.length === 1 ? 'session' : 'sessions'} by ${by}${only}  (? help, q quit)`;
}

function warning(text: string, columns: number): string {
  return BOLD + cut(printable(text), columns) + PLAIN;
}

const HELP = [
  'Keys',
  '  arrows, j k, page keys, space, home, end   move',
  '  enter     the session in full',
  '  d         disconnect the session, after a question',
  '  s         next order: rate, received, sent, bytes, drops, newest, user',
  '  r         reverse the order',
  '  /         show only what contains a text; escape takes the filter away',
  '  q         quit',
  '',
  'Received is what clients sent to the gateway. Rates are of the time between two looks.',
];
