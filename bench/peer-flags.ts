/** What `peers` has to be told of the server to compare with. */
import { readFileSync } from 'node:fs';
import type { AuthMethod } from '../src/protocol/ppp/credentials.ts';
import type { Flag, FlagValues } from './benchmark.ts';
import type { Target } from './load/protocol.ts';

export const peerFlags: Readonly<Record<string, Flag>> = {
  target: { type: 'string', argument: 'URL', help: 'the server: https://host[:port]' },
  user: { type: 'string', argument: 'NAME', help: 'one user for all tunnels' },
  password: { type: 'string', argument: 'TEXT', help: 'of that user' },
  pid: { type: 'string', multiple: true, argument: 'PID', help: 'of the server, for its CPU and memory; repeatable' },
  auth: { type: 'string', argument: 'METHOD', help: 'mschapv2 (default), chap or pap' },
  ca: { type: 'string', argument: 'FILE', help: 'PEM of the authority to trust' },
  'certificate-sha256': { type: 'string', argument: 'HEX', help: "of the server's certificate" },
  insecure: { type: 'boolean', help: 'accept any certificate' },
  tunnels: { type: 'string', argument: 'N', help: 'tunnels to open (default: 200)' },
};

export interface Peer {
  readonly target: Target;
  readonly pids: readonly number[];
  /** Undefined: the benchmark's own choice. */
  readonly tunnels: number | undefined;
}

const AUTH_METHODS: readonly AuthMethod[] = ['mschapv2', 'chap', 'pap'];
const HTTPS_PORT = 443;

/** @throws Error that says what is missing or wrong */
export function peerFrom(flags: FlagValues): Peer {
  const {
    target,
    user,
    password,
    auth = 'mschapv2',
    ca,
    insecure,
    pid = [],
    tunnels,
  } = flags as Partial<{
    target: string;
    user: string;
    password: string;
    auth: string;
    ca: string;
    insecure: boolean;
    pid: string[];
    tunnels: string;
  }>;
  if (target === undefined || user === undefined || password === undefined) {
    throw new Error('a running server is needed: --target https://host[:port] --user NAME --password TEXT');
  }
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (url?.protocol !== 'https:') throw new Error(`--target ${target}: expected https://host[:port]`);
  const method = AUTH_METHODS.find(known => known === auth);
  if (method === undefined) throw new Error(`--auth ${auth}: accepted are ${AUTH_METHODS.join(', ')}`);
  const https = {
    host: url.hostname.replaceAll(/[[\]]/g, ''),
    port: url.port === '' ? HTTPS_PORT : Number(url.port),
    ca: ca === undefined ? undefined : readFileSync(ca, 'utf8'),
    certificateSha256: flags['certificate-sha256'] as string | undefined,
    insecure,
  };
  return {
    target: { https, user, password, auth: [method] },
    pids: pid.map(text => positive('--pid', text)),
    tunnels: tunnels === undefined ? undefined : positive('--tunnels', tunnels),
  };
}

function positive(flag: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${flag} ${text}: expected a positive number`);
  return Number(text);
}
