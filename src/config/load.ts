import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { formatAddress, isLoopback } from './address.ts';
import { isReadableByOthers, keyKind, loadCertificate } from './certificates.ts';
import { checkSource } from './check.ts';
import { fileProblem } from './config-error.ts';
import { loadDecoy } from './decoy.ts';
import { type FileConfig, fileSchema } from './file-schema.ts';
import { Findings } from './findings.ts';
import { checkKeyLog } from './key-log.ts';
import { checkNetwork } from './load-network.ts';
import { checkRadius } from './load-radius.ts';
import type { Config, ListenAddress, ServerCertificate } from './schema.ts';
import { YamlSource } from './yaml-source.ts';

export interface LoadedConfig {
  readonly config: Config;
  /** Worth a line in the log; nothing that stops the gateway. */
  readonly warnings: readonly string[];
}

/** What a command needs to talk to a running gateway. */
export type AdminAccess = Config['admin'];

/** Reads and checks a configuration file and the certificates that it names. @throws ConfigError */
export function loadConfig(file: string, now = new Date()): LoadedConfig {
  const source = YamlSource.read(file);
  const parsed = checkSource(source, fileSchema, {});
  const findings = new Findings(source);
  const base = dirname(resolve(file));

  const listen = checkListen(parsed, findings);
  const certificates = checkCertificates(parsed, base, findings, now);
  checkCiphers(parsed, findings);
  const network = checkNetwork(parsed.network, findings);
  const aaa = checkAaa(parsed, base, findings);
  const admin = checkAdmin(parsed, base, findings);
  const keyLog = checkKeyLog(parsed.tls.keyLog, base, findings);
  const decoy = loadDecoy(parsed.sstp.decoy, base, findings);
  findings.throwIfAny();

  const { tls, session, hooks } = parsed;
  return {
    config: {
      file,
      listen,
      tls: { certificates, minVersion: tls.minVersion, ciphers: tls.ciphers, keyLog },
      workers: parsed.workers === 'auto' ? availableParallelism() : parsed.workers,
      watchdog: parsed.watchdog,
      stateDir: resolve(base, parsed.stateDir),
      drainDelay: parsed.drainDelay,
      drainTimeout: parsed.drainTimeout,
      sstp: { ...parsed.sstp, decoy },
      ppp: parsed.ppp,
      network,
      aaa,
      session: { timeout: session.timeout, idleTimeout: session.idleTimeout },
      hooks: { ...hooks, up: program(hooks.up, base), down: program(hooks.down, base) },
      limits: limitsOf(parsed),
      admin,
      log: parsed.log,
    },
    warnings: findings.warnings,
  };
}

/** A program that is named by a path lies beside the file, as all paths do; one without a slash is looked for in PATH. */
function program(command: readonly string[] | undefined, base: string): readonly string[] | undefined {
  const [name = '', ...args] = command ?? [];
  return command && [name.includes('/') ? resolve(base, name) : name, ...args];
}

/** Only the admin section, so that a command needs no right to read the keys of the gateway. @throws ConfigError */
export function loadAdminAccess(file: string): AdminAccess {
  const source = YamlSource.read(file);
  const findings = new Findings(source);
  const admin = checkAdmin(checkSource(source, fileSchema, {}), dirname(resolve(file)), findings);
  findings.throwIfAny();
  return admin;
}

/** Only the path of the users file. @throws ConfigError */
export function loadUsersPath(file: string): string {
  return resolve(dirname(resolve(file)), checkSource(YamlSource.read(file), fileSchema, {}).aaa.users);
}

/** Sections of which every part is optional. */
export function limitsOf({ limits }: Pick<FileConfig, 'limits'>): Config['limits'] {
  const { maxSessions = Infinity, maxHalfOpen, perAddress, perUser } = limits;
  return {
    maxSessions,
    maxHalfOpen,
    perAddress: perAddress && {
      rate: perAddress.rate,
      burst: perAddress.burst ?? perAddress.rate * 2,
      halfOpen: perAddress.halfOpen ?? maxHalfOpen,
    },
    perUser: perUser ?? { sessions: Infinity, policy: 'deny' },
  };
}

function checkAaa({ aaa }: FileConfig, base: string, findings: Findings): Config['aaa'] {
  if (aaa.method === 'radius' && aaa.radius === undefined) {
    findings.error(['aaa', 'method'], 'radius needs the section aaa.radius');
  }
  return {
    method: aaa.method,
    users: resolve(base, aaa.users),
    radius: aaa.radius && checkRadius(aaa.radius, base, findings),
    accounting: aaa.radius?.accounting ?? false,
  };
}

