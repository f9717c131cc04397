// The only file that imports code of uWebSockets.js: its sockets around the routes.
import uws, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
  type us_socket_context_t,
  type WebSocket,
} from 'uWebSockets.js';
import { formatAddress } from '../config/address.ts';
import type { ListenAddress } from '../config/schema.ts';
import type { Logger } from '../log.ts';
import type { MetricFamily } from '../metric-family.ts';
import { Dashboard } from './dashboard.ts';
import { type EventSocket, EventSockets } from './event-sockets.ts';
import { Exchange } from './exchange.ts';
import { EVENTS_PATH } from './gateway-event.ts';
import type { GatewayView } from './gateway-view.ts';
import { type AdminRequest, Routes } from './routes.ts';

export interface AdminOptions {
  readonly listen: ListenAddress;
  /** Bearer token; undefined on a loopback listener only. */
  readonly token: string | undefined;
  readonly view: GatewayView;
  readonly log: Logger;
}

/** The address of the admin plane cannot be had. uWebSockets.js does not say why. */
export class AdminListenError extends Error {
  override readonly name = 'AdminListenError';

  constructor(listen: ListenAddress) {
    super(
      `the admin plane cannot listen on ${formatAddress(listen)}: ${listen.port < 1024 ? 'a port below 1024 takes root or CAP_NET_BIND_SERVICE, or ' : ''}the port is in use, or the address is not of this machine; admin.listen names another one`,
    );
  }
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT. Without it a second process would silently share the port. */
const EXCLUSIVE = 1;
/** Bytes that may wait for a reader of events: some hundred of them. */
const EVENT_BACKLOG = 128 * 1024;
/** What a reader of events may send: nothing that is longer than a ping. */
const EVENT_INPUT_LIMIT = 1024;
const EVENT_PROTOCOL = 'sstp.events';

/** Of each WebSocket: its side of the event feed, once it is open. */
interface EventReader {
  socket?: EventSocket;
}

export class AdminServer {
  readonly #app: TemplatedApp;
  readonly #routes: Routes;
  readonly #events: EventSockets;
  readonly #dashboard = new Dashboard();
  readonly #log: Logger;
  readonly #listen: ListenAddress;

  constructor({ listen, token, view, log }: AdminOptions) {
    this.#listen = listen;
    this.#log = log;
    this.#routes = new Routes({ view, token });
    this.#events = new EventSockets(view);
    this.#app = uws
      .App()
      .ws<EventReader>(EVENTS_PATH, {
        maxPayloadLength: EVENT_INPUT_LIMIT,
        maxBackpressure: EVENT_BACKLOG,
        upgrade: (response, request, context) => this.#upgrade(response, request, context),
        open: socket => this.#opened(socket),
        drain: socket => this.#events.drained(socket.getUserData().socket!),
        close: socket => this.#events.delete(socket.getUserData().socket!),
      })
      .any('/*', (response, request) => this.#answer(response, request));
  }

  /** Resolves to the port. Rejects with {@link AdminListenError}. */
  listen(): Promise<number> {
    const { host, port } = this.#listen;
    return new Promise((resolve, reject) => {
      const listened = (socket: us_listen_socket | false): void => {
        if (socket !== false) return resolve(uws.us_socket_local_port(socket));
        return reject(new AdminListenError(this.#listen));
      };
      // The form with host, port and options is there; the package's types leave it out.
      const app = this.#app as unknown as {
        listen(host: string, port: number, options: number, done: typeof listened): void;
      };
      app.listen(host, port, EXCLUSIVE, listened);
    });
  }

  metrics(): MetricFamily[] {
    return this.#events.metrics();
  }

  /** Closes the listener and every connection at once. */
  close(): void {
    this.#app.close();
  }

  #upgrade(response: HttpResponse, request: HttpRequest, context: us_socket_context_t): void {
    const refusal = this.#routes.refusal(adminRequest(response, request, 'GET', request.getUrl()));
    if (refusal !== undefined) {
      new Exchange(response, false).send(refusal, () => undefined);
      return;
    }
    const isOurs = request.getHeader('sec-websocket-protocol').includes(EVENT_PROTOCOL);
    response.upgrade<EventReader>(
      {},
      request.getHeader('sec-websocket-key'),
      isOurs ? EVENT_PROTOCOL : '',
      request.getHeader('sec-websocket-extensions'),
      context,
    );
  }

  #opened(socket: WebSocket<EventReader>): void {
    // 2: it was over the limit of what may wait and was dropped.
    const reader: EventSocket = { send: text => socket.send(text) !== 2 };
    socket.getUserData().socket = reader;
    this.#events.add(reader);
  }

  #answer(response: HttpResponse, request: HttpRequest): void {
    const exchange = new Exchange(response, request.getCaseSensitiveMethod() === 'HEAD');
    // The request object is gone when this function returns.
    const method = request.getCaseSensitiveMethod();
    const path = request.getUrl();
    const fail = (error: unknown): void => {
      this.#log.error({ err: error, method, path }, 'admin request failed');
      exchange.fail();
    };
    try {
      const asked = adminRequest(response, request, method, path);
      const answer = this.#dashboard.respond(asked) ?? this.#routes.respond(asked);
      if (answer instanceof Promise) answer.then(ready => exchange.send(ready, fail)).catch(fail);
      else exchange.send(answer, fail);
    } catch (error) {
      fail(error);
    }
  }
}

function adminRequest(response: HttpResponse, request: HttpRequest, method: string, path: string): AdminRequest {
  return {
    method,
    path,
    query: request.getQuery() ?? '',
    host: request.getHeader('host'),
    authorization: request.getHeader('authorization'),
    origin: request.getHeader('origin'),
    fetchSite: request.getHeader('sec-fetch-site'),
    remoteAddress: Buffer.from(response.getRemoteAddressAsText()).toString(),
    protocols: request.getHeader('sec-websocket-protocol'),
    acceptEncoding: request.getHeader('accept-encoding'),
    ifNoneMatch: request.getHeader('if-none-match'),
  };
}
