import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { COLUMNS, type ColumnName } from '../../../src/cli/session-columns.ts';
import { displayWidth } from '../../../src/cli/terminal-text.ts';
import { ORDERS } from '../../../src/cli/watch/order.ts';
import { initialState, type Mode, type WatchState } from '../../../src/cli/watch/state.ts';
import { type ScreenSize, watchLines } from '../../../src/cli/watch/view.ts';
import { firstLook, session } from './fixture.ts';

const NOW = new Date('2026-06-01T00:01:01.000Z');
const SIZE = { columns: 120, rows: 12 };
const USUAL: readonly ColumnName[] = ['id', 'user', 'state', 'ipv4', 'from', 'for', 'rxRate', 'txRate', 'drops'];

test('the head tells how the gateway is, the table who is connected', () => {
  const lines = screen(state(session('7f3a', { rxRate: 1.5e6, txRate: 20_000 })));
  assert.equal(lines.length, SIZE.rows);
  assert.match(lines[0]!, /^sstp-gateway 9\.9\.9 on gw1, up 1d 2h {2}http:\/\/gw:8080 {2}\d\d:\d\d:\d\d$/);
  assert.equal(lines[1], 'sessions  1 up, 0 negotiating, 0 authenticating, 0 closing; refused -');
  assert.equal(lines[2], 'traffic   received -, sent -; pools default ipv4 <1 %');
  assert.equal(lines[3], 'workers   0: 1 session, lag 2.1 ms | 1: restarting, 0 sessions, lag -');
  assert.match(lines[5]!, /^ID {4}USER {3}STATE {2}IPV4 +FROM +FOR +RX RATE +TX RATE +DROPS +$/);
  assert.match(
    lines[6]!,
    /^7f3a {2}alice {2}up {5}10\.66\.0\.2 {2}192\.0\.2\.1:50000 {2}1m 0s {2}1\.5 Mbit\/s {2}20\.0 kbit\/s {6}3 +$/,
  );
  assert.equal(lines.at(-1), '1 session by rate  (? help, q quit)');
});

test('the selected session is in sight, wherever it is', () => {
  const rows = Array.from({ length: 50 }, (_, index) => session(`s${index}`, { rxRate: 50 - index }));
  for (const index of [0, 1, 25, 48, 49]) {
    const lines = watchLines({ ...state(...rows), selected: `s${index}` }, SIZE, context());
    const marked = lines.filter(line => line.startsWith('\u001b[7m'));
    assert.equal(marked.length, 1);
    assert.match(marked[0]!, new RegExp(`^\\u001b\\[7ms${index} `));
  }
  const end = screen({ ...state(...rows), selected: 's49' });
  assert.match(end.at(-2)!, /^s49 /);
});

test('a narrow terminal has the columns that matter', () => {
  const lines = screen(state(session('7f3a', { user: 'alice' })), { columns: 30, rows: 12 });
  assert.equal(lines[5]!.trim(), 'USER       RX RATE  TX RATE');
});

test('the bottom line asks, filters and tells what went wrong', () => {
  const one = session('7f3a', { user: '' });
  const bottom = (changes: Partial<WatchState>): string => screen({ ...state(one), ...changes }).at(-1)!;
  assert.equal(
    bottom({ mode: { kind: 'confirm', session: one } }),
    'End session 7f3a of no name yet from 192.0.2.1:50000? y/n',
  );
  assert.equal(bottom({ mode: { kind: 'filter', before: '' }, filter: 'bo' }), 'Filter: bo ');
  assert.equal(bottom({ failure: 'no gateway answers', notice: 'closing' }), 'no gateway answers');
  assert.equal(
    bottom({ filter: 'nobody', isReversed: true }),
    '0 of 1 session by rate, reversed  filter: nobody  (? help, q quit)',
  );
});

test('whatever users call themselves, nothing leaves the screen and no control character gets there', () => {
  const text = fc.string({ unit: 'binary', maxLength: 300 });
  const size = fc.record({ columns: fc.integer({ min: 1, max: 130 }), rows: fc.integer({ min: 1, max: 30 }) });
  const mode = fc.constantFrom<Mode['kind']>('list', 'help', 'filter', 'confirm', 'detail');
  fc.assert(
    fc.property(text, text, size, mode, (user, filter, { columns, rows }, kind) => {
      const hostile = session('7f3a', { user, remoteAddress: user, ipv6: user });
      const all = Object.keys(COLUMNS) as ColumnName[];
      const lines = watchLines(
        { ...state(hostile), filter: kind === 'filter' ? filter : '', notice: user, mode: modeOf(kind, hostile) },
        { columns, rows },
        { ...context(), columns: all },
      );
      assert.ok(lines.length <= rows);
      for (const line of lines.map(plain)) {
        assert.doesNotMatch(line, /\p{C}/u);
        assert.ok(displayWidth(line) <= columns, `${displayWidth(line)} > ${columns}: ${line}`);
      }
    }),
    { numRuns: 500 },
  );
});

function state(...sessions: readonly ReturnType<typeof session>[]): WatchState {
  return initialState(firstLook(...sessions), ORDERS);
}

function context() {
  return { columns: USUAL, url: 'http://gw:8080', now: NOW };
}

function screen(shown: WatchState, size: ScreenSize = SIZE): string[] {
  return watchLines(shown, size, context()).map(plain);
}

/** Without what sets bold and inverse. */
function plain(line: string): string {
  // eslint-disable-next-line no-control-regex -- these it may hold
  return line.replaceAll(/\u001b\[[017]m/g, '');
}

function modeOf(kind: Mode['kind'], hostile: ReturnType<typeof session>): Mode {
  switch (kind) {
    case 'confirm':
      return { kind, session: hostile };
    case 'filter':
      return { kind, before: '' };
    case 'detail':
      return { kind, id: hostile.id, lines: [hostile.user, hostile.user], top: 0 };
    default:
      return { kind };
  }
}
