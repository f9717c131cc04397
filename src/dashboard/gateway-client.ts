// The gateway's API as the page asks it. The token lives as long as the tab.
import type { ReloadView } from '../admin/schema/answers.ts';
import type { SessionDetail, SessionView } from '../admin/schema/session.ts';
import type { StatusView } from '../admin/schema/status.ts';
import { eventProtocols } from './event-protocols.ts';
import type { HistoryView } from './history.ts';
import type { SessionListQuery } from './route.ts';

const TOKEN_KEY = 'sstp-gateway-token';
/** A gateway that takes longer is as good as gone. */
const ANSWER_LIMIT_MS = 10_000;

/** The files are not fit to be used. The answer says why. */
const NOT_RELOADED = 422;

/** The gateway wants a token, or another one. */
export class TokenNeededError extends Error {
  override readonly name = 'TokenNeededError';
}

/** No answer at all. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** An answer that says no. The message is the gateway's own. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface SessionPage {
  readonly matched: number;
  readonly sessions: readonly SessionView[];
}

/** Every call rejects with one of the errors above. */
export class GatewayClient {
  get token(): string | null {
    return sessionStorage.getItem(TOKEN_KEY);
  }

  set token(value: string | null) {
    if (value === null) sessionStorage.removeItem(TOKEN_KEY);
    else sessionStorage.setItem(TOKEN_KEY, value);
  }

  status(): Promise<StatusView> {
    return this.#get('status');
  }

  /** @param since ISO 8601: only what is newer */
  history(since: string | undefined): Promise<HistoryView> {
    return this.#get(since === undefined ? 'history' : `history?since=${encodeURIComponent(since)}`);
  }

  sessions({ search, state, sort, page }: SessionListQuery, limit: number): Promise<SessionPage> {
    const parameters = new URLSearchParams({ sort, limit: String(limit), offset: String((page - 1) * limit) });
    if (search !== '') parameters.set('search', search);
    if (state !== '') parameters.set('state', state);
    return this.#get(`sessions?${parameters}`);
  }

  session(id: string): Promise<SessionDetail> {
    return this.#get(`sessions/${encodeURIComponent(id)}`);
  }

  async disconnect(id: string): Promise<void> {
    await this.#fetch('DELETE', `sessions/${encodeURIComponent(id)}`);
  }

  /** No new tunnels from now on; those that there are stay. */
  async drain(): Promise<void> {
    await this.#fetch('POST', 'drain');
  }

  /** Makes the gateway read its files again. */
  async reload(): Promise<ReloadView> {
    const response = await this.#fetch('POST', 'reload', [NOT_RELOADED]);
    return (await response.json()) as ReloadView;
  }

  /** What happens from now on. */
  openEvents(): WebSocket {
    const url = new URL('/api/v1/events', location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    return new WebSocket(url, eventProtocols(this.token));
  }

  async #get<T>(path: string): Promise<T> {
    const response = await this.#fetch('GET', path);
    try {
      return (await response.json()) as T;
    } catch (error) {
      throw new UnreachableError('the answer broke off', { cause: error });
    }
  }

  /** @param expected answers that say no and are no errors */
  async #fetch(method: string, path: string, expected: readonly number[] = []): Promise<Response> {
    const { token } = this;
    const response = await fetch(`/api/v1/${path}`, {
      method,
      headers: token === null ? {} : { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    }).catch((error: unknown) => {
      throw new UnreachableError('no answer', { cause: error });
    });
    if (response.ok || expected.includes(response.status)) return response;
    const message = await problemOf(response);
    throw response.status === 401 ? new TokenNeededError(message) : new RefusedError(response.status, message);
  }
}

async function problemOf(response: Response): Promise<string> {
  try {
    return ((await response.json()) as { error: { message: string } }).error.message;
  } catch {
    return `the gateway answered ${response.status}`;
  }
}
