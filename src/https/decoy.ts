/**
 * What is shown to those who speak HTTP but not SSTP, so that the port looks like that of any web server. Whatever they ask for, SSTP's
 * own path included, they get the answers of one that knows GET and HEAD. Paths are looked up among files that are in memory: no request
 * reaches a file system.
 */
import { encodeResponse, REFUSALS, type RefusalStatus, type RequestHead } from '../wire/http-preamble.ts';

/** `404`: plain HTTP errors, which make no secret of SSTP. `close`: nothing. */
export type DecoyOption = '404' | 'close' | { readonly redirect: string } | { readonly files: readonly DecoyFile[] };

export interface DecoyFile {
  /** From `/` on, not encoded. */
  readonly path: string;
  readonly contentType: string;
  /** Strong, with its quotes. */
  readonly etag: string;
  /** May be shared between threads; never changes. */
  readonly content: Uint8Array;
}

export interface DecoyAnswer {
  readonly status: number;
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

const INDEX = 'index.html';
const NOT_FOUND_PAGE = '/404.html';
const REASONS = { 200: 'OK', 301: 'Moved Permanently', 304: 'Not Modified', ...REFUSALS } as const;
type Status = keyof typeof REASONS;
type Headers = readonly (readonly [name: string, value: string])[];

export class Decoy {
  readonly #redirect: string | undefined;
  readonly #files: ReadonlyMap<string, DecoyFile>;

  constructor(option: Exclude<DecoyOption, string>) {
    this.#redirect = 'redirect' in option ? option.redirect : undefined;
    this.#files = new Map('files' in option ? option.files.map(file => [file.path, file]) : []);
  }

  answer({ method, target, headers }: RequestHead, now: Date): DecoyAnswer {
    if (method !== 'GET' && method !== 'HEAD') return this.refuse(405, now);
    const answer = this.#find(pathOf(target), headers.get('if-none-match'), now);
    return method === 'HEAD' ? { ...answer, body: NOTHING } : answer;
  }

  /** For what is no HTTP request that can be answered. */
  refuse(status: RefusalStatus, now: Date): DecoyAnswer {
    const body = new TextEncoder().encode(`${status} ${REASONS[status]}\n`);
    const allow: Headers = status === 405 ? [['Allow', 'GET, HEAD']] : [];
    return answerOf(status, [...allow, ['Content-Type', 'text/plain; charset=utf-8']], body, now);
  }

  #find(path: string | undefined, ifNoneMatch: string | undefined, now: Date): DecoyAnswer {
    if (this.#redirect !== undefined) return answerOf(301, [['Location', this.#redirect]], NOTHING, now);
    const file = path === undefined ? undefined : this.#files.get(path.endsWith('/') ? path + INDEX : path);
    if (file !== undefined) {
      const etag = ['ETag', file.etag] as const;
      if (ifNoneMatch !== undefined && matches(ifNoneMatch, file.etag)) return answerOf(304, [etag], undefined, now);
      return answerOf(200, [['Content-Type', file.contentType], etag], file.content, now);
    }
    if (path !== undefined && this.#files.has(`${path}/${INDEX}`)) {
      const location = `${path.split('/').map(encodeURIComponent).join('/')}/`;
      return answerOf(301, [['Location', location]], NOTHING, now);
    }
    const page = this.#files.get(NOT_FOUND_PAGE);
    return page === undefined
      ? this.refuse(404, now)
      : answerOf(404, [['Content-Type', page.contentType]], page.content, now);
  }
}

const NOTHING = new Uint8Array(0);

/** An undefined body is that of a status which has none, and no length. */
function answerOf(status: Status, headers: Headers, body: Uint8Array | undefined, now: Date): DecoyAnswer {
  const head = encodeResponse({
    status,
    reason: REASONS[status],
    headers: [
      ['Date', now.toUTCString()],
      ...headers,
      ...(body === undefined ? [] : [['Content-Length', String(body.length)] as const]),
      ['Connection', 'close'],
    ],
  });
  return { status, head, body: body ?? NOTHING };
}

/** The decoded path of a request target in origin or absolute form (RFC 9112 3.2); undefined when it is none. */
function pathOf(target: string): string | undefined {
  const [path = ''] = target.replace(/^https?:\/\/[^/?#]*/i, '').split(/[?#]/, 1);
  try {
    return path === '' ? '/' : decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** If-None-Match, RFC 9110 13.1.2. */
function matches(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some(entry => {
    const tag = entry.trim();
    return tag === '*' || tag === etag || tag === `W/${etag}`;
  });
}
