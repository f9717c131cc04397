import { closeSync, constants, fchmodSync, fstatSync, openSync, writeSync } from 'node:fs';
import type { Logger } from 'pino';

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;

/**
 * The file of TLS keys (NSS key log format) that lets Wireshark decrypt a capture. Whoever reads it reads all tunnels: it belongs to the
 * gateway's user and to nobody else, from its first byte on. What goes wrong with it is logged, and ends the key log, never a tunnel.
 */
export class KeyLog {
  readonly #log: Logger;
  #file: { readonly path: string; readonly descriptor: number } | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Undefined for none. Opens the file anew also when the path is the same, so that it may have been moved away. */
  configure(path: string | undefined): void {
    this.close();
    if (path === undefined) return;
    try {
      this.#file = { path, descriptor: openPrivately(path) };
    } catch (error) {
      this.#onError(path, error);
    }
  }

  /** One line, with or without its end; lost when no file is open. */
  write(line: string): void {
    const file = this.#file;
    if (file === undefined) return;
    try {
      writeSync(file.descriptor, line.endsWith('\n') ? line : `${line}\n`);
    } catch (error) {
      this.close();
      this.#onError(file.path, error);
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file.descriptor);
    this.#file = undefined;
  }

  #onError(file: string, error: unknown): void {
    this.#log.error({ file, error: (error as Error).message }, 'TLS keys cannot be written');
  }
}

/** @throws the system's error, or one that says whose the file is */
function openPrivately(path: string): number {
  // A link could lead the keys, or the mode, elsewhere; a pipe without a reader would hold us up.
  const descriptor = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  const stat = fstatSync(descriptor);
  const problem = stat.isFile()
    ? stat.uid === process.geteuid?.()
      ? undefined
      : 'the file belongs to another user'
    : 'not a regular file';
  if (problem !== undefined) {
    closeSync(descriptor);
    throw new Error(problem);
  }
  fchmodSync(descriptor, 0o600);
  return descriptor;
}
