/** One thing that is wrong in a file which people write. Line 0 is the file as a whole. */
export interface Problem {
  readonly line: number;
  /** Dotted path of the key, as `network.ipv4.pool[0]`; empty for the file as a whole. */
  readonly key: string;
  readonly message: string;
  /** What would be right, where a short text can say it. */
  readonly accepted?: string | undefined;
}

/**
 * The configuration, or a file that it names, cannot be used. The message has one line per problem,
 * `FILE:LINE: key: what is wrong; accepted: what would be right`, and never a secret.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly file: string;
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const inOrder = problems.toSorted((a, b) => a.line - b.line);
    super(inOrder.map(problem => formatProblem(file, problem)).join('\n'));
    this.file = file;
    this.problems = inOrder;
  }
}

export function formatProblem(file: string, { line, key, message, accepted }: Problem): string {
  const place = line > 0 ? `${file}:${line}` : file;
  const subject = key === '' ? '' : `${key}: `;
  return `${place}: ${subject}${message}${accepted === undefined ? '' : `; accepted: ${accepted}`}`;
}

/** What the system says about a file, in words, without the path that the caller names anyway. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EISDIR':
      return 'is a directory';
    case 'ENOTDIR':
      return 'a part of the path is not a directory';
    case 'EROFS':
      return 'read-only file system';
    case 'ENOSPC':
      return 'no space left on the device';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
