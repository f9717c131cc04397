// Which sessions a reader wants, and in which order. A list of many sessions is gone through in parts, with the event loop in between.
import { z } from 'zod';
import { isInIpv6Prefix, parseIpv6, parseIpv6Prefix } from '../wire/ipv6.ts';
import type { SessionView } from './gateway-view.ts';
import { SORT_KEYS, type SortKey } from './session-keys.ts';
import { count } from './schema/fields.ts';
import { sessionState } from './schema/session.ts';
import { sortInParts } from './sort-in-parts.ts';
import { TimeSlice } from './time-slice.ts';

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
const MAX_LIMIT = 10_000;

interface Draft {
  readonly filters: ((row: SessionView) => boolean)[];
  order: SessionQuery['order'];
  offset: number;
  limit: number;
}

interface SessionParameter {
  readonly description: string;
  readonly schema: z.ZodType;
  /** @returns what is wrong with the value */
  read(value: string, query: Draft): string | undefined;
}

export const SESSION_PARAMETERS: Readonly<Record<string, SessionParameter>> = {
  user: {
    description: 'Exactly this user',
    schema: z.string(),
    read: (value, { filters }) => void filters.push(row => row.user === value),
  },
  state: {
    description: 'In this state',
    schema: sessionState,
    read: (value, { filters }) => {
      const { options } = sessionState;
      if (!options.some(state => state === value)) return `state must be one of ${options.join(', ')}`;
      filters.push(row => row.state === value);
      return undefined;
    },
  },
  worker: {
    description: 'Of this worker',
    schema: count,
    read: (value, { filters }) => {
      const worker = wholeNumber(value);
      if (worker === undefined) return 'worker must be a whole number';
      filters.push(row => row.worker === worker);
      return undefined;
    },
  },
  address: {
    description: "The client's address, inside or outside of the tunnel; of IPv6 any that its prefix inside holds",
    schema: z.string(),
    read: (value, { filters }) => void filters.push(hasAddress(value)),
  },
  search: {
    description: 'Part of the id, the user or an address; capitals do not matter',
    schema: z.string(),
    read: (value, { filters }) => {
      const wanted = value.toLowerCase();
      filters.push(row => searchable(row).includes(wanted));
      return undefined;
    },
  },
  sort: {
    description: 'In this order, with - in front descending; what is not known is less than everything',
    schema: z.enum(SORT_KEYS.flatMap(key => [key, `-${key}`])),
    read: (value, query) => {
      const key = SORT_KEYS.find(name => name === value.replace(/^-/, ''));
      if (key === undefined) return `sort must be one of ${SORT_KEYS.join(', ')}, with - in front for descending`;
      query.order = { key, descending: value.startsWith('-') };
      return undefined;
    },
  },
  offset: {
    description: 'So many of them are left out at the beginning',
    schema: count,
    read: (value, query) => {
      const offset = wholeNumber(value);
      if (offset === undefined) return 'offset must be a whole number';
      query.offset = offset;
      return undefined;
    },
  },
  limit: {
    description: 'No more than this; all unless told',
    schema: z.int().min(1).max(MAX_LIMIT),
    read: (value, query) => {
      const limit = wholeNumber(value);
      if (limit === undefined || limit < 1 || limit > MAX_LIMIT) return `limit must be a number from 1 to ${MAX_LIMIT}`;
      query.limit = limit;
      return undefined;
    },
  },
};

/** A text says what is wrong with the query. */
export function parseSessionQuery(text: string): SessionQuery | string {
  const draft: Draft = { filters: [], order: undefined, offset: 0, limit: Infinity };
  const seen = new Set<string>();
  for (const [name, value] of new URLSearchParams(text)) {
    const parameter = Object.hasOwn(SESSION_PARAMETERS, name) ? SESSION_PARAMETERS[name] : undefined;
    if (parameter === undefined) {
      return `there is no parameter ${name}; there are ${Object.keys(SESSION_PARAMETERS).join(', ')}`;
    }
    if (seen.has(name)) return `${name} is given twice`;
    seen.add(name);
    const fault = parameter.read(value, draft);
    if (fault !== undefined) return fault;
  }
  return draft;
}

/** Sessions may come and go while this goes on: each row is true at the moment that it was read. */
export async function selectSessions(rows: Iterable<SessionView>, query: SessionQuery): Promise<SessionPage> {
  const { filters, order, offset, limit } = query;
  const slice = new TimeSlice();
  const found: SessionView[] = [];
  let matched = 0;
  for (const row of rows) {
    if (slice.isOver) await slice.rest();
    if (!filters.every(filter => filter(row))) continue;
    matched++;
    if (order !== undefined || (matched > offset && found.length < limit)) found.push(row);
  }
  if (order === undefined) return { matched, sessions: found };
  const sign = order.descending ? -1 : 1;
  const inOrder = (a: SessionView, b: SessionView): number =>
    sign * compare(sortValue(a, order.key), sortValue(b, order.key));
  const sorted = await sortInParts(found, inOrder, slice);
  return { matched, sessions: sorted.slice(offset, offset + limit) };
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

/** IPv6 addresses have many spellings. */
function hasAddress(text: string): (row: SessionView) => boolean {
  const address = parseIpv6(text);
  if (address === undefined) return row => row.ipv4 === text || hostOf(row.remoteAddress) === text;
  return ({ ipv6, remoteAddress }) => {
    const prefix = ipv6 === null ? undefined : parseIpv6Prefix(ipv6);
    const isInside = prefix !== undefined && isInIpv6Prefix(address, prefix);
    return isInside || parseIpv6(hostOf(remoteAddress)) === address;
  };
}

function hostOf(hostPort: string): string {
  return hostPort.slice(0, hostPort.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
