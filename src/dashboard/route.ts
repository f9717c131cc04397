// What the part of the address behind # says: which view, of what.

export type Route =
  | { readonly view: 'overview' }
  | ({ readonly view: 'sessions' } & SessionListQuery)
  | { readonly view: 'session'; readonly id: string };

export interface SessionListQuery {
  readonly search: string;
  /** Empty: all. */
  readonly state: string;
  /** As the API takes it: with - in front for descending. */
  readonly sort: string;
  /** From 1. */
  readonly page: number;
}

export const FIRST_SESSIONS: SessionListQuery = { search: '', state: '', sort: '-connectedAt', page: 1 };

/** Undefined: it is no route of the page, a link within it for instance. */
export function parseRoute(hash: string): Route | undefined {
  if (hash === '' || hash === '#' || hash === '#/') return { view: 'overview' };
  const [path = '', query = ''] = hash.split('?', 2);
  if (path === '#/sessions') return { view: 'sessions', ...parseQuery(new URLSearchParams(query)) };
  const id = /^#\/sessions\/([^/]+)$/.exec(path)?.[1];
  return id === undefined ? undefined : { view: 'session', id: decoded(id) };
}

export function sessionsHash(query: SessionListQuery): string {
  const changed = Object.entries(query)
    .filter(([name, value]) => value !== FIRST_SESSIONS[name as keyof SessionListQuery])
    .map(([name, value]): [string, string] => [name, String(value)]);
  return changed.length === 0 ? '#/sessions' : `#/sessions?${new URLSearchParams(changed)}`;
}

export function sessionHash(id: string): string {
  return `#/sessions/${encodeURIComponent(id)}`;
}

function parseQuery(parameters: URLSearchParams): SessionListQuery {
  const page = Number(parameters.get('page') ?? FIRST_SESSIONS.page);
  return {
    search: parameters.get('search') ?? FIRST_SESSIONS.search,
    state: parameters.get('state') ?? FIRST_SESSIONS.state,
    sort: parameters.get('sort') ?? FIRST_SESSIONS.sort,
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
