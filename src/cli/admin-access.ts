// Where the admin plane is and which token it wants, and where that is from: what a user may have to mend.
import { readFileSync } from 'node:fs';
import { formatAddress } from '../config/address.ts';
import { fileProblem } from '../config/config-error.ts';
import { loadAdminAccess } from '../config/load.ts';
import { type AdminTarget, DEFAULT_ADMIN_URL } from './admin-options.ts';
import { CommandError, ExitCode } from './command-error.ts';

interface Sourced {
  readonly value: string;
  /** For people. */
  readonly source: string;
}

export interface AdminAccess {
  /** Without a slash at its end. */
  readonly url: Sourced;
  readonly token: Sourced | undefined;
}

/**
 * `--admin` and `--token-file` win over the configuration file; without any it is the embedded default's address.
 * @throws CommandError, ConfigError
 */
export function adminAccess({ admin, tokenFile, config }: AdminTarget): AdminAccess {
  const configured = config === undefined ? undefined : fromConfig(config);
  return {
    url:
      admin === undefined
        ? (configured?.url ?? {
            value: DEFAULT_ADMIN_URL,
            source: 'the default: neither --admin nor --config was given',
          })
        : { value: baseUrl(admin), source: '--admin' },
    token: tokenFile === undefined ? configured?.token : { value: readToken(tokenFile), source: tokenFile },
  };
}

function fromConfig(file: string): AdminAccess {
  const { listen, token, tokenFile } = loadAdminAccess(file);
  const address = formatAddress({ host: reachable(listen.host), port: listen.port });
  return {
    url: { value: `http://${address}`, source: `admin.listen in ${file}` },
    token:
      token === undefined ? undefined : { value: token, source: `${tokenFile}, which is admin.tokenFile in ${file}` },
  };
}

/** A listener on every address is asked on this machine. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new CommandError(`--admin ${text}: not a URL; accepted: http://ADDRESS:PORT`, ExitCode.Usage);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function readToken(file: string): string {
  let token: string;
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new CommandError(`--token-file ${file}: cannot be read: ${fileProblem(error)}`, ExitCode.Usage);
  }
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new CommandError(`--token-file ${file}: holds no usable token`, ExitCode.Usage);
}
