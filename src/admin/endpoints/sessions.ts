import type { Endpoint, OperationInput } from '../endpoint.ts';
import type { GatewayView } from '../gateway-view.ts';
import { type AdminResponse, json, JSON_TYPE, problem } from '../response.ts';
import { parseSessionQuery, type SessionPage, selectSessions } from '../session-query.ts';

export const SESSIONS: readonly Endpoint[] = [
  { path: '/api/v1/sessions', operations: { GET: { summary: 'Sessions', handle: list } } },
  {
    path: '/api/v1/sessions/{id}',
    operations: {
      GET: { summary: 'One session', handle: show },
      DELETE: { summary: 'End the session in good order', handle: disconnect },
    },
  },
];

/** About 100 KB of JSON, 1 ms of work. */
const SESSIONS_PER_PART = 200;

async function list(view: GatewayView, { query }: OperationInput): Promise<AdminResponse> {
  const wanted = parseSessionQuery(query);
  if (typeof wanted === 'string') return problem(400, 'bad-query', wanted);
  const page = await selectSessions(view.sessions(), wanted);
  return { status: 200, contentType: JSON_TYPE, body: sessionParts(page) };
}

function* sessionParts({ matched, sessions: rows }: SessionPage): Generator<string> {
  yield `{"matched":${matched},"sessions":[`;
  for (let at = 0; at < rows.length; at += SESSIONS_PER_PART) {
    const part = rows.slice(at, at + SESSIONS_PER_PART).map(row => JSON.stringify(row));
    yield (at === 0 ? '' : ',') + part.join(',');
  }
  yield ']}\n';
}

function show(view: GatewayView, { parameter: id }: OperationInput): AdminResponse {
  const row = view.session(id);
  return row === undefined ? noSession(id) : json(200, row);
}

function disconnect(view: GatewayView, { parameter: id }: OperationInput): AdminResponse {
  return view.disconnect(id) ? json(202, { id, state: 'closing' }) : noSession(id);
}

function noSession(id: string): AdminResponse {
  return problem(404, 'no-such-session', `there is no session ${id}`);
}
