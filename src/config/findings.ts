import { problemAt } from './check.ts';
import { ConfigError, formatProblem, type Problem } from './config-error.ts';
import type { KeyPath, YamlSource } from './yaml-source.ts';

/** What is found wrong, or strange, in a file whose every key has been checked by itself. */
export class Findings {
  readonly warnings: string[] = [];
  readonly #problems: Problem[] = [];
  readonly #source: YamlSource;

  constructor(source: YamlSource) {
    this.#source = source;
  }

  error(path: KeyPath, message: string, accepted?: string): void {
    this.#problems.push(problemAt(this.#source, path, message, accepted));
  }

  warn(path: KeyPath, message: string): void {
    this.warnings.push(formatProblem(this.#source.file, problemAt(this.#source, path, message)));
  }

  /** @throws ConfigError */
  throwIfAny(): void {
    if (this.#problems.length > 0) throw new ConfigError(this.#source.file, this.#problems);
  }
}
