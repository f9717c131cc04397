// The admin plane without its sockets: a request in, a response out. Nothing here throws for what a request holds.
import { createHash } from 'node:crypto';
import { equal } from '../crypto/constant-time.ts';
import type { GatewayView } from './gateway-view.ts';
import { parseSessionQuery, type SessionPage, selectSessions } from './session-query.ts';

export interface AdminRequest {
  /** Upper case. */
  readonly method: string;
  /** Without the query, percent-encoding as received. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly host: string;
  readonly authorization: string;
  /** Of the web page that asks; empty for everything else. */
  readonly origin: string;
  /** Sec-WebSocket-Protocol: what a page can say where it cannot set a header. */
  readonly protocols?: string;
}

export interface AdminResponse {
  readonly status: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Parts are produced one by one, with the event loop in between: none may take long. */
  readonly body: string | Iterable<string>;
}

export interface RoutesOptions {
  readonly view: GatewayView;
  /** Undefined: whoever reaches the listener may ask, as long as it calls it by address or as localhost. */
  readonly token: string | undefined;
}

interface HandlerInput {
  /** The variable part of the path, decoded. */
  readonly parameter: string;
  /** Without the question mark. */
  readonly query: string;
}

type Handler = (view: GatewayView, input: HandlerInput) => AdminResponse | Promise<AdminResponse>;

interface Route {
  readonly path: RegExp;
  /** Answered without a token: for load balancers and process supervisors. */
  readonly open?: boolean;
  readonly methods: Readonly<Record<string, Handler>>;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** About 100 KB of JSON, 1 ms of work. */
const SESSIONS_PER_PART = 200;

const ROUTES: readonly Route[] = [
  { path: /^\/healthz$/, open: true, methods: { GET: () => json(200, { status: 'ok' }) } },
  { path: /^\/readyz$/, open: true, methods: { GET: readiness } },
  { path: /^\/metrics$/, methods: { GET: metrics } },
  { path: /^\/api\/v1\/status$/, methods: { GET: view => json(200, view.status()) } },
  { path: /^\/api\/v1\/drain$/, methods: { POST: drain } },
  { path: /^\/api\/v1\/reload$/, methods: { POST: reload } },
  { path: /^\/api\/v1\/sessions$/, methods: { GET: sessions } },
  { path: /^\/api\/v1\/sessions\/([^/]+)$/, methods: { GET: session, DELETE: disconnect } },
];

export class Routes {
  readonly #view: GatewayView;
  readonly #token: Uint8Array | undefined;

  constructor({ view, token }: RoutesOptions) {
    this.#view = view;
    this.#token = token === undefined ? undefined : sha256(token);
  }

  /** Rejects or throws only when the gateway view does. */
  respond(request: AdminRequest): AdminResponse | Promise<AdminResponse> {
    const route = ROUTES.find(({ path }) => path.test(request.path));
    const refusal = route?.open === true ? undefined : this.refusal(request);
    if (refusal !== undefined) return refusal;
    if (route === undefined) return problem(404, 'not-found', `there is no ${request.path}`);
    const handler = route.methods[request.method === 'HEAD' ? 'GET' : request.method];
    if (handler === undefined) return notAllowed(route, request);
    const parameter = decoded(route.path.exec(request.path)?.[1] ?? '');
    return parameter === undefined
      ? problem(404, 'not-found', 'the path is not properly encoded')
      : handler(this.#view, { parameter, query: request.query });
  }

  /** Why this request is not answered; undefined when it may be. */
  refusal({ authorization, host, origin, protocols = '' }: AdminRequest): AdminResponse | undefined {
    // A page of another site can make its visitor's browser send requests, and open WebSockets.
    if (origin !== '' && originHost(origin) !== host.toLowerCase()) {
      return problem(403, 'foreign-origin', 'pages of other sites may not ask');
    }
    if (this.#token === undefined) {
      // A web page may point a name of its own at 127.0.0.1 and then read what its visitor's machine answers.
      return isLocalName(host)
        ? undefined
        : problem(403, 'foreign-host', 'without a token the Host must be an address or localhost');
    }
    const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? tokenIn(protocols);
    // Digests have one length, so that the comparison tells nothing of the token, its length included.
    if (given !== undefined && equal(sha256(given), this.#token)) return undefined;
    return {
      ...problem(401, 'unauthorized', given === undefined ? 'a bearer token is needed' : 'the token is wrong'),
      headers: { 'WWW-Authenticate': 'Bearer realm="sstp-gateway"' },
    };
  }
}

export function problem(status: number, code: string, message: string): AdminResponse {
  return json(status, { error: { code, message } });
}

function json(status: number, value: unknown): AdminResponse {
  return { status, contentType: JSON_TYPE, body: `${JSON.stringify(value)}\n` };
}

function readiness(view: GatewayView): AdminResponse {
  const state = view.ready();
  return json(state.ready ? 200 : 503, state);
}

async function metrics(view: GatewayView): Promise<AdminResponse> {
  return { status: 200, contentType: METRICS_TYPE, body: await view.metrics() };
}

async function sessions(view: GatewayView, { query }: HandlerInput): Promise<AdminResponse> {
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

function session(view: GatewayView, { parameter: id }: HandlerInput): AdminResponse {
  const row = view.session(id);
  return row === undefined ? noSession(id) : json(200, row);
}

/** 422: the files are not fit to be used, and everything is as before. */
async function reload(view: GatewayView): Promise<AdminResponse> {
  const result = await view.reload();
  return json(result.ok ? 200 : 422, result);
}

function drain(view: GatewayView, { query }: HandlerInput): AdminResponse {
  const unknown = [...new URLSearchParams(query)].find(([name, value]) => name !== 'end' || value !== 'true');
  if (unknown !== undefined) return problem(400, 'bad-query', 'the only parameter is end=true');
  view.drain(query !== '');
  return json(202, { state: 'draining' });
}

function disconnect(view: GatewayView, { parameter: id }: HandlerInput): AdminResponse {
  return view.disconnect(id) ? json(202, { id, state: 'closing' }) : noSession(id);
}

function noSession(id: string): AdminResponse {
  return problem(404, 'no-such-session', `there is no session ${id}`);
}

function notAllowed(route: Route, { method, path }: AdminRequest): AdminResponse {
  const allow = Object.keys(route.methods).flatMap(name => (name === 'GET' ? ['GET', 'HEAD'] : [name]));
  return { ...problem(405, 'method-not-allowed', `${path} has no ${method}`), headers: { Allow: allow.join(', ') } };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function originHost(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : '';
}

/** `sstp.events, bearer.TOKEN` */
function tokenIn(protocols: string): string | undefined {
  const offered = protocols.split(',').map(protocol => protocol.trim());
  return offered.find(protocol => protocol.startsWith('bearer.'))?.slice('bearer.'.length);
}

function isLocalName(host: string): boolean {
  return /^(?:localhost|\d+\.\d+\.\d+\.\d+|\[[\da-f:.]+\])(?::\d+)?$/i.test(host);
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
