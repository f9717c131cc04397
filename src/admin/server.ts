// The only file that imports uWebSockets.js: its sockets around the routes.
import { STATUS_CODES } from 'node:http';
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
import type { ByteStream } from './byte-stream.ts';
import { Dashboard } from './dashboard.ts';
import { type EventSocket, EventSockets } from './event-sockets.ts';
import type { GatewayView } from './gateway-view.ts';
import { type AdminResponse, problem } from './response.ts';
import { type AdminRequest, Routes } from './routes.ts';
import { REST_MS } from './time-slice.ts';

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
      `the admin plane cannot listen on ${formatAddress(listen)}: the port is in use or the address is not of this machine; admin.listen names another one`,
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
      .ws<EventReader>('/api/v1/events', {
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

/** One response. The native object must not be touched after an abort: every access goes through here. */
class Exchange {
  readonly #response: HttpResponse;
  readonly #isHead: boolean;
  #isOver = false;
  #isStarted = false;
  /** Where the bytes come from that are being sent. */
  #source: ByteStream | undefined;

  constructor(response: HttpResponse, isHead: boolean) {
    this.#response = response;
    this.#isHead = isHead;
    response.onAborted(() => {
      this.#isOver = true;
      this.#source?.cancel();
    });
  }

  send(answer: AdminResponse, fail: (error: unknown) => void): void {
    const { body } = answer;
    if (isByteStream(body)) return void this.#pass(answer, body).catch(fail);
    if (this.#isOver) return undefined;
    if (typeof body === 'string' || body instanceof Uint8Array) return this.#finish(answer, body);
    return this.#stream(answer, body[Symbol.iterator](), fail);
  }

  /** After an exception: a 500 when nothing was sent yet, else a broken connection, which a client notices. */
  fail(): void {
    if (this.#isOver) return;
    if (!this.#isStarted) return this.#finish(INTERNAL_ERROR, INTERNAL_ERROR_TEXT);
    this.#isOver = true;
    this.#source?.cancel();
    this.#response.close();
  }

  #finish(answer: AdminResponse, body: string | Uint8Array): void {
    this.#isOver = true;
    this.#response.cork(() => {
      this.#head(answer);
      if (this.#isHead) this.#response.endWithoutBody(Buffer.byteLength(body));
      else this.#response.end(body);
    });
  }

  #stream(answer: AdminResponse, parts: Iterator<string>, fail: (error: unknown) => void): void {
    if (this.#isHead) return this.#finish(answer, '');
    const next = (): void => {
      if (this.#isOver) return;
      try {
        // Before the first byte is out, so that a failure of the first part is still a 500.
        const part = parts.next();
        let isRoom = true;
        this.#response.cork(() => {
          if (!this.#isStarted) this.#head(answer);
          this.#isStarted = true;
          if (part.done === true) this.#response.end();
          else isRoom = this.#response.write(part.value);
        });
        if (part.done === true) this.#isOver = true;
        else if (isRoom) setTimeout(next, REST_MS);
        else this.#whenWritable(next);
      } catch (error) {
        fail(error);
      }
    };
    return next();
  }

  /** At the pace of the reader: the next part is asked for when the last one is in the kernel. */
  async #pass(answer: AdminResponse, source: ByteStream): Promise<void> {
    if (this.#isOver) return source.cancel();
    this.#source = source;
    for (;;) {
      const part = await source.read();
      if (this.#isOver) return undefined;
      let isRoom = true;
      this.#response.cork(() => {
        if (!this.#isStarted) this.#head(answer);
        this.#isStarted = true;
        if (part === undefined) this.#response.end();
        else isRoom = this.#response.write(part);
      });
      if (part === undefined) this.#isOver = true;
      if (this.#isOver) return undefined;
      if (!isRoom) await new Promise<void>(resolve => this.#whenWritable(resolve));
    }
  }

  #whenWritable(next: () => void): void {
    let isPending = true;
    this.#response.onWritable(() => {
      if (isPending) setImmediate(next);
      isPending = false;
      return true;
    });
  }

  #head({ status, contentType, headers = {} }: AdminResponse): void {
    this.#response.writeStatus(`${status} ${STATUS_CODES[status] ?? ''}`);
    const all = {
      'Content-Type': contentType,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      ...headers,
    };
    for (const [name, value] of Object.entries(all)) this.#response.writeHeader(name, value);
  }
}

function isByteStream(body: AdminResponse['body']): body is ByteStream {
  return typeof body === 'object' && 'read' in body;
}

const INTERNAL_ERROR_TEXT =
  '{"error":{"code":"internal","message":"the gateway failed to answer; its log says why"}}\n';
const INTERNAL_ERROR = problem(500, 'internal', '');
