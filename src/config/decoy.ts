/** `sstp.decoy`: the files of a directory are read once, when the configuration is, and served from memory. */
import { createHash } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { fileProblem } from './config-error.ts';
import type { Findings } from './findings.ts';
import type { Config } from './schema.ts';

/** As written in the file. */
export type WrittenDecoy = 404 | 'close' | { readonly redirect: string } | { readonly directory: string };

type Decoy = Config['sstp']['decoy'];
type DecoyFiles = Extract<Decoy, { readonly directory: string }>['files'];

const KEY = ['sstp', 'decoy'];
/** It stays in memory, and is for strangers. */
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_FILES = 1000;
const MAX_DEPTH = 16;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.htm': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.xml': 'text/xml; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.pdf': 'application/pdf',
  '.wasm': 'application/wasm',
  '.zip': 'application/zip',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.ico': 'image/x-icon',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.ttf': 'font/ttf',
  '.otf': 'font/otf',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
};

export function loadDecoy(written: WrittenDecoy, base: string, findings: Findings): Decoy {
  if (typeof written !== 'object' || !('directory' in written)) return written;
  const directory = resolve(base, written.directory);
  try {
    const files = readSite(directory);
    if (!files.some(({ path }) => path === '/index.html')) {
      findings.warn(KEY, `${directory} has no index.html: whoever asks for / gets a 404`);
    }
    return { directory, files };
  } catch (error) {
    const { path = directory } = error as NodeJS.ErrnoException;
    findings.error(KEY, error instanceof SiteError ? error.message : `${path}: ${fileProblem(error)}`, ACCEPTED);
    return 404;
  }
}

export const ACCEPTED = '404, close, an https:// URL, the path of a directory';

/** The directory cannot be shown. */
class SiteError extends Error {
  override readonly name = 'SiteError';
}

/** @throws SiteError, or the system's error */
function readSite(directory: string): DecoyFiles {
  const names = listFiles(directory, '', MAX_DEPTH);
  if (names.length > MAX_FILES) throw new SiteError(`${directory} holds more than ${MAX_FILES} files`);
  if (names.length === 0) throw new SiteError(`${directory} holds no file`);
  const tooLarge = `${directory} holds more than ${MAX_BYTES / 1024 / 1024} MiB`;
  // Before any is read, and again of what was read.
  if (names.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0) > MAX_BYTES)
    throw new SiteError(tooLarge);
  const contents = names.map(name => readFileSync(join(directory, name)));
  const total = contents.reduce((sum, { length }) => sum + length, 0);
  if (total > MAX_BYTES) throw new SiteError(tooLarge);

  // One copy for all threads.
  const memory = new Uint8Array(new SharedArrayBuffer(total));
  let at = 0;
  return names.map((name, index) => {
    const read = contents[index]!;
    const content = memory.subarray(at, (at += read.length));
    content.set(read);
    return {
      path: `/${name}`,
      contentType: CONTENT_TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream',
      etag: `"${createHash('sha256').update(read).digest('hex').slice(0, 32)}"`,
      content,
    };
  });
}

function isLinkToFile(entry: Dirent, path: string): boolean {
  return entry.isSymbolicLink() && statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Relative names, in order. What begins with a dot is not for strangers; links to directories are not followed. */
function listFiles(directory: string, prefix: string, depth: number): string[] {
  const names: string[] = [];
  for (const entry of readdirSync(join(directory, prefix), { withFileTypes: true })) {
    const name = `${prefix}${entry.name}`;
    if (entry.name.startsWith('.') && entry.name !== '.well-known') continue;
    if (entry.isDirectory()) {
      if (depth === 0) throw new SiteError(`${directory}/${name} is nested too deep`);
      names.push(...listFiles(directory, `${name}/`, depth - 1));
    } else if (entry.isFile() || isLinkToFile(entry, join(directory, name))) {
      names.push(name);
    }
    if (names.length > MAX_FILES) break;
  }
  return names.toSorted();
}
