/** The terminal while a program has all of it: the alternate screen, keys as they are pressed. It gives everything back, however it ends. */
import type { ReadStream, WriteStream } from 'node:tty';
import { type Key, parseKeys } from './keys.ts';
import type { ScreenSize } from './view.ts';

/** Alternate screen, no cursor, no wrapping: a line that is too long after all must not move the others. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const ERASE_LINE = '\u001b[K';
const ERASE_BELOW = '\u001b[J';

export interface ScreenEvents {
  key(key: Key): void;
  resized(): void;
  /** A signal wants the program to end. */
  ended(): void;
}

export class Screen {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #receive: (text: string) => void;
  readonly #resized: () => void;
  readonly #ended: () => void;
  /** Also when something throws, or exits the process. */
  readonly #restore = (): void => this.close();
  #isOpen = true;

  constructor(input: ReadStream, output: WriteStream, events: ScreenEvents) {
    this.#input = input;
    this.#output = output;
    this.#receive = text => parseKeys(text).forEach(key => events.key(key));
    this.#resized = () => events.resized();
    this.#ended = () => events.ended();
    process.once('exit', this.#restore);
    for (const signal of SIGNALS) process.on(signal, this.#ended);
    output.on('resize', this.#resized);
    input.setRawMode(true).setEncoding('utf8').on('data', this.#receive).resume();
    output.write(ENTER);
  }

  get size(): ScreenSize {
    // A terminal that does not know its size says 0.
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 };
  }

  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    this.#output.write(HOME + lines.map(line => line + ERASE_LINE).join('\r\n') + ERASE_BELOW);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#restore);
    for (const signal of SIGNALS) process.off(signal, this.#ended);
    this.#output.off('resize', this.#resized);
    this.#input.off('data', this.#receive).setRawMode(false).pause();
    this.#output.write(LEAVE);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
