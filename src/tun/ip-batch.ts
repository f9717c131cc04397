// A long-lived `ip -force -batch -`: commands go in on standard input, failures come out on standard error with the line's number.
//
// `ip` says nothing about a command that succeeded, so each batch ends with a word that `ip` does not know: its complaint, in the same
// stream and order as all others, tells that everything before it was done. (-force lets `ip` go on after a failure.)

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { createInterface } from 'node:readline';
import { type IpCommandError, ipEnvironment, ipError } from './ip-command.ts';

const ARGUMENTS = ['-force', '-batch', '-'];
const END_OF_BATCH = 'end-of-batch';
const FAILED_LINE = /^Command failed -:(\d+)$/;

/** 4096 routes take less than 100 ms; a child that has not answered after this long never will. */
const BATCH_TIMEOUT_MS = 5_000;

/** What `ip` said to one line of a batch. */
export interface LineFailure {
  readonly line: string;
  readonly message: string;
}

interface Batch {
  readonly lines: readonly string[];
  /** `ip`'s number of the first line; it counts from 1 over the child's whole life. */
  readonly firstNumber: number;
  readonly failures: LineFailure[];
  readonly timer: NodeJS.Timeout;
  resolve(failures: readonly LineFailure[]): void;
  reject(error: IpCommandError): void;
}

/** One child process. It serves until it ends; its owner then makes another. */
export class IpBatch {
  readonly #child: ChildProcessByStdio<Writable, null, Readable>;
  readonly #lost: (error: IpCommandError) => void;
  readonly #ended: Promise<void>;
  #batch: Batch | undefined;
  /** Lines written so far. */
  #lines = 0;
  /** What the child has said since the last line that it failed. */
  #said: string[] = [];
  #gone = false;

  /** @param lost called once when the child ends by itself, or cannot be started, while no batch runs */
  constructor(lost: (error: IpCommandError) => void) {
    this.#lost = lost;
    // In a session of its own: Ctrl-C in a terminal must not end the child before the gateway has removed its routes.
    this.#child = spawn('ip', ARGUMENTS, { stdio: ['pipe', 'ignore', 'pipe'], env: ipEnvironment(), detached: true });
    createInterface({ input: this.#child.stderr }).on('line', line => this.#hear(line));
    // Writing to a child that is gone fails; that it is gone is noticed below.
    this.#child.stdin.on('error', () => {});
    this.#ended = new Promise(resolve => this.#child.once('close', () => resolve()));
    this.#child.once('error', error => this.#end(error));
    this.#child.once('close', (code, signal) => this.#end(new Error(`ended with ${signal ?? `code ${code}`}`)));
  }

  /** The child's process id; undefined when it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Runs lines in order, one batch at a time. Resolves with those that failed; rejects with an IpCommandError when the child ended or hung,
   * and which lines took effect is unknown.
   */
  run(lines: readonly string[]): Promise<readonly LineFailure[]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), BATCH_TIMEOUT_MS);
      this.#batch = { lines, firstNumber: this.#lines + 1, failures: [], timer, resolve, reject };
      this.#lines += lines.length + 1;
      this.#child.stdin.write(`${lines.join('\n')}\n${END_OF_BATCH}\n`);
    });
  }

  /** Ends the child; resolves when it is gone. */
  async close(): Promise<void> {
    this.#gone = true;
    this.#child.stdin.end();
    await this.#ended;
  }

  #hear(text: string): void {
    const number = FAILED_LINE.exec(text)?.[1];
    if (number === undefined) {
      this.#said.push(text);
      return;
    }
    const message = this.#said.join('; ');
    this.#said = [];
    const batch = this.#batch;
    if (batch === undefined) return;
    const line = batch.lines[Number(number) - batch.firstNumber];
    if (line === undefined) this.#finishBatch(batch).resolve(batch.failures);
    else batch.failures.push({ line, message });
  }

  #end(cause: Error): void {
    if (this.#gone) return;
    this.#gone = true;
    const error = ipError(ARGUMENTS, Object.assign(cause, { stderr: this.#said.join('; ') }));
    if (this.#batch === undefined) this.#lost(error);
    else this.#finishBatch(this.#batch).reject(error);
  }

  #finishBatch(batch: Batch): Batch {
    clearTimeout(batch.timer);
    this.#batch = undefined;
    return batch;
  }
}
