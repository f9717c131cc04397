import { X509Certificate } from 'node:crypto';
import { relative } from 'node:path';
import { formatAddress } from '../config/address.ts';
import type { ListenAddress } from '../config/schema.ts';

export interface BannerFacts {
  readonly version: string;
  /** As really bound. */
  readonly listen: readonly ListenAddress[];
  readonly admin: ListenAddress;
  readonly network: 'tun' | 'echo';
  /** Dotted address of the gateway inside the tunnels. */
  readonly gateway: string;
  readonly certFile: string;
  /** PEM, leaf first. */
  readonly cert: string;
  readonly usersFile: string;
  readonly user: string;
  /** Undefined when it cannot be shown: the user was removed, or the file has its hash only. */
  readonly password: string | undefined;
  /** Paths are printed relative to it, so that the commands can be pasted in the same folder. */
  readonly directory: string;
}

/** What `serve` prints when it runs without a configuration file: all that is needed to try it. */
export function banner(facts: BannerFacts): string {
  const { user, password } = facts;
  const port = facts.listen[0]?.port ?? 443;
  const certFile = shellWord(shortest(facts.directory, facts.certFile));
  const network =
    facts.network === 'tun' ? 'TUN device' : 'in-process echo network (no right to open a TUN device): it answers ping';
  const secret = password === undefined ? 'PASSWORD' : shellWord(password);
  return [
    '',
    `  sstp-gateway ${facts.version}`,
    '',
    `  SSTP         ${facts.listen.map(formatAddress).join(', ')}`,
    `  User         ${user}`,
    `  Password     ${password ?? `not kept in plain text in ${shortest(facts.directory, facts.usersFile)}`}`,
    `  Certificate  ${shortest(facts.directory, facts.certFile)}`,
    `  SHA-256      ${new X509Certificate(facts.cert).fingerprint256}`,
    `  Network      ${network}; gateway ${facts.gateway}`,
    `  Dashboard    http://${formatAddress(facts.admin)}`,
    '',
    '  Try it from a second terminal in this folder:',
    '',
    `    npx sstp-gateway connect --check https://localhost:${port} --ca ${certFile} --user ${user} --password ${secret}`,
    '',
    '  With the Linux client (Debian packages sstp-client and ppp):',
    '',
    `    sudo sstpc --log-stderr --ca-cert ${certFile} --user ${user} --password ${secret} localhost:${port} noauth nodefaultroute`,
    '',
    '  Anything more than a trial: sstp-gateway serve --config FILE (sstp-gateway check --config FILE tells what is wrong).',
    '',
  ].join('\n');
}

function shortest(directory: string, path: string): string {
  const near = relative(directory, path);
  return near !== '' && !near.startsWith('..') ? near : path;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
