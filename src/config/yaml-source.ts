import { existsSync, readFileSync } from 'node:fs';
import { type Document, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { ConfigError, fileProblem } from './config-error.ts';

export type KeyPath = readonly (string | number)[];

/** A YAML 1.2 file that remembers on which line each of its values stands. */
export class YamlSource {
  /** As the user wrote it: it heads every message about the file. */
  readonly file: string;
  readonly document: Document;
  readonly #lines: LineCounter;

  /**
   * @param remedy for a file that is not there yet: how to have one
   * @throws ConfigError when the file cannot be read or is not YAML.
   */
  static read(file: string, remedy = ''): YamlSource {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      const advice = remedy !== '' && !existsSync(file) ? `; ${remedy}` : '';
      throw new ConfigError(file, [{ line: 0, key: '', message: `cannot be read: ${fileProblem(error)}${advice}` }]);
    }
    return new YamlSource(file, text);
  }

  /** @throws ConfigError when the text is not YAML. */
  constructor(file: string, text: string) {
    this.file = file;
    this.#lines = new LineCounter();
    this.document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    if (this.document.errors.length > 0) {
      throw new ConfigError(
        file,
        this.document.errors.map(({ pos, message }) => ({
          line: this.#lineAt(pos[0]),
          key: '',
          message: `not valid YAML: ${message}`,
        })),
      );
    }
  }

  /** The file as plain values; null when it is empty. */
  value(): unknown {
    try {
      return this.document.toJS();
    } catch (error) {
      // An alias to nothing, or aliases that multiply without end.
      const message = error instanceof Error ? error.message : String(error);
      throw new ConfigError(this.file, [{ line: 1, key: '', message: `not valid YAML: ${message}` }]);
    }
  }

  /** Line of the key, or of the nearest enclosing one that is in the file. */
  lineOf(path: KeyPath): number {
    let node: unknown = this.document.contents;
    let offset = 0;
    for (const step of path) {
      if (isMap(node)) {
        const pair = node.items.find(item => isPair(item) && isScalar(item.key) && String(item.key.value) === step);
        if (pair === undefined) break;
        offset = startOf(pair.key) ?? offset;
        node = pair.value;
      } else if (isSeq(node) && typeof step === 'number') {
        node = node.items[step];
        offset = startOf(node) ?? offset;
      } else {
        break;
      }
    }
    return this.#lineAt(offset);
  }

  #lineAt(offset: number): number {
    return Math.max(1, this.#lines.linePos(offset).line);
  }
}

export function formatPath(path: KeyPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

function startOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) return undefined;
  const start: unknown = node.range[0];
  return typeof start === 'number' ? start : undefined;
}
