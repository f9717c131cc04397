// The dashboard's files: read once, kept in memory, the same for everyone. They hold nothing that needs a token.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { AdminResponse } from './response.ts';
import type { AdminRequest } from './routes.ts';

/** Beside this file in the build. */
const FOLDER = join(import.meta.dirname, '../dashboard');

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Scripts, styles and answers from this origin alone; nothing that is text ever becomes markup. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

interface File {
  readonly contentType: string;
  readonly etag: string;
  readonly plain: Uint8Array;
  readonly gzip: Uint8Array;
}

export class Dashboard {
  readonly #files: ReadonlyMap<string, File>;

  /** Without the page when it was not built: an API alone is better than no gateway. @throws Error when a file cannot be read. */
  constructor() {
    this.#files = existsSync(join(FOLDER, 'index.html')) ? readFiles() : new Map();
  }

  /** Undefined: the path is none of the dashboard's. */
  respond({ method, path, acceptEncoding = '', ifNoneMatch = '' }: AdminRequest): AdminResponse | undefined {
    const file = this.#files.get(path);
    if (file === undefined) return undefined;
    const { contentType } = file;
    if (method !== 'GET' && method !== 'HEAD') {
      return { status: 405, contentType, headers: { Allow: 'GET, HEAD' }, body: '' };
    }
    const isZipped = /\bgzip\b(?!;q=0(?:[^.]|$))/.test(acceptEncoding);
    const etag = isZipped ? `"${file.etag}-gzip"` : `"${file.etag}"`;
    const headers = {
      'Cache-Control': 'no-cache',
      'Content-Security-Policy': POLICY,
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      Vary: 'Accept-Encoding',
      ETag: etag,
    };
    if (ifNoneMatch.split(',').some(tag => tag.trim() === etag)) return { status: 304, contentType, headers, body: '' };
    if (!isZipped) return { status: 200, contentType, headers, body: file.plain };
    return { status: 200, contentType, headers: { ...headers, 'Content-Encoding': 'gzip' }, body: file.gzip };
  }
}

function readFiles(): ReadonlyMap<string, File> {
  const names = readdirSync(FOLDER).filter(name => CONTENT_TYPES[extname(name)] !== undefined);
  const chart = createRequire(import.meta.url);
  return new Map([
    ...names.map(name => [name === 'index.html' ? '/' : `/assets/${name}`, readFile(join(FOLDER, name))] as const),
    ['/assets/uplot.js', readFile(chart.resolve('uplot/dist/uPlot.esm.js'))],
    ['/assets/uplot.css', readFile(chart.resolve('uplot/dist/uPlot.min.css'))],
  ]);
}

function readFile(path: string): File {
  const plain = readFileSync(path);
  return {
    contentType: CONTENT_TYPES[extname(path)]!,
    etag: createHash('sha256').update(plain).digest('base64url'),
    plain,
    gzip: gzipSync(plain),
  };
}
