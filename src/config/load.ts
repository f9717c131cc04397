import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { formatIpv4 } from '../wire/ip.ts';
import { formatAddress, isLoopback } from './address.ts';
import { contains, isUnicast, leasableRanges, overlap } from './address-pool.ts';
import { isReadableByOthers, loadCertificate } from './certificates.ts';
import { checkSource, problemAt } from './check.ts';
import { ConfigError, fileProblem, formatProblem, type Problem } from './config-error.ts';
import { type FileConfig, fileSchema } from './file-schema.ts';
import type { Config, ListenAddress, ServerCertificate } from './schema.ts';
import { type KeyPath, YamlSource } from './yaml-source.ts';

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
  const ipv4 = checkPool(parsed, findings);
  const admin = checkAdmin(parsed, base, findings);
  findings.throwIfAny();

  const { tls, network, aaa, limits } = parsed;
  return {
    config: {
      file,
      listen,
      tls: { certificates, minVersion: tls.minVersion, ciphers: tls.ciphers },
      workers: parsed.workers === 'auto' ? availableParallelism() : parsed.workers,
      stateDir: resolve(base, parsed.stateDir),
      drainTimeout: parsed.drainTimeout,
      sstp: parsed.sstp,
      ppp: parsed.ppp,
      network: {
        mode: network.mode,
        device: network.device,
        ipv4,
        mssClamp: network.mssClamp,
        antiSpoofing: network.antiSpoofing,
      },
      aaa: { method: aaa.method, users: resolve(base, aaa.users) },
      limits: { maxSessions: limits.maxSessions ?? Infinity, maxHalfOpen: limits.maxHalfOpen },
      admin,
      log: parsed.log,
    },
    warnings: findings.warnings,
  };
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

class Findings {
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

  throwIfAny(): void {
    if (this.#problems.length > 0) throw new ConfigError(this.#source.file, this.#problems);
  }
}

function checkListen({ listen, admin }: FileConfig, findings: Findings): ListenAddress[] {
  const addresses = listen.map(entry => entry.address);
  addresses.forEach((address, index) => {
    const path = ['listen', index, 'address'];
    if (addresses.findIndex(other => sameAddress(other, address)) < index) {
      findings.error(path, `${formatAddress(address)} is in the list twice`);
    }
    if (address.port !== 0 && address.port === admin.listen.port && hostsMeet(address, admin.listen)) {
      findings.error(path, `${formatAddress(address)} is also the address of admin.listen`);
    }
  });
  return addresses;
}

function checkCertificates({ tls }: FileConfig, base: string, findings: Findings, now: Date): ServerCertificate[] {
  const certificates: ServerCertificate[] = [];
  const taken = namesAsWritten(tls.certificates, findings);
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

function checkPool({ network: { ipv4 } }: FileConfig, findings: Findings): Config['network']['ipv4'] {
  const path = ['network', 'ipv4'];
  ipv4.pool.forEach((entry, index) => {
    const other = ipv4.pool.slice(0, index).find(before => overlap(before.whole, entry.whole));
    if (other !== undefined) findings.error([...path, 'pool', index], `${entry.text} overlaps ${other.text}`);
  });
  const gateway = ipv4.gateway ?? ipv4.pool[0]?.leasable.first ?? 0;
  const inNetwork = ipv4.pool.find(entry => contains(entry.whole, gateway));
  if (!isUnicast({ first: gateway, last: gateway })) {
    findings.error([...path, 'gateway'], `${formatIpv4(gateway)} is not an address that a host can have`);
  } else if (inNetwork !== undefined && !contains(inNetwork.leasable, gateway)) {
    findings.error(
      [...path, 'gateway'],
      `${formatIpv4(gateway)} is the network or broadcast address of ${inNetwork.text}`,
    );
  }
  const pool = leasableRanges(ipv4.pool, gateway);
  if (pool.length === 0) findings.error([...path, 'pool'], 'holds no address for a client beside the gateway');
  return { pool, gateway, dns: ipv4.dns, nbns: ipv4.nbns };
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
