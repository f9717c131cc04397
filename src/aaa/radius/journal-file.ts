import { closeSync, fdatasync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** A file that grows: written in the calling thread, brought to the disk in another one. */
export class JournalFile {
  readonly #descriptor: number;
  #length = 0;
  /** `fdatasync` calls under way. The descriptor stays until they are done: its number could be another file's by then. */
  #syncs = 0;
  #isClosed = false;

  /** @throws the system's error; also when the file exists. */
  constructor(path: string) {
    this.#descriptor = openSync(path, 'wx', 0o600);
  }

  get length(): number {
    return this.#length;
  }

  /** All or nothing, as far as a disk that is full lets us. @throws the system's error */
  write(content: Uint8Array): void {
    try {
      for (let done = 0; done < content.length;) done += writeSync(this.#descriptor, content, done);
      this.#length += content.length;
    } catch (error) {
      ftruncateSync(this.#descriptor, this.#length);
      throw error;
    }
  }

  /** Calls back when everything that was written before is on the disk. */
  sync(done: (error: Error | null) => void): void {
    this.#syncs++;
    fdatasync(this.#descriptor, error => {
      this.#syncs--;
      this.#closeUnused();
      done(error);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#closeUnused();
  }

  #closeUnused(): void {
    if (this.#isClosed && this.#syncs === 0) closeSync(this.#descriptor);
  }
}
