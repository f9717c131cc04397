// The way of a command to the admin plane of a running gateway. Its errors say what to do.
import { type IncomingMessage, request as sendHttp } from 'node:http';
import { request as sendHttps } from 'node:https';
import { json } from 'node:stream/consumers';
import { type AdminAccess, adminAccess } from './admin-access.ts';
import type { AdminTarget } from './admin-options.ts';
import { CommandError, ExitCode } from './command-error.ts';

/** The answer is made in memory; a gateway that takes this long is stuck. */
const TIMEOUT_MS = 30_000;

interface RequestOptions {
  /** Statuses beside the good ones whose answer the caller understands. */
  readonly understands?: readonly number[];
  /** Calls the request off: it then throws as if nobody had answered. */
  readonly signal?: AbortSignal;
}

export class AdminClient {
  readonly #access: AdminAccess;

  /** @throws CommandError, ConfigError */
  constructor(target: AdminTarget) {
    this.#access = adminAccess(target);
  }

  /** The address that is asked. */
  get url(): string {
    return this.#access.url.value;
  }

  /**
   * The decoded JSON answer.
   * @throws CommandError with a text for the user
   */
  async request(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    { understands = [], signal }: RequestOptions = {},
  ): Promise<unknown> {
    const response = await this.#send(method, path, signal);
    const { statusCode: status = 0, statusMessage = '' } = response;
    response.setTimeout(TIMEOUT_MS, () => response.destroy(new DOMException('', 'TimeoutError')));
    const body: unknown = await json(response).catch((error: unknown) => {
      if (isTimeout(error)) throw this.#noAnswer(error);
    });
    if ((status >= 200 && status < 300) || understands.includes(status)) {
      if (body === undefined) throw this.#notOurs();
      return body;
    }
    throw this.#refusal(status, statusMessage, body);
  }

  /**
   * A body that comes as it is made, with silences of any length.
   * @throws CommandError as {@link request} does; also when it is not of this type
   */
  async stream(path: string, contentType: string): Promise<IncomingMessage> {
    const response = await this.#send('GET', path);
    const { statusCode = 0, statusMessage = '', headers } = response;
    if (statusCode !== 200) throw this.#refusal(statusCode, statusMessage, await json(response).catch(() => undefined));
    if (headers['content-type'] === contentType) return response;
    response.destroy();
    throw this.#notOurs();
  }

  /** The answer's head has come. Not by fetch: it asks no port that some browser protocol is afraid of, nor waits for long silences. */
  #send(method: string, path: string, signal?: AbortSignal): Promise<IncomingMessage> {
    const url = `${this.url}${path}`;
    return new Promise((resolve, reject) => {
      const send = url.startsWith('https:') ? sendHttps : sendHttp;
      const options = { method, headers: this.#headers, agent: false, ...(signal === undefined ? {} : { signal }) };
      const request = send(url, options, response => {
        clearTimeout(timer);
        resolve(response);
      });
      const timer = setTimeout(() => request.destroy(new DOMException('', 'TimeoutError')), TIMEOUT_MS);
      request.once('error', error => {
        clearTimeout(timer);
        reject(this.#noAnswer(error));
      });
      request.end();
    });
  }

  get #headers(): Record<string, string> {
    const { token } = this.#access;
    return token === undefined ? {} : { authorization: `Bearer ${token.value}` };
  }

  #refusal(status: number, statusText: string, body: unknown): CommandError {
    if (status === 401) return this.#tokenAdvice();
    const message = errorText(body);
    if (message !== undefined) return new CommandError(message, status === 400 ? ExitCode.Usage : ExitCode.Failed);
    const answer = `${status} ${statusText}`.trim();
    return new CommandError(`${this.url} answered ${answer}; it may not be a gateway\n${this.#whence}`);
  }

  #notOurs(): CommandError {
    return new CommandError(`what answers at ${this.url} is not a gateway\n${this.#whence}`);
  }

  #noAnswer(error: unknown): CommandError {
    return new CommandError(
      `no gateway answers at ${this.url} (${failure(error)})\n${this.#whence}\n` +
        'Is the gateway running? If it listens elsewhere: --config FILE reads its configuration, --admin URL names the address.',
    );
  }

  #tokenAdvice(): CommandError {
    const { token } = this.#access;
    return new CommandError(
      token === undefined
        ? `${this.url} wants a token\n--token-file FILE names the file that holds it, --config FILE the configuration that names that file.`
        : `${this.url} refuses the token\nThe token is from: ${token.source}\n` +
            'The gateway reads its own token when it starts: after a change of the file, restart it.',
    );
  }

  get #whence(): string {
    return `The address is from: ${this.#access.url.source}`;
  }
}

function errorText(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  const { error } = body;
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : undefined;
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}

function failure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isTimeout(error)) return `no answer within ${TIMEOUT_MS / 1000} s`;
  if ('code' in error && error.code === 'ECONNREFUSED') return 'connection refused';
  return error.message;
}
