/**
 * Append-only files `<directory>/<number>.journal` in which accounting that nobody has acknowledged yet outlives the process.
 *
 * What was appended in one turn of the event loop is written at its end with one call: from then on the death of the process takes
 * nothing away. `fdatasync` follows within {@link SYNC_DELAY_MS}: a power cut may take what is younger. Entries are only ever added to
 * the newest file; older ones go away when what is still needed of them has been copied.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { encodeEntry, readEntries, type JournalEntry } from './journal-entry.ts';
import { JournalFile } from './journal-file.ts';

/** Shorter costs a busy disk more, longer costs a power cut more. */
const SYNC_DELAY_MS = 100;

export interface JournalEvents {
  /** What was appended before can no longer be lost with this process; or, after a failure, never will be kept. */
  written(): void;
  /** The disk takes no more. Appending is without effect until `rotate` succeeds. */
  failed(error: Error): void;
}

interface Recovered {
  /** In the order in which they were appended. */
  readonly entries: readonly JournalEntry[];
  /** Bytes behind the last whole entry of a file: a write that a crash cut off, or a damaged disk. */
  readonly damagedBytes: number;
}

export class Journal {
  readonly #directory: string;
  readonly #events: JournalEvents;
  /** Paths of the files before the newest. */
  #older: string[];
  #olderBytes = 0;
  #newest: { readonly path: string; readonly file: JournalFile } | undefined;
  #nextNumber = 1;
  #unwritten: Uint8Array[] = [];
  #flushing: NodeJS.Immediate | undefined;
  #syncing: NodeJS.Timeout | undefined;

  /** Nothing is written before `rotate`. @throws the system's error when the directory cannot be made or read */
  constructor(directory: string, events: JournalEvents) {
    this.#directory = directory;
    this.#events = events;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const numbers = readdirSync(directory)
      .flatMap(name => /^(\d{1,15})\.journal$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
    this.#older = numbers.map(number => this.#path(number));
    this.#nextNumber = (numbers.at(-1) ?? 0) + 1;
  }

  /** Bytes in all files. */
  get bytes(): number {
    return this.#olderBytes + (this.#newest?.file.length ?? 0);
  }

  /** What earlier processes left. @throws the system's error */
  recover(): Recovered {
    const entries: JournalEntry[] = [];
    let damagedBytes = 0;
    for (const path of this.#older) {
      const content = readFileSync(path);
      const read = readEntries(content);
      for (const entry of read.entries) entries.push(entry);
      damagedBytes += content.length - read.length;
      this.#olderBytes += content.length;
    }
    return { entries, damagedBytes };
  }

  append(entry: JournalEntry): void {
    this.#unwritten.push(encodeEntry(entry));
    this.#flushing ??= setImmediate(() => this.flush());
  }

  /** Writes now what the end of the turn would write. */
  flush(): void {
    clearImmediate(this.#flushing);
    this.#flushing = undefined;
    const unwritten = this.#unwritten;
    this.#unwritten = [];
    if (this.#newest !== undefined && unwritten.length > 0) this.#write(this.#newest.file, Buffer.concat(unwritten));
    this.#events.written();
  }

  /** Begins a new file, which the others become older than. @throws the system's error, and nothing has changed but a number. */
  rotate(): void {
    this.flush();
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const path = this.#path(this.#nextNumber++);
    const file = new JournalFile(path);
    try {
      syncDirectory(this.#directory);
    } catch (error) {
      file.close();
      throw error;
    }
    this.#leaveNewest();
    this.#newest = { path, file };
  }

  /** All that is needed of older files has been appended to the newest: they go away as soon as it is on the disk. */
  retire(): void {
    this.flush();
    const retired = new Set(this.#older);
    const bytes = this.#olderBytes;
    this.#newest?.file.sync(error => {
      if (error !== null) {
        this.#fail(error);
        return;
      }
      try {
        for (const path of retired) rmSync(path, { force: true });
        this.#older = this.#older.filter(path => !retired.has(path));
        this.#olderBytes -= bytes;
      } catch (error) {
        this.#fail(error as Error);
      }
    });
  }

  close(): void {
    this.flush();
    this.#leaveNewest();
  }

  #write(file: JournalFile, content: Uint8Array): void {
    try {
      file.write(content);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    this.#syncing ??= setTimeout(() => {
      this.#syncing = undefined;
      file.sync(error => {
        if (error !== null) this.#fail(error);
      });
    }, SYNC_DELAY_MS).unref();
  }

  /** The file stays: what is in it is of use, unless a newer one repeats it. */
  #fail(error: Error): void {
    if (this.#newest === undefined) return;
    this.#leaveNewest();
    this.#events.failed(error);
  }

  #leaveNewest(): void {
    if (this.#newest === undefined) return;
    const { path, file } = this.#newest;
    this.#newest = undefined;
    this.#older.push(path);
    this.#olderBytes += file.length;
    clearTimeout(this.#syncing);
    this.#syncing = undefined;
    file.sync(() => {});
    file.close();
  }

  #path(number: number): string {
    return join(this.#directory, `${number}.journal`);
  }
}

/** Without it a power cut may take a new file although its content is on the disk. */
function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
