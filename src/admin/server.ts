// The only file that imports uWebSockets.js: its sockets around the routes.
import { STATUS_CODES } from 'node:http';
import uws, { type HttpRequest, type HttpResponse, type TemplatedApp, type us_listen_socket } from 'uWebSockets.js';
import { formatAddress } from '../config/address.ts';
import type { ListenAddress } from '../config/schema.ts';
import type { Logger } from '../log.ts';
import type { GatewayView } from './gateway-view.ts';
import { type AdminResponse, problem, Routes } from './routes.ts';

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
      `the admin plane cannot listen on ${formatAddress(listen)}: the port is in use or the address is not of this machine`,
    );
  }
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT. Without it a second process would silently share the port. */
const EXCLUSIVE = 1;

export class AdminServer {
  readonly #app: TemplatedApp;
  readonly #routes: Routes;
  readonly #log: Logger;
  readonly #listen: ListenAddress;

  constructor({ listen, token, view, log }: AdminOptions) {
    this.#listen = listen;
    this.#log = log;
    this.#routes = new Routes({ view, token });
    this.#app = uws.App().any('/*', (response, request) => this.#answer(response, request));
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

  /** Closes the listener and every connection at once. */
  close(): void {
    this.#app.close();
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
      const answer = this.#routes.respond({
        method,
        path,
        query: request.getQuery() ?? '',
        host: request.getHeader('host'),
        authorization: request.getHeader('authorization'),
      });
      if (answer instanceof Promise) answer.then(ready => exchange.send(ready, fail)).catch(fail);
      else exchange.send(answer, fail);
    } catch (error) {
      fail(error);
    }
  }
}

/** One response. The native object must not be touched after an abort: every access goes through here. */
class Exchange {
  readonly #response: HttpResponse;
  readonly #isHead: boolean;
  #isOver = false;
  #isStarted = false;

  constructor(response: HttpResponse, isHead: boolean) {
    this.#response = response;
    this.#isHead = isHead;
    response.onAborted(() => {
      this.#isOver = true;
    });
  }

  send(answer: AdminResponse, fail: (error: unknown) => void): void {
    if (this.#isOver) return;
    if (typeof answer.body !== 'string') return this.#stream(answer, answer.body[Symbol.iterator](), fail);
    const { body } = answer;
    return this.#finish(answer, body);
  }

  /** After an exception: a 500 when nothing was sent yet, else a broken connection, which a client notices. */
  fail(): void {
    if (this.#isOver) return;
    if (!this.#isStarted) return this.#finish(INTERNAL_ERROR, INTERNAL_ERROR_TEXT);
    this.#isOver = true;
    this.#response.close();
  }

  #finish(answer: AdminResponse, body: string): void {
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
        else if (isRoom) setImmediate(next);
        else this.#whenWritable(next);
      } catch (error) {
        fail(error);
      }
    };
    return next();
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
    this.#response.writeHeader('Content-Type', contentType);
    this.#response.writeHeader('Cache-Control', 'no-store');
    this.#response.writeHeader('X-Content-Type-Options', 'nosniff');
    for (const [name, value] of Object.entries(headers)) this.#response.writeHeader(name, value);
  }
}

const INTERNAL_ERROR_TEXT =
  '{"error":{"code":"internal","message":"the gateway failed to answer; its log says why"}}\n';
const INTERNAL_ERROR = problem(500, 'internal', '');
