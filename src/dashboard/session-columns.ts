// The columns of the session list.
import type { SessionView } from '../admin/schema/session.ts';
import { element, setAttribute, setText, setTime } from './dom.ts';
import { formatAge, formatBitRate, formatBytes, formatText } from './format.ts';
import { sessionHash } from './route.ts';

export interface Column {
  /** As the API sorts by it. The style sheet knows the column by it too. */
  readonly sort: keyof SessionView;
  readonly title: string;
  /** The largest first, when it is sorted by for the first time. */
  readonly isDescending?: boolean;
  /** `number`: to the right. `wide`, `wider`: left out on narrow screens. */
  readonly classes: string;
  readonly create: (session: SessionView) => Cell;
}

interface Cell {
  readonly content: HTMLElement;
  readonly show: (session: SessionView) => void;
}

export const COLUMNS: readonly Column[] = [
  { sort: 'user', title: 'User', classes: '', create: createUser },
  { sort: 'state', title: 'State', classes: 'wide', create: createState },
  { sort: 'ipv4', title: 'Address', classes: 'wide', create: text(({ ipv4, ipv6 }) => formatText(ipv4 ?? ipv6)) },
  { sort: 'remoteAddress', title: 'Client', classes: 'wider', create: text(({ remoteAddress }) => remoteAddress) },
  { sort: 'connectedAt', title: 'Since', isDescending: true, classes: 'number wide', create: createSince },
  number('txRate', 'Down', '', ({ txRate }) => formatBitRate(txRate)),
  number('rxRate', 'Up', '', ({ rxRate }) => formatBitRate(rxRate)),
  number('txBytes', 'Downloaded', 'wider', ({ txBytes }) => formatBytes(txBytes)),
  number('rxBytes', 'Uploaded', 'wider', ({ rxBytes }) => formatBytes(rxBytes)),
];

export function nameOf({ user, id }: Pick<SessionView, 'user' | 'id'>): string {
  return user === '' ? `(no name yet) ${id}` : user;
}

export function toneOf(state: SessionView['state']): 'good' | 'warning' | 'quiet' {
  if (state === 'up') return 'good';
  return state === 'closing' ? 'quiet' : 'warning';
}

function createUser({ id }: SessionView): Cell {
  const link = element('a', { href: sessionHash(id) });
  // Stands in for the columns that a phone has no room for.
  const address = element('span', { class: 'narrow-note' });
  return {
    content: element('span', {}, link, address),
    show: session => {
      setText(link, nameOf(session));
      link.title = nameOf(session);
      setText(address, session.ipv4 ?? session.ipv6 ?? session.state);
    },
  };
}

function createState(): Cell {
  const tag = element('span', { class: 'tag' });
  return {
    content: tag,
    show: ({ state }) => {
      setText(tag, state);
      setAttribute(tag, 'data-tone', toneOf(state));
    },
  };
}

function createSince(): Cell {
  const time = element('time');
  return {
    content: time,
    show: ({ connectedAt }) => setTime(time, connectedAt, formatAge(connectedAt, Date.now())),
  };
}

function text(value: (session: SessionView) => string): Column['create'] {
  return () => {
    const content = element('span');
    return { content, show: session => setText(content, value(session)) };
  };
}

function number(
  sort: keyof SessionView,
  title: string,
  classes: string,
  value: (session: SessionView) => string,
): Column {
  return { sort, title, isDescending: true, classes: `number ${classes}`.trim(), create: text(value) };
}
