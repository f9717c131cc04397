import type { Endpoint, OperationInput } from '../endpoint.ts';
import type { GatewayView } from '../gateway-view.ts';
import { type AdminResponse, json, jsonWithRows, problem } from '../response.ts';
import { parseSessionQuery, selectSessions } from '../session-query.ts';

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

async function list(view: GatewayView, { query }: OperationInput): Promise<AdminResponse> {
  const wanted = parseSessionQuery(query);
  if (typeof wanted === 'string') return problem(400, 'bad-query', wanted);
  const { matched, sessions } = await selectSessions(view.sessions(), wanted);
  return jsonWithRows({ matched }, 'sessions', sessions);
}

async function show(view: GatewayView, { parameter: id }: OperationInput): Promise<AdminResponse> {
  const detail = await view.session(id);
  return detail === undefined ? noSession(id) : json(200, detail);
}

function disconnect(view: GatewayView, { parameter: id }: OperationInput): AdminResponse {
  return view.disconnect(id) ? json(202, { id, state: 'closing' }) : noSession(id);
}

function noSession(id: string): AdminResponse {
  return problem(404, 'no-such-session', `there is no session ${id}`);
}
