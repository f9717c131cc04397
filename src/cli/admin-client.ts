// The way of a command to the admin plane of a running gateway.
import { readFileSync } from 'node:fs';
import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import { json } from 'node:stream/consumers';
import { formatAddress } from '../config/address.ts';
import { fileProblem } from '../config/config-error.ts';
import { loadAdminAccess } from '../config/load.ts';
import { type AdminTarget, DEFAULT_ADMIN_URL } from './admin-options.ts';
import { CommandError, ExitCode } from './command-error.ts';

/** The answer is made in memory; a gateway that takes this long is stuck. */
const TIMEOUT_MS = 30_000;

export class AdminClient {
  readonly #base: string;
  readonly #token: string | undefined;

  /** `--admin` and `--token-file` win over the configuration file; without any it is the embedded default's address. */
  constructor({ admin, tokenFile, config }: AdminTarget) {
    const access = config === undefined ? undefined : loadAdminAccess(config);
    const listen = access?.listen;
    const configured =
      listen === undefined ? DEFAULT_ADMIN_URL : `http://${formatAddress({ ...listen, host: reachable(listen.host) })}`;
    this.#base = baseUrl(admin ?? configured);
    this.#token = tokenFile === undefined ? access?.token : readToken(tokenFile);
  }

  /**
   * The decoded JSON answer; also to a status that the caller says it `understands`.
   * @throws CommandError with a text for the user
   */
  async request(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    understands: readonly number[] = [],
  ): Promise<unknown> {
    const response = await this.#fetch(method, path);
    const body: unknown = await response.json().catch(() => undefined);
    if (response.ok || understands.includes(response.status)) {
      if (body === undefined) throw this.#notOurs();
      return body;
    }
    throw this.#refusal(response.status, response.statusText, body);
  }

  /**
   * A body that comes as it is made, with silences of any length: fetch gives up on one of five minutes.
   * @throws CommandError as {@link request} does; also when it is not of this type
   */
  async stream(path: string, contentType: string): Promise<IncomingMessage> {
    const response = await this.#get(path);
    const { statusCode = 0, statusMessage = '', headers } = response;
    if (statusCode !== 200) throw this.#refusal(statusCode, statusMessage, await json(response).catch(() => undefined));
    if (headers['content-type'] === contentType) return response;
    response.destroy();
    throw this.#notOurs();
  }

  #get(path: string): Promise<IncomingMessage> {
    const url = `${this.#base}${path}`;
    return new Promise((resolve, reject) => {
      const get = url.startsWith('https:') ? getHttps : getHttp;
      const request = get(url, { headers: this.#headers, agent: false }, response => {
        clearTimeout(timer);
        resolve(response);
      });
      const timer = setTimeout(() => request.destroy(new DOMException('', 'TimeoutError')), TIMEOUT_MS);
      request.once('error', error => {
        clearTimeout(timer);
        reject(this.#noAnswer(error));
      });
    });
  }

  async #fetch(method: string, path: string): Promise<Response> {
    const headers = this.#headers;
    try {
      return await fetch(`${this.#base}${path}`, {
        method,
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      throw this.#noAnswer(error);
    }
  }

  get #headers(): Record<string, string> {
    return this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
  }

  #refusal(status: number, statusText: string, body: unknown): CommandError {
    if (status === 401)
      return new CommandError(`${this.#base} wants a token: ${errorText(body)} (--token-file FILE, or --config FILE)`);
    const code = status === 400 ? ExitCode.Usage : ExitCode.Failed;
    return new CommandError(errorText(body) ?? `${this.#base} answered ${status} ${statusText}`, code);
  }

  #notOurs(): CommandError {
    return new CommandError(`what answers at ${this.#base} is not a gateway`);
  }

  #noAnswer(error: unknown): CommandError {
    return new CommandError(
      `no gateway answers at ${this.#base} (${failure(error)}); is it running? Another address: --admin URL, or --config FILE`,
    );
  }
}

/** A listener on every address is asked on this machine. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new CommandError(`--admin ${text}: not a URL; accepted: http://ADDRESS:PORT`, ExitCode.Usage);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function readToken(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new CommandError(`--token-file ${file}: cannot be read: ${fileProblem(error)}`, ExitCode.Usage);
  }
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new CommandError(`--token-file ${file}: holds no usable token`, ExitCode.Usage);
}

function errorText(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined;
  const { error } = body;
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : undefined;
}

function failure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause: unknown = error.cause;
  if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`;
  const source = cause instanceof Error ? cause : error;
  if ('code' in source && source.code === 'ECONNREFUSED') return 'connection refused';
  return source.message;
}
