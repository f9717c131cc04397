// Which sessions a reader wants, and in which order. A list of many sessions is gone through in parts, with the event loop in between.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SessionView } from './gateway-view.ts';

export interface SessionQuery {
  readonly filters: readonly ((row: SessionView) => boolean)[];
  readonly order: { readonly key: SortKey; readonly descending: boolean } | undefined;
  readonly offset: number;
  readonly limit: number;
}

export interface SessionPage {
  /** All sessions that the filters let through. */
  readonly matched: number;
  readonly sessions: readonly SessionView[];
}

/** What sessions can be sorted by. */
export const SORT_KEYS = [
  'id',
  'user',
  'remoteAddress',
  'worker',
  'state',
  'ipv4',
  'connectedAt',
  'upAt',
  'rxBytes',
  'txBytes',
  'rxPackets',
  'txPackets',
  'drops',
  'rxRate',
  'txRate',
] as const satisfies readonly (keyof SessionView)[];
type SortKey = (typeof SORT_KEYS)[number];

export const SESSION_STATES = ['negotiating', 'authenticating', 'up', 'closing'];
const MAX_LIMIT = 10_000;
/** Rows that are looked at before the event loop has its turn: well under a millisecond. */
const ROWS_AT_A_TIME = 500;

/** Each parameter of the query, and what it means. A text is the reader's fault. */
const PARAMETERS: Readonly<Record<string, (value: string, query: Draft) => string | undefined>> = {
  user: (value, { filters }) => void filters.push(row => row.user === value),
  state: (value, { filters }) => {
    if (!SESSION_STATES.includes(value)) return `state must be one of ${SESSION_STATES.join(', ')}`;
    filters.push(row => row.state === value);
    return undefined;
  },
  worker: (value, { filters }) => {
    const worker = wholeNumber(value);
    if (worker === undefined) return 'worker must be a whole number';
    filters.push(row => row.worker === worker);
    return undefined;
  },
  address: (value, { filters }) => void filters.push(row => row.ipv4 === value || hostOf(row.remoteAddress) === value),
  search: (value, { filters }) => {
    const wanted = value.toLowerCase();
    filters.push(row => searchable(row).includes(wanted));
    return undefined;
  },
  sort: (value, query) => {
    const key = SORT_KEYS.find(name => name === value.replace(/^-/, ''));
    if (key === undefined) return `sort must be one of ${SORT_KEYS.join(', ')}, with - in front for descending`;
    query.order = { key, descending: value.startsWith('-') };
    return undefined;
  },
  offset: (value, query) => {
    const offset = wholeNumber(value);
    if (offset === undefined) return 'offset must be a whole number';
    query.offset = offset;
    return undefined;
  },
  limit: (value, query) => {
    const limit = wholeNumber(value);
    if (limit === undefined || limit < 1 || limit > MAX_LIMIT) return `limit must be a number from 1 to ${MAX_LIMIT}`;
    query.limit = limit;
    return undefined;
  },
};

interface Draft {
  readonly filters: ((row: SessionView) => boolean)[];
  order: SessionQuery['order'];
  offset: number;
  limit: number;
}

/** A text says what is wrong with the query. */
export function parseSessionQuery(text: string): SessionQuery | string {
  const draft: Draft = { filters: [], order: undefined, offset: 0, limit: Infinity };
  const seen = new Set<string>();
  for (const [name, value] of new URLSearchParams(text)) {
    const parameter = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
    if (parameter === undefined)
      return `there is no parameter ${name}; there are ${Object.keys(PARAMETERS).join(', ')}`;
    if (seen.has(name)) return `${name} is given twice`;
    seen.add(name);
    const fault = parameter(value, draft);
    if (fault !== undefined) return fault;
  }
  return draft;
}

/** Sessions may come and go while this goes on: each row is true at the moment that it was read. */
export async function selectSessions(rows: Iterable<SessionView>, query: SessionQuery): Promise<SessionPage> {
  const { filters, order, offset, limit } = query;
  const found: SessionView[] = [];
  let looked = 0;
  let matched = 0;
  for (const row of rows) {
    if (++looked % ROWS_AT_A_TIME === 0) await nextTurn();
    if (!filters.every(filter => filter(row))) continue;
    matched++;
    if (order !== undefined || (matched > offset && found.length < limit)) found.push(row);
  }
  if (order === undefined) return { matched, sessions: found };
  const sign = order.descending ? -1 : 1;
  found.sort((a, b) => sign * compare(sortValue(a, order.key), sortValue(b, order.key)));
  return { matched, sessions: found.slice(offset, offset + limit) };
}

type SortValue = string | number | null;

/** Addresses are in the order of their numbers, not of their digits. */
function sortValue(row: SessionView, key: SortKey): SortValue {
  if (key !== 'ipv4' || row.ipv4 === null) return row[key];
  return row.ipv4.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

/** What is not known is less than everything. */
function compare(a: SortValue, b: SortValue): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}

function searchable({ id, user, remoteAddress, ipv4, ipv6 }: SessionView): string {
  return `${id} ${user} ${remoteAddress} ${ipv4 ?? ''} ${ipv6 ?? ''}`.toLowerCase();
}

function hostOf(hostPort: string): string {
  return hostPort.slice(0, hostPort.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
