import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { fileProblem } from './config-error.ts';
import type { ServerCertificate } from './schema.ts';

/** What is to be said about a certificate: an error when it cannot be used, a warning when clients will not like it. */
interface CertificateFinding {
  readonly about: 'cert' | 'key';
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

export interface CertificateResult {
  /** Undefined when a finding is an error. */
  readonly certificate: ServerCertificate | undefined;
  readonly findings: readonly CertificateFinding[];
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_EXTENDED_KEY_USAGE = '2.5.29.37.0';
const EXPIRES_SOON_MS = 14 * 24 * 3_600_000;

/** Reads a certificate chain and its key, and judges whether they can serve TLS. Paths are absolute. */
export function loadCertificate(
  certFile: string,
  keyFile: string,
  serverNames: readonly string[] | undefined,
  now: Date,
): CertificateResult {
  const findings: CertificateFinding[] = [];
  const report = (about: 'cert' | 'key', message: string, severity: 'error' | 'warning' = 'error') =>
    findings.push({ about, severity, message });

  const cert = readText(certFile, message => report('cert', message));
  const key = readText(keyFile, message => report('key', message));
  const chain = cert === undefined ? undefined : readChain(cert, message => report('cert', message));
  const privateKey = key === undefined ? undefined : readKey(key, message => report('key', message));
  const leaf = chain?.[0];
  if (
    cert === undefined ||
    key === undefined ||
    chain === undefined ||
    leaf === undefined ||
    privateKey === undefined
  ) {
    return { certificate: undefined, findings };
  }
  if (!leaf.checkPrivateKey(privateKey)) {
    report('key', `the key does not belong to the certificate ${certFile}`);
    return { certificate: undefined, findings };
  }
  const refusal = refusalOfTls(cert, key);
  if (refusal !== undefined) {
    report('cert', refusal);
    return { certificate: undefined, findings };
  }

  for (const warning of clientWarnings(chain, leaf, now)) report('cert', warning, 'warning');
  if (isReadableByOthers(keyFile))
    report('key', 'the private key can be read by every user of this machine', 'warning');
  return { certificate: { certFile, keyFile, cert, key, serverNames: serverNames ?? dnsNames(leaf) }, findings };
}

/** 'rsa', 'ec' and so on. */
export function keyKind({ cert }: ServerCertificate): string {
  return new X509Certificate(cert).publicKey.asymmetricKeyType ?? '';
}

/** True when "others" have the read permission. */
export function isReadableByOthers(file: string): boolean {
  try {
    return (statSync(file).mode & 0o004) !== 0;
  } catch {
    return false;
  }
}

function readText(file: string, report: (message: string) => void): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    report(`${file} cannot be read: ${fileProblem(error)}`);
    return undefined;
  }
}

function readChain(pem: string, report: (message: string) => void): X509Certificate[] | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (blocks === null) {
    report(
      pem.includes('PRIVATE KEY-----')
        ? 'the file holds a private key and no certificate'
        : 'the file holds no PEM certificate (-----BEGIN CERTIFICATE-----)',
    );
    return undefined;
  }
  try {
    return blocks.map(block => new X509Certificate(block));
  } catch {
    report('the file holds a damaged certificate');
    return undefined;
  }
}

function readKey(pem: string, report: (message: string) => void): KeyObject | undefined {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    report('the file holds no PEM private key (-----BEGIN PRIVATE KEY-----)');
    return undefined;
  }
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    report('the private key is encrypted: there is nobody to ask for its passphrase');
    return undefined;
  }
  try {
    return createPrivateKey(pem);
  } catch {
    report('the file holds a damaged private key');
    return undefined;
  }
}

/** OpenSSL has rules of its own, such as the smallest key; better now than at the first connection. */
function refusalOfTls(cert: string, key: string): string | undefined {
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    return `TLS refuses this certificate: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function clientWarnings(chain: readonly X509Certificate[], leaf: X509Certificate, now: Date): string[] {
  const warnings: string[] = [];
  const from = new Date(leaf.validFrom);
  const to = new Date(leaf.validTo);
  if (to < now) warnings.push(`the certificate expired on ${to.toISOString()}: clients will refuse it`);
  else if (to.getTime() - now.getTime() < EXPIRES_SOON_MS)
    warnings.push(`the certificate expires on ${to.toISOString()}`);
  if (from > now) warnings.push(`the certificate is not valid before ${from.toISOString()}: clients will refuse it`);

  // X509Certificate.keyUsage is the extended key usage; it is undefined when the extension is absent.
  const usages = leaf.keyUsage as readonly string[] | undefined;
  if (usages !== undefined && !usages.includes(SERVER_AUTH) && !usages.includes(ANY_EXTENDED_KEY_USAGE)) {
    warnings.push(
      'the certificate is not made for servers (no serverAuth in its extended key usage): Windows will refuse it',
    );
  }
  const gap = chain.findIndex((certificate, index) => {
    const issuer = chain[index + 1];
    return issuer !== undefined && !certificate.checkIssued(issuer);
  });
  if (gap >= 0)
    warnings.push(
      `certificate ${gap + 2} of the file did not issue certificate ${gap + 1}: clients may not find the chain`,
    );
  return warnings;
}

/** DNS names of the subject alternative name, else the common name. */
function dnsNames(leaf: X509Certificate): string[] {
  const names = (leaf.subjectAltName ?? '')
    .split(', ')
    .filter(entry => entry.startsWith('DNS:'))
    .map(entry => entry.slice('DNS:'.length).toLowerCase());
  if (names.length > 0) return [...new Set(names)];
  const commonName = /^CN=([\w.*-]+)$/m.exec(leaf.subject)?.[1];
  return commonName === undefined ? [] : [commonName.toLowerCase()];
}