function checkListen({ listen, admin }: FileConfig, findings: Findings): Config['listen'] {
  const addresses = listen.map(entry => entry.address);
  listen.forEach(({ proxyProtocol, trustedProxies }, index) => {
    const path = ['listen', index, 'trustedProxies'];
    if (proxyProtocol === 'v1v2' && trustedProxies === undefined) {
      findings.error(
        ['listen', index, 'proxyProtocol'],
        'v1v2 needs trustedProxies: anyone else could claim any address',
      );
    }
    if (proxyProtocol === 'off' && trustedProxies !== undefined) {
      findings.error(path, 'means nothing without proxyProtocol: v1v2');
    }
  });
  addresses.forEach((address, index) => {
    const path = ['listen', index, 'address'];
    if (addresses.findIndex(other => sameAddress(other, address)) < index) {
      findings.error(path, `${formatAddress(address)} is in the list twice`);
    }
    if (address.port !== 0 && address.port === admin.listen.port && hostsMeet(address, admin.listen)) {
      findings.error(path, `${formatAddress(address)} is also the address of admin.listen`);
    }
  });
  return listen.map(({ address, trustedProxies }) => ({ ...address, trustedProxies }));
}

function checkCertificates({ tls }: FileConfig, base: string, findings: Findings, now: Date): ServerCertificate[] {
  const certificates: ServerCertificate[] = [];
  const taken = namesAsWritten(tls.certificates, findings);
  const places = new Map<string, number>();
  tls.certificates.forEach((entry, index) => {
    const path = ['tls', 'certificates', index];
    const result = loadCertificate(resolve(base, entry.cert), resolve(base, entry.key), entry.serverNames, now);
    for (const { about, severity, message } of result.findings) {
      if (severity === 'error') findings.error([...path, about], message);
      else findings.warn([...path, about], message);
    }
    if (result.certificate === undefined) return;
    // Names that merely come from the certificate give way to written ones, and to those of the entries before.
    const serverNames = result.certificate.serverNames.filter(name => (taken.get(name) ?? index) === index);
    for (const name of serverNames) taken.set(name, index);
    // All of its names may be others': then it is offered beside theirs, and OpenSSL takes one of each kind of key.
    const shownFor = serverNames.length > 0 ? serverNames : result.certificate.serverNames;
    const place = [keyKind(result.certificate), ...shownFor.toSorted()].join(' ');
    const twin = places.get(place);
    if (twin !== undefined) {
      const message = `has the names and the kind of key of tls.certificates[${twin}]`;
      findings.error([...path, 'cert'], message, 'one certificate of each kind of key for the same names');
    }
    places.set(place, index);
    certificates.push({ ...result.certificate, serverNames });
  });
  return certificates;
}

/** Which entry each `serverNames` value belongs to. */
function namesAsWritten(entries: FileConfig['tls']['certificates'], findings: Findings): Map<string, number> {
  const owners = new Map<string, number>();
  entries.forEach((entry, index) => {
    entry.serverNames?.forEach((name, position) => {
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, index);
      else
        findings.error(
          ['tls', 'certificates', index, 'serverNames', position],
          `${name} already belongs to tls.certificates[${owner}]`,
        );
    });
  });
  return owners;
}

function checkCiphers({ tls }: FileConfig, findings: Findings): void {
  if (tls.ciphers === undefined) return;
  try {
    createSecureContext({ ciphers: tls.ciphers });
  } catch {
    findings.error(['tls', 'ciphers'], `OpenSSL knows no cipher of "${tls.ciphers}"`, 'an OpenSSL cipher list');
  }
}

function checkAdmin({ admin }: FileConfig, base: string, findings: Findings): AdminAccess {
  const { listen } = admin;
  if (admin.tokenFile === undefined) {
    if (!isLoopback(listen.host)) {
      const message = `${formatAddress(listen)} can be reached from other machines and there is no admin.tokenFile`;
      findings.error(['admin', 'listen'], message, 'a loopback address, or a tokenFile beside it');
    }
    return { listen, tokenFile: undefined, token: undefined };
  }
  const tokenFile = resolve(base, admin.tokenFile);
  const path = ['admin', 'tokenFile'];
  let token = '';
  try {
    token = readFileSync(tokenFile, 'utf8').trim();
    if (token.length < MIN_TOKEN_LENGTH || /[^\x21-\x7e]/.test(token)) {
      findings.error(
        path,
        `${tokenFile} holds no usable token`,
        `at least ${MIN_TOKEN_LENGTH} visible ASCII characters`,
      );
    }
    if (isReadableByOthers(tokenFile)) findings.warn(path, 'the token can be read by every user of this machine');
  } catch (error) {
    findings.error(path, `${tokenFile} cannot be read: ${fileProblem(error)}`);
  }
  return { listen, tokenFile, token };
}

/** 16 characters of hex are 64 bits: out of reach for guessing over HTTP. */
const MIN_TOKEN_LENGTH = 16;

function sameAddress(a: ListenAddress, b: ListenAddress): boolean {
  return a.host === b.host && a.port === b.port;
}

function hostsMeet(a: ListenAddress, b: ListenAddress): boolean {
  return a.host === b.host || [a.host, b.host].some(host => host === '0.0.0.0' || host === '::');
}
