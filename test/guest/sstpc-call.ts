// One call of the real Linux client, sstpc with pppd, in either of the two ways that its manual shows.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Job, waitFor } from './commands.ts';
import { GATEWAY_OUTSIDE, clientProcesses, on } from './guest-network.ts';
import { slowStart } from './slow-start.ts';

export type AuthMethod = 'pap' | 'chap' | 'mschapv2' | 'eap';
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

export interface CallOptions {
  /** HOST:PORT */
  readonly server: string;
  /** Which of the two programs starts the other: `sstpc ... HOST PPPD-OPTIONS`, or `pppd ... pty "sstpc --nolaunchpppd ... HOST"`. */
  readonly startedBy: 'sstpc' | 'pppd';
  readonly auth: AuthMethod;
  readonly tls: TlsVersion;
  readonly user: string;
  readonly password: string;
  /** Further options of pppd, as they stand in its options file. */
  readonly pppd: readonly string[];
}

/** pppd's names for what it is not to accept. */
const REFUSE: Readonly<Record<AuthMethod, string>> = {
  pap: 'refuse-pap',
  chap: 'refuse-chap',
  mschapv2: 'refuse-mschap-v2',
  eap: 'refuse-eap',
};

/** The network interface of every call: there is one at a time. */
export const PPP_DEVICE = 'ppp0';

/** sstpc 1.0.18 loses up to a quarter of its starts: it never reads the HTTP response. A start that works takes a second or two. */
const HANG_MS = 8000;
const STARTS = 8;
/** Starts before the client is given a slower way to the server, which its hang needs to be fast. */
const DIRECT_STARTS = 2;
const CONNECT_LIMIT_MS = 30_000;
const END_LIMIT_MS = 20_000;

export class SstpcCall {
  readonly #job: Job;
  readonly #pppLog: string;

  private constructor(job: Job, pppLog: string) {
    this.#job = job;
    this.#pppLog = pppLog;
  }

  /** Starts calls until one gets as far as PPP; what came of it is for the caller to find out. `folder` holds ca.pem. */
  static async start(folder: string, options: CallOptions): Promise<SstpcCall> {
    for (let attempt = 1; attempt <= STARTS; attempt++) {
      const server = attempt <= DIRECT_STARTS ? options.server : await relayed(options.server);
      const call = SstpcCall.#launch(folder, { ...options, server });
      latest = call;
      if (await call.#reachesPpp()) return call;
      await sweepClient();
    }
    throw new Error(`no PPP in ${STARTS} starts of sstpc: ${latest?.transcript() ?? ''}`);
  }

  static #launch(folder: string, options: CallOptions): SstpcCall {
    const id = `call${++calls}`;
    const pppLog = join(folder, `${id}-pppd.log`);
    const pppOptions = join(folder, `${id}.options`);
    writeFileSync(pppOptions, pppdOptions(options, pppLog, id), { mode: 0o600 });
    // For sstpc alone: the EAP-TLS of pppd has a version of its own.
    const configuration = `OPENSSL_CONF=${opensslConfiguration(folder, options.tls)}`;
    const logging = ['--log-stderr', '--log-level', '4'];
    const sstpc = [configuration, 'sstpc', ...logging, '--ca-cert', join(folder, 'ca.pem'), '--ipparam', id];
    const credentials = ['--user', options.user, '--password', options.password];
    const argv =
      options.startedBy === 'sstpc'
        ? on('client', 'env', ...sstpc, ...credentials, options.server, 'file', pppOptions)
        : on('client', 'pppd', 'file', pppOptions, 'pty', `env ${sstpc.join(' ')} --nolaunchpppd ${options.server}`);
    return new SstpcCall(new Job(join(folder, `${id}.log`), argv), pppLog);
  }

  /** Resolves with the client's address once IPCP has opened; rejects when the call ends before that. */
  async connected(): Promise<string> {
    return await waitFor('a client address', CONNECT_LIMIT_MS, () => {
      const address = /local +IP address ([\d.]+)/.exec(this.pppLog())?.[1];
      if (address === undefined && this.#job.ended !== undefined) {
        throw new Error(`the call ended with ${this.#job.ended}: ${this.transcript()}`);
      }
      return address;
    });
  }

  /** Resolves when the client has given up; rejects when it got an address or goes on trying. */
  async refused(): Promise<void> {
    await this.#job.end(CONNECT_LIMIT_MS);
    if (this.pppLog().includes('local  IP address')) throw new Error(`not refused: ${this.transcript()}`);
  }

  /** Hangs up as a user does, by SIGTERM to the process that was started. */
  async hangUp(): Promise<void> {
    this.#job.kill('SIGTERM');
    await this.#job.end(END_LIMIT_MS);
  }

  kill(signal: NodeJS.Signals): void {
    this.#job.kill(signal);
  }

  pppLog(): string {
    return existsSync(this.#pppLog) ? readFileSync(this.#pppLog, 'utf8') : '';
  }

  /** What both programs said. */
  transcript(): string {
    return `\n${this.#job.output()}\n--- pppd:\n${this.pppLog()}`;
  }

  #hasPpp(): boolean {
    return this.pppLog().includes('rcvd [LCP');
  }

  async #reachesPpp(): Promise<boolean> {
    try {
      await waitFor('PPP, or an early end', HANG_MS, () => this.#hasPpp() || this.#job.ended !== undefined);
      return this.#hasPpp();
    } catch {
      return false;
    }
  }
}

/** Ends whatever runs on the client's host. */
export async function sweepClient(): Promise<void> {
  await waitFor('an empty client host', END_LIMIT_MS, async () => {
    const processes = await clientProcesses();
    for (const pid of processes) killIfThere(pid);
    return processes.length === 0;
  });
}

/** What the programs of the latest call said. */
export function lastTranscript(): string {
  return latest?.transcript() ?? '';
}

async function relayed(server: string): Promise<string> {
  const [host, port] = server.split(':');
  return `${host}:${await slowStart(GATEWAY_OUTSIDE, Number(port))}`;
}

let calls = 0;
let latest: SstpcCall | undefined;

function pppdOptions(options: CallOptions, pppLog: string, id: string): string {
  const refused = Object.entries(REFUSE).filter(([method]) => method !== options.auth);
  const lines = [
    'noauth',
    'nodefaultroute',
    'nodetach',
    'noipdefault',
    'debug',
    'unit 0',
    `logfile ${pppLog}`,
    'refuse-mschap',
    ...refused.map(([, option]) => option),
    ...options.pppd,
  ];
  if (options.startedBy === 'pppd') {
    lines.push(
      `user "${options.user}"`,
      // In EAP it would let pppd answer by EAP-MSCHAPv2, too.
      ...(options.auth === 'eap' ? [] : [`password "${options.password}"`]),
      'plugin sstp-pppd-plugin.so',
      `sstp-sock /var/run/sstpc/sstpc-${id}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** A configuration of OpenSSL that leaves one protocol version; sstpc has no option for that. */
function opensslConfiguration(folder: string, version: TlsVersion): string {
  const file = join(folder, `openssl-${version}.cnf`);
  writeFileSync(
    file,
    [
      'openssl_conf = init',
      '[init]',
      'ssl_conf = ssl',
      '[ssl]',
      'system_default = client',
      '[client]',
      `MinProtocol = ${version}`,
      `MaxProtocol = ${version}`,
      '',
    ].join('\n'),
  );
  return file;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
