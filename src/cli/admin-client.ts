// The way of a command to the admin plane of a running gateway.
import { readFileSync } from 'node:fs';
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
      if (body === undefined) throw new CommandError(`what answers at ${this.#base} is not a gateway`);
      return body;
    }
    if (response.status === 401)
      throw new CommandError(`${this.#base} wants a token: ${errorText(body)} (--token-file FILE, or --config FILE)`);
    throw new CommandError(errorText(body) ?? `${this.#base} answered ${response.status} ${response.statusText}`);
  }

  async #fetch(method: string, path: string): Promise<Response> {
    const headers: Record<string, string> = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    try {
      return await fetch(`${this.#base}${path}`, {
        method,
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      throw new CommandError(
        `no gateway answers at ${this.#base} (${failure(error)}); is it running? Another address: --admin URL, or --config FILE`,
      );
    }
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
  if (cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED') return 'connection refused';
  return cause instanceof Error ? cause.message : error.message;
}
