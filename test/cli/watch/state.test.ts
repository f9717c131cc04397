import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKeys } from '../../../src/cli/watch/keys.ts';
import { ORDERS } from '../../../src/cli/watch/order.ts';
import {
  type Action,
  initialState,
  press,
  shownSessions,
  type WatchState,
  withDetail,
} from '../../../src/cli/watch/state.ts';
import { firstLook, session } from './fixture.ts';

const PAGE = 3;
const UP = '\u001b[A';
const DOWN = '\u001b[B';
const ESCAPE = '\u001b';
const THREE = [
  session('a', { user: 'alice', rxRate: 3 }),
  session('b', { user: 'bob', rxRate: 2 }),
  session('c', { user: 'carol', rxRate: 1 }),
];

test('q and Ctrl-C quit, Ctrl-C in every mode', () => {
  assert.deepEqual(type('q').actions, [{ kind: 'quit' }]);
  for (const before of ['', '/', '?', 'd', '\r']) {
    assert.deepEqual(type(`${before}\u0003`).actions.at(-1), { kind: 'quit' }, before);
  }
});

test('s goes through the orders and begins again, r turns the order round', () => {
  assert.deepEqual(shown(type('r').state), ['c', 'b', 'a']);
  assert.equal(type('s').state.order, 1);
  assert.equal(type('s'.repeat(ORDERS.length)).state.order, 0);
  assert.equal(type('rs').state.isReversed, false);
});

test('the selection stays on its session when others overtake it', () => {
  const { state } = type(DOWN);
  assert.equal(state.selected, 'b');
  const overtaken = { ...state, look: firstLook(...THREE.map(each => ({ ...each, rxRate: each.id === 'c' ? 9 : 1 }))) };
  assert.equal(press(overtaken, 'down', PAGE).state.selected, shown(overtaken)[2]);
  assert.equal(overtaken.selected, 'b');
});

test('the selection stops at both ends', () => {
  assert.equal(type(UP).state.selected, 'a');
  assert.equal(type(DOWN.repeat(9)).state.selected, 'c');
  assert.equal(type('\u001b[6~').state.selected, 'c');
  assert.equal(type('\u001b[F\u001b[H').state.selected, 'a');
});

test('a filter applies as it is typed; escape takes it back, in the list it takes it away', () => {
  assert.deepEqual(shown(type('/BO').state), ['b']);
  assert.deepEqual(shown(type('/bx\u007f\r').state), ['b']);
  assert.deepEqual(shown(type(`/b\r/zz${ESCAPE}`).state), ['b']);
  assert.deepEqual(shown(type(`/b\r${ESCAPE}`).state), ['a', 'b', 'c']);
  assert.equal(type('/q').state.filter, 'q');
});

test('d asks, and only y disconnects: the session that was asked about', () => {
  assert.deepEqual(type(`${DOWN}dy`).actions, [{ kind: 'disconnect', id: 'b' }]);
  for (const key of ['n', '\r', ESCAPE, ' ']) {
    const { state, actions } = type(`d${key}`);
    assert.deepEqual(actions, []);
    assert.deepEqual([state.mode.kind, state.notice], ['list', 'nothing was ended']);
  }
  // Meanwhile another one has become the first.
  const asked = { ...type('d').state, look: firstLook(THREE[2]!) };
  assert.deepEqual(press(asked, 'y', PAGE).action, { kind: 'disconnect', id: 'a' });
});

test('without sessions the keys do nothing', () => {
  const empty = initialState(firstLook(), ORDERS);
  for (const key of ['d', 'enter', 'up', 'down', 'end', 's']) {
    assert.equal(press(empty, key, PAGE).state.mode.kind, 'list');
  }
});

test('enter shows the session in full, which scrolls, and q goes back', () => {
  const { state, actions } = type('\r');
  assert.deepEqual(actions, [{ kind: 'look' }]);
  const full = withDetail(state, 'a', ['1', '2', '3', '4', '5']);
  assert.equal(top(press(full, 'down', PAGE).state), 1);
  assert.equal(top(press(full, 'end', PAGE).state), 2);
  assert.equal(top(press(full, 'up', PAGE).state), 0);
  assert.equal(press(full, 'q', PAGE).state.mode.kind, 'list');
  assert.equal(press(full, 'd', PAGE).state.mode.kind, 'confirm');
  assert.equal(withDetail(state, 'b', ['late']), state);
});

function top({ mode }: WatchState): number | undefined {
  return mode.kind === 'detail' ? mode.top : undefined;
}

function shown(state: WatchState): string[] {
  return shownSessions(state).map(({ id }) => id);
}

function type(text: string): { state: WatchState; actions: Action[] } {
  let state = initialState(firstLook(...THREE), ORDERS);
  const actions: Action[] = [];
  // The escape key comes alone, or in front of what makes another key of it.
  // eslint-disable-next-line no-control-regex -- keys are made of control characters
  for (const key of text.split(/(?<=\u001b)(?![[O])|(?=\u001b)/).flatMap(parseKeys)) {
    const pressed = press(state, key, PAGE);
    state = pressed.state;
    if (pressed.action !== undefined) actions.push(pressed.action);
  }
  return { state, actions };
}
