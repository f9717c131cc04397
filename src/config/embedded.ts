// The configuration that needs no file: what it has to keep (a certificate and a user) lives in the state directory.
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { availableParallelism, hostname, networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { randomBytes } from '../crypto/random.ts';
import { loadCertificate } from './certificates.ts';
import { ConfigError, fileProblem } from './config-error.ts';
import { fileSchema } from './file-schema.ts';
import { Findings } from './findings.ts';
import { limitsOf } from './load.ts';
import { checkNetwork } from './load-network.ts';
import { writePrivateFile } from './private-file.ts';
import type { Config, ServerCertificate } from './schema.ts';
import { YamlSource } from './yaml-source.ts';

export const DEMO_USER = 'demo';

export interface EmbeddedDefault {
  readonly config: Config;
  /** Undefined when the demo user was removed, or its password was replaced by a hash. */
  readonly demoPassword: string | undefined;
  readonly warnings: readonly string[];
}

/** 825 days is the longest that Apple's clients accept of a server certificate. */
const CERTIFICATE_DAYS = 825;

/** Reads the state directory, and makes what is not there yet. The same again at every start. @throws ConfigError */
export async function embeddedDefault(stateDirectory: string, now = new Date()): Promise<EmbeddedDefault> {
  const stateDir = resolve(stateDirectory);
  const paths = statePaths(stateDir);
  writing(stateDir, () => mkdirSync(stateDir, { recursive: true, mode: 0o700 }));
  const certificate = await ensureCertificate(paths, now);
  if (!existsSync(paths.users)) writing(paths.users, () => writePrivateFile(paths.users, usersFileText(newPassword())));

  const parsed = fileSchema.parse({
    listen: [{ address: '0.0.0.0:8443' }],
    tls: { certificates: [{ cert: paths.cert, key: paths.key }] },
    log: { format: 'pretty' },
  });
  return {
    config: {
      file: undefined,
      listen: parsed.listen.map(({ address }) => ({ ...address, trustedProxies: undefined })),
      tls: {
        certificates: [certificate.certificate],
        minVersion: parsed.tls.minVersion,
        ciphers: undefined,
        keyLog: undefined,
      },
      workers: availableParallelism(),
      watchdog: parsed.watchdog,
      stateDir,
      drainDelay: parsed.drainDelay,
      drainTimeout: parsed.drainTimeout,
      sstp: { ...parsed.sstp, decoy: 404 },
      // The demo user's password is there in plain text, so that every method can be tried.
      ppp: { ...parsed.ppp, auth: ['mschapv2', 'eap', 'chap', 'pap'] },
      network: checkNetwork(parsed.network, new Findings(new YamlSource('embedded default', ''))),
      aaa: { method: 'users', users: paths.users, radius: undefined, accounting: false },
      session: { timeout: undefined, idleTimeout: undefined },
      hooks: { ...parsed.hooks, up: undefined, down: undefined },
      limits: limitsOf(parsed),
      admin: { listen: parsed.admin.listen, tokenFile: undefined, token: undefined },
      log: parsed.log,
    },
    demoPassword: demoPassword(paths.users),
    warnings: certificate.warnings,
  };
}

/** Where the embedded default keeps its files. */
export function statePaths(stateDir: string) {
  return {
    cert: join(stateDir, 'certificate.pem'),
    key: join(stateDir, 'key.pem'),
    users: join(stateDir, 'users.yaml'),
  };
}

interface EnsuredCertificate {
  readonly certificate: ServerCertificate;
  readonly warnings: readonly string[];
}

async function ensureCertificate(paths: ReturnType<typeof statePaths>, now: Date): Promise<EnsuredCertificate> {
  if (!existsSync(paths.cert)) await makeCertificate(paths, now);
  let result = loadCertificate(paths.cert, paths.key, undefined, now);
  if (result.certificate !== undefined && new Date(new X509Certificate(result.certificate.cert).validTo) <= now) {
    await makeCertificate(paths, now);
    result = loadCertificate(paths.cert, paths.key, undefined, now);
  }
  if (result.certificate === undefined) {
    throw new ConfigError(
      paths.cert,
      result.findings.map(({ message }) => ({
        line: 0,
        key: '',
        message: `${message}; remove ${paths.cert} to have a new one made`,
      })),
    );
  }
  return {
    certificate: result.certificate,
    warnings: result.findings.map(({ message }) => `${paths.cert}: ${message}`),
  };
}

async function makeCertificate(paths: ReturnType<typeof statePaths>, now: Date): Promise<void> {
  // A heavy package that only a first start needs.
  const { generate } = await import('selfsigned');
  const notAfterDate = new Date(now.getTime() + CERTIFICATE_DAYS * 24 * 3_600_000);
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'rsa',
    keySize: 2048,
    algorithm: 'sha256',
    notBeforeDate: now,
    notAfterDate,
    extensions: [
      // Not an authority: a client that is told to trust it trusts this one server and nobody else.
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: alternativeNames() },
    ],
  });
  // The key first: a certificate without its key would be an error at the next start.
  writing(paths.key, () => writePrivateFile(paths.key, made.private));
  writing(paths.cert, () => writePrivateFile(paths.cert, made.cert));
}

/** What clients may call this machine: by name, and by each address that it has now. */
function alternativeNames() {
  const names = [...new Set(['localhost', hostname().toLowerCase()])].filter(name => /^[a-z0-9.-]+$/.test(name));
  const addresses = Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .filter(entry => !entry.internal && !('scopeid' in entry && entry.scopeid !== 0))
    .map(entry => entry.address);
  return [
    ...names.map(value => ({ type: 2 as const, value })),
    ...[...new Set(['127.0.0.1', '::1', ...addresses])].map(ip => ({ type: 7 as const, ip })),
  ];
}

/** 80 bits in groups that can be read aloud: no 0, 1, l, o. */
function newPassword(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  const letters = Array.from(randomBytes(16), byte => alphabet[byte & 31]).join('');
  return letters.replace(/.{4}(?=.)/g, '$&-');
}

function usersFileText(password: string): string {
  return [
    '# Users of the embedded default. Edit by hand, or with: sstp-gateway user add|passwd|remove NAME',
    '# A password may stand here in plain text (password: ...) or as its NT hash (ntHash: 32 hexadecimal digits).',
    `- name: ${DEMO_USER}`,
    `  password: "${password}"`,
    '',
  ].join('\n');
}

function demoPassword(usersFile: string): string | undefined {
  const entries = z
    .array(z.object({ name: z.string(), password: z.string().optional() }))
    .safeParse(YamlSource.read(usersFile).value());
  return entries.data?.find(entry => entry.name === DEMO_USER)?.password;
}

function writing(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw new ConfigError(path, [{ line: 0, key: '', message: `cannot be written: ${fileProblem(error)}` }]);
  }
}
