// Running `ip` of iproute2, which speaks netlink for us.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const COMMAND = 'ip';

/** Messages are matched and shown, so they must not be translated. */
export function ipEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C' };
}

/** The kernel answers at once; an `ip` that takes longer than this waits for something that does not come. */
const TIMEOUT_MS = 10_000;

/** `ip` refused a command, or is not there. */
export class IpCommandError extends Error {
  override readonly name = 'IpCommandError';
  /** 'ip-missing': iproute2 is not installed; 'refused': `ip` ran and failed. */
  readonly code: 'ip-missing' | 'refused';

  constructor(code: 'ip-missing' | 'refused', message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Runs one `ip` command; resolves with its standard output.
 * @throws IpCommandError whose message holds the command and what `ip` said
 */
export async function runIp(...args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(COMMAND, args, { env: ipEnvironment(), timeout: TIMEOUT_MS });
    return stdout;
  } catch (error) {
    throw ipError(args, error as NodeJS.ErrnoException & { stderr?: string });
  }
}

/** Says what went wrong with an `ip` process: it could not be started, or it ended with an error. */
export function ipError(args: readonly string[], cause: NodeJS.ErrnoException & { stderr?: string }): IpCommandError {
  if (cause.code === 'ENOENT') {
    return new IpCommandError('ip-missing', 'the command "ip" is not installed (Debian package iproute2)', { cause });
  }
  const said = cause.stderr?.trim() ?? '';
  return new IpCommandError('refused', `${COMMAND} ${args.join(' ')}: ${said === '' ? cause.message : said}`, {
    cause,
  });
}
