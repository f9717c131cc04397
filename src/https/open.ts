import { randomUUID } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { encodeRequest, parseResponseHead, sstpRequest, type ResponseHead } from '../wire/http-preamble.ts';
import type { DisconnectCause, HttpsConnection, HttpsUpper } from './connection.ts';
import { errorCode } from './disconnect-cause.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import { HeadReader } from './head-reader.ts';
import { HttpsOpenError, type HttpsOpenCode } from './open-error.ts';
import { openingStep } from './opening-step.ts';
import { passProxy, type HttpProxy } from './proxy-tunnel.ts';
import { shakeHands, type ServerTrust, type TrustedSocket } from './server-trust.ts';
import { peerFacts } from './peer-facts.ts';
import { TlsConnection } from './tls-connection.ts';
import { limitUnsent } from './unsent-limit.ts';

/** Bytes of the server's response head. */
const HEAD_LIMIT = 16 * 1024;
/** What MS-SSTP clients allow for the HTTP response; here for the whole opening. */
const DEFAULT_BUDGET_MS = 60_000;
const CLOSE_GRACE_MS = 3_000;
/** First keepalive probe after this silence; below the idle time of most NATs. */
const KEEPALIVE_DELAY_MS = 60_000;

export interface OpenOptions extends ServerTrust {
  readonly port: number;
  readonly proxy?: HttpProxy | undefined;
  /** Time for everything until the HTTP response is there, ms; 60 s. */
  readonly budgetMs?: number | undefined;
  /** GUID without braces for SSTPCORRELATIONID; a fresh one by default. */
  readonly correlationId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const lingering = new ExpiryQueue<Socket>(CLOSE_GRACE_MS, socket => socket.destroy());

/**
 * The open event of MS-SSTP 3.1.7.2: TCP, a proxy if there is one, TLS, and the HTTP preamble. `opened` gives the stream's owner, as
 * soon as the server has answered with 200, and may send from within; the promise resolves with the same connection.
 * Rejects with {@link HttpsOpenError}.
 */
export async function openHttps(
  options: OpenOptions,
  opened: (connection: HttpsConnection) => HttpsUpper,
): Promise<HttpsConnection> {
  const { host, port } = options.proxy ?? options;
  const tcp = connectTcp({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_DELAY_MS });
  // The steps below listen too; this one is for the moments between them.
  tcp.on('error', () => {});
  let interruption: HttpsOpenError | undefined;
  const interrupt = (code: 'timeout' | 'aborted', message: string): void => {
    interruption ??= new HttpsOpenError(code, message);
    tcp.destroy(interruption);
  };
  const budgetMs = options.budgetMs ?? DEFAULT_BUDGET_MS;
  const timer = setTimeout(() => interrupt('timeout', `no answer within ${budgetMs / 1000} s`), budgetMs);
  const aborted = (): void => interrupt('aborted', 'interrupted');
  options.signal?.addEventListener('abort', aborted);
  if (options.signal?.aborted === true) aborted();
  try {
    await tcpConnected(tcp, `${options.proxy === undefined ? 'server' : 'proxy'} ${host} port ${port}`);
    if (options.proxy !== undefined) await passProxy(tcp, options.proxy, options.host, options.port);
    const trusted = await shakeHands(tcp, options);
    limitUnsent(tcp);
    return await exchangePreamble(tcp, trusted, options, opened);
  } catch (error) {
    tcp.destroy();
    throw interruption ?? error;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', aborted);
  }
}

function tcpConnected(tcp: Socket, place: string): Promise<void> {
  return openingStep(tcp, place, connectCode, resolve => tcp.once('connect', resolve));
}

function connectCode(error: Error): HttpsOpenCode {
  const code = errorCode(error);
  if (code === 'ENOTFOUND' || code.startsWith('EAI_')) return 'name-resolution';
  if (code === 'ECONNREFUSED') return 'refused';
  return code === 'ECONNRESET' ? 'closed' : 'unreachable';
}

function exchangePreamble(
  tcp: Socket,
  { socket, certificate }: TrustedSocket,
  { host, correlationId = randomUUID().toUpperCase() }: OpenOptions,
  opened: (connection: HttpsConnection) => HttpsUpper,
): Promise<HttpsConnection> {
  return new Promise((resolve, reject) => {
    const preamble: Preamble = new Preamble(reject, rest => {
      connection.handOver(opened(connection), rest);
      resolve(connection);
    });
    const connection = new TlsConnection(tcp, socket, certificate, peerFacts(tcp), preamble, lingering, () => {});
    const request = sstpRequest(host.includes(':') ? `[${host}]` : host, correlationId);
    connection.request = { target: request.target, host, correlationId, client: 'other' };
    connection.send(encodeRequest(request));
  });
}

/** Reads the HTTP response: the stream's first owner. */
class Preamble implements HttpsUpper {
  readonly #reader = new HeadReader<ResponseHead>(parseResponseHead, HEAD_LIMIT);
  readonly #failed: (error: HttpsOpenError) => void;
  readonly #succeeded: (rest: Uint8Array) => void;

  #answered = false;

  constructor(failed: (error: HttpsOpenError) => void, succeeded: (rest: Uint8Array) => void) {
    this.#failed = failed;
    this.#succeeded = succeeded;
  }

  receive(chunk: Uint8Array): void {
    // What follows a refusal in the same turn is no second answer.
    if (this.#answered) return;
    const result = this.#reader.push(chunk);
    this.#answered = result.kind !== 'more';
    if (result.kind === 'refused') {
      this.#failed(new HttpsOpenError('not-sstp', `the server's answer is not HTTP (${result.fault})`));
    } else if (result.kind === 'head') {
      const { status, reason } = result.head;
      // Content-Length is not looked at: servers differ, and the stream ends with the connection.
      if (status === 200) this.#succeeded(this.#reader.rest);
      else
        this.#failed(new HttpsOpenError('not-sstp', `the server answered ${status} ${reason}`.trimEnd(), { status }));
    }
  }

  disconnected(cause: DisconnectCause): void {
    // In TLS 1.3 a server's objection to the client's handshake comes after the client's own handshake is done.
    const code = cause === 'tls-alert' || cause === 'tls-error' ? 'handshake' : 'closed';
    this.#failed(new HttpsOpenError(code, `the connection ended before the server's answer (${cause})`));
  }
}
