// The admin plane without its sockets: who may ask, and which endpoint answers. Nothing here throws for what a request holds.
import { createHash } from 'node:crypto';
import { equal } from '../crypto/constant-time.ts';
import type { Endpoint, Operation } from './endpoint.ts';
import { ENDPOINTS } from './endpoints.ts';
import { EVENTS_PATH } from './gateway-event.ts';
import type { GatewayView } from './gateway-view.ts';
import { type AdminResponse, problem } from './response.ts';

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
  /** Sec-Fetch-Site: where a browser says that the page is from, also when it names no origin, as for images. */
  readonly fetchSite?: string;
  /** Who asks. */
  readonly remoteAddress: string;
  /** Sec-WebSocket-Protocol: what a page can say where it cannot set a header. */
  readonly protocols?: string;
  /** Of the dashboard's files. */
  readonly acceptEncoding?: string;
  readonly ifNoneMatch?: string;
}

export interface RoutesOptions {
  readonly view: GatewayView;
  /** Undefined: whoever reaches the listener may ask, as long as it calls it by address or as localhost. */
  readonly token: string | undefined;
}

const ROUTES = ENDPOINTS.map(endpoint => ({ endpoint, pattern: patternOf(endpoint.path) }));

export class Routes {
  readonly #view: GatewayView;
  readonly #token: Uint8Array | undefined;

  constructor({ view, token }: RoutesOptions) {
    this.#view = view;
    this.#token = token === undefined ? undefined : sha256(token);
  }

  /** Rejects or throws only when the gateway view does. */
  respond(request: AdminRequest): AdminResponse | Promise<AdminResponse> {
    const route = ROUTES.find(({ pattern }) => pattern.test(request.path));
    const refusal = route?.endpoint.open === true ? undefined : this.refusal(request);
    if (refusal !== undefined) return refusal;
    if (route === undefined) return unknown(request.path);
    const operation = operationOf(route.endpoint, request.method);
    if (operation === undefined) return notAllowed(route.endpoint, request);
    const { method, query, remoteAddress } = request;
    const parameter = decoded(route.pattern.exec(request.path)?.[1] ?? '');
    return parameter === undefined
      ? problem(404, 'not-found', 'the path is not properly encoded')
      : operation.handle(this.#view, { parameter, query, method, remoteAddress });
  }

  /** Why this request is not answered; undefined when it may be. */
  refusal({ authorization, host, origin, fetchSite = '', protocols = '' }: AdminRequest): AdminResponse | undefined {
    // A page of another site, or port, can make its visitor's browser send requests, and open WebSockets.
    const isForeign = origin !== '' && originHost(origin) !== host.toLowerCase();
    if (isForeign || fetchSite.endsWith('-site')) {
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

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/, '([^/]+)')}$`);
}

function operationOf({ operations }: Endpoint, method: string): Operation | undefined {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return operations.GET;
    case 'POST':
    case 'DELETE':
      return operations[method];
    default:
      return undefined;
  }
}

function notAllowed({ operations }: Endpoint, { method, path }: AdminRequest): AdminResponse {
  const allow = Object.keys(operations).flatMap(name => (name === 'GET' ? ['GET', 'HEAD'] : [name]));
  return { ...problem(405, 'method-not-allowed', `${path} has no ${method}`), headers: { Allow: allow.join(', ') } };
}

function unknown(path: string): AdminResponse {
  if (path !== EVENTS_PATH) return problem(404, 'not-found', `there is no ${path}`);
  const message = 'events are told to WebSockets: a proxy on the way has to pass the header Upgrade on';
  return { ...problem(426, 'upgrade-required', message), headers: { Upgrade: 'websocket' } };
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

/** `sstp.events, bearer.TOKEN`; percent-encoded, where the token has characters that a protocol may not have. */
function tokenIn(protocols: string): string | undefined {
  const offered = protocols.split(',').map(protocol => protocol.trim());
  const given = offered.find(protocol => protocol.startsWith('bearer.'))?.slice('bearer.'.length);
  return given && (decoded(given) ?? given);
}

function isLocalName(host: string): boolean {
  return /^(?:localhost|\d+\.\d+\.\d+\.\d+|\[[\da-f:.]+\])(?::\d+)?$/i.test(host);
}

function sha256(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}
