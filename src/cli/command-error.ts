/** A command failed for a reason that its user can understand. The text is all that is printed. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = ExitCode.Failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const ExitCode = { Ended: 0, Failed: 1, Usage: 2 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
