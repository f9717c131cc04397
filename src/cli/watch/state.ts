// What is on the screen of `sessions --watch`, and what each key makes of it. Nothing here knows a terminal or a gateway.
import type { SessionView } from '../../admin/gateway-view.ts';
import type { Key } from './keys.ts';
import type { Look } from './look.ts';
import { type Order, ordered } from './order.ts';

export interface WatchState {
  readonly look: Look;
  readonly orders: readonly Order[];
  /** Index of one of them. */
  readonly order: number;
  readonly isReversed: boolean;
  /** Sessions that do not have it in their id, user or addresses are not shown. */
  readonly filter: string;
  /** The session that keys are about; it stays the same one when the order changes. */
  readonly selected: string | undefined;
  readonly mode: Mode;
  /** The outcome of the last key; empty for none. */
  readonly notice: string;
  /** Why the gateway could not be looked at the last time; empty when it could. */
  readonly failure: string;
}

export type Mode =
  | { readonly kind: 'list' }
  | { readonly kind: 'help' }
  /** A filter is being typed; `before` is the one that escape goes back to. */
  | { readonly kind: 'filter'; readonly before: string }
  | { readonly kind: 'confirm'; readonly session: SessionView }
  /** `lines` are as printed by `sessions ID`; `top` is the first that is shown. */
  | { readonly kind: 'detail'; readonly id: string; readonly lines: readonly string[]; readonly top: number };

/** What is to be done beside showing the new state. */
export type Action =
  | { readonly kind: 'quit' }
  | { readonly kind: 'disconnect'; readonly id: string }
  /** The session of the mode `detail` is to be looked at. */
  | { readonly kind: 'look' };

export interface Pressed {
  readonly state: WatchState;
  readonly action?: Action;
}

const LIST: Mode = { kind: 'list' };

export function initialState(look: Look, orders: readonly Order[]): WatchState {
  return {
    look,
    orders,
    order: 0,
    isReversed: false,
    filter: '',
    selected: undefined,
    mode: LIST,
    notice: '',
    failure: '',
  };
}

/** The sessions that the filter lets through, in order. */
export function shownSessions({ look, orders, order, isReversed, filter }: WatchState): readonly SessionView[] {
  const wanted = filter.toLowerCase();
  const found = wanted === '' ? look.sessions : look.sessions.filter(session => searchable(session).includes(wanted));
  return ordered(found, orders[order]!, isReversed);
}

/** Where the selected one is among those shown; the first one when it is gone. */
export function selectedIndex(state: WatchState, shown: readonly SessionView[]): number {
  return Math.max(
    0,
    shown.findIndex(({ id }) => id === state.selected),
  );
}

/** The lines of a session that has been looked at; the keys may have gone on to something else meanwhile. */
export function withDetail(state: WatchState, id: string, lines: readonly string[]): WatchState {
  const { mode } = state;
  return mode.kind === 'detail' && mode.id === id ? { ...state, mode: { ...mode, lines } } : state;
}

/** @param page rows that a page key moves by */
export function press(state: WatchState, key: Key, page: number): Pressed {
  if (key === 'interrupt') return { state, action: { kind: 'quit' } };
  const { mode } = state;
  switch (mode.kind) {
    case 'list':
      return pressInList({ ...state, notice: '' }, key, page);
    case 'help':
      return { state: { ...state, mode: LIST } };
    case 'filter':
      return { state: typeFilter(state, mode.before, key) };
    case 'confirm':
      return answer(state, mode.session, key);
    default:
      return pressInDetail({ ...state, notice: '' }, mode, key, page);
  }
}

function pressInList(state: WatchState, key: Key, page: number): Pressed {
  const shown = shownSessions(state);
  const index = selectedIndex(state, shown);
  const select = (to: number): Pressed => ({
    state: { ...state, selected: shown[Math.min(Math.max(0, to), shown.length - 1)]?.id },
  });
  switch (key) {
    case 'q':
      return { state, action: { kind: 'quit' } };
    case '?':
    case 'h':
      return { state: { ...state, mode: { kind: 'help' } } };
    case 's':
      return { state: { ...state, order: (state.order + 1) % state.orders.length, isReversed: false } };
    case 'r':
      return { state: { ...state, isReversed: !state.isReversed } };
    case '/':
      return { state: { ...state, mode: { kind: 'filter', before: state.filter } } };
    case 'escape':
      return { state: { ...state, filter: '', selected: undefined } };
    case 'up':
    case 'k':
      return select(index - 1);
    case 'down':
    case 'j':
      return select(index + 1);
    case 'page-up':
      return select(index - page);
    case 'page-down':
    case ' ':
      return select(index + page);
    case 'home':
      return select(0);
    case 'end':
      return select(shown.length - 1);
    case 'd':
      return { state: askToEnd(state, shown[index]) };
    case 'enter':
      return openDetail(state, shown[index]);
    default:
      return { state };
  }
}

function askToEnd(state: WatchState, session: SessionView | undefined): WatchState {
  return session === undefined ? state : { ...state, selected: session.id, mode: { kind: 'confirm', session } };
}

function openDetail(state: WatchState, session: SessionView | undefined): Pressed {
  if (session === undefined) return { state };
  const mode: Mode = { kind: 'detail', id: session.id, lines: [], top: 0 };
  return { state: { ...state, selected: session.id, mode }, action: { kind: 'look' } };
}

function answer(state: WatchState, session: SessionView, key: Key): Pressed {
  const back = { ...state, mode: LIST };
  if (key !== 'y' && key !== 'Y') return { state: { ...back, notice: 'nothing was ended' } };
  return { state: back, action: { kind: 'disconnect', id: session.id } };
}

function typeFilter(state: WatchState, before: string, key: Key): WatchState {
  switch (key) {
    case 'enter':
      return { ...state, mode: LIST };
    case 'escape':
      return { ...state, filter: before, mode: LIST };
    case 'backspace':
      return { ...state, filter: state.filter.replace(/.$/su, '') };
    case 'erase':
      return { ...state, filter: '' };
    default:
      // Keys with a name have nothing to do here.
      return /^.$/su.test(key) ? { ...state, filter: state.filter + key } : state;
  }
}

function pressInDetail(state: WatchState, mode: Mode & { kind: 'detail' }, key: Key, page: number): Pressed {
  const scroll = (by: number): Pressed => {
    const top = Math.min(Math.max(0, mode.top + by), Math.max(0, mode.lines.length - page));
    return { state: { ...state, mode: { ...mode, top } } };
  };
  switch (key) {
    case 'q':
    case 'escape':
    case 'enter':
    case 'backspace':
      return { state: { ...state, mode: LIST } };
    case 'up':
    case 'k':
      return scroll(-1);
    case 'down':
    case 'j':
      return scroll(1);
    case 'page-up':
      return scroll(-page);
    case 'page-down':
    case ' ':
      return scroll(page);
    case 'home':
      return scroll(-mode.lines.length);
    case 'end':
      return scroll(mode.lines.length);
    case 'd':
      return {
        state: askToEnd(
          state,
          state.look.sessions.find(({ id }) => id === mode.id),
        ),
      };
    default:
      return { state };
  }
}

function searchable({ id, user, remoteAddress, ipv4, ipv6 }: SessionView): string {
  return `${id} ${user} ${remoteAddress} ${ipv4 ?? ''} ${ipv6 ?? ''}`.toLowerCase();
}
