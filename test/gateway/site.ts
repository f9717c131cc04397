/** What a gateway needs on disk: a certificate, users, a configuration file; in a folder of its own that goes away with it. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';

export const USER = 'alice';
export const PASSWORD = 'correct horse';

export interface Site {
  readonly directory: string;
  readonly configFile: string;
  /** PEM of the server's certificate, to be trusted by clients. */
  readonly ca: string;
  /** Its SHA-256, in capital hexadecimal digits with colons. */
  readonly fingerprint: string;
  readonly remove: () => void;
}

/** RSA with 2048 bits, or P-256. */
export type KeyType = 'rsa' | 'ec';

/**
 * @param overrides top-level sections that replace the defaults here, as they stand in YAML (JSON is YAML).
 * @param users more of them, as they stand in the users file.
 */
export async function createSite(
  overrides: Readonly<Record<string, unknown>> = {},
  keyType: KeyType = 'rsa',
  users: readonly object[] = [],
): Promise<Site> {
  const directory = mkdtempSync(join(tmpdir(), 'sstp-gateway-test-'));
  const pair = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType,
    keySize: 2048,
    curve: 'P-256',
    algorithm: 'sha256',
    extensions: [
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  });
  const file = (name: string, content: string): string => {
    const path = join(directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  file('cert.pem', pair.cert);
  file('key.pem', pair.private);
  file(
    'users.yaml',
    JSON.stringify([
      { name: USER, password: PASSWORD },
      { name: 'disabled', password: PASSWORD, disabled: true },
      { name: 'single', password: PASSWORD, maxSessions: 1 },
      { name: 'fixed', password: PASSWORD, ipv4: '10.66.200.1' },
      ...users,
    ]),
  );
  const configFile = file(
    'gateway.yaml',
    JSON.stringify({
      listen: [{ address: '127.0.0.1:0' }],
      tls: { certificates: [{ cert: 'cert.pem', key: 'key.pem' }] },
      workers: 2,
      stateDir: 'state',
      network: { mode: 'echo', ipv4: { pool: ['10.66.0.0/16'], gateway: '10.66.0.1', dns: ['10.66.0.53'] } },
      ppp: { auth: ['mschapv2', 'eap', 'chap', 'pap'] },
      aaa: { method: 'users', users: 'users.yaml' },
      admin: { listen: '127.0.0.1:0' },
      log: { level: 'info', format: 'json' },
      ...overrides,
    }),
  );
  return {
    directory,
    configFile,
    ca: pair.cert,
    fingerprint: new X509Certificate(pair.cert).fingerprint256,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
