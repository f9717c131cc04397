import type { Endpoint, OperationInput } from '../endpoint.ts';
import type { GatewayView } from '../gateway-view.ts';
import { type AdminResponse, json, jsonWithRows, problem } from '../response.ts';
import { BAD_QUERY, NO_SESSION } from '../schema/answers.ts';
import { sessionClosing, sessionDetail, sessionList } from '../schema/session.ts';
import { parseSessionQuery, SESSION_PARAMETERS, selectSessions } from '../session-query.ts';

export const SESSIONS: readonly Endpoint[] = [
  {
    path: '/api/v1/sessions',
    operations: {
      GET: {
        summary: 'Sessions: those that all filters let through, in the order that is asked for, a part of them',
        parameters: SESSION_PARAMETERS,
        answers: { 200: { description: 'What was asked for', schema: sessionList }, 400: BAD_QUERY },
        handle: list,
      },
    },
  },
  {
    path: '/api/v1/sessions/{id}',
    operations: {
      GET: {
        summary: 'One session, with what it has negotiated, its timers, and its rates over time',
        answers: { 200: { description: 'The session', schema: sessionDetail }, 404: NO_SESSION },
        handle: show,
      },
      DELETE: {
        summary: 'End the session in good order',
        answers: { 202: { description: 'It is ending', schema: sessionClosing }, 404: NO_SESSION },
        handle: disconnect,
      },
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
