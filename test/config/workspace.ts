// A folder of its own for each test, and certificates to put there.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { generate } from 'selfsigned';

export interface Workspace {
  readonly directory: string;
  path(name: string): string;
  /** Private to the owner unless told otherwise; returns the path. */
  write(name: string, content: string, mode?: number): string;
}

export function workspace(context: TestContext): Workspace {
  const directory = mkdtempSync(join(tmpdir(), 'sstp-gateway-test-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = (name: string): string => join(directory, name);
  return {
    directory,
    path,
    write: (name, content, mode = 0o600) => {
      writeFileSync(path(name), content, { mode });
      return path(name);
    },
  };
}

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface PairOptions {
  readonly commonName?: string;
  readonly names?: readonly string[];
  readonly from?: Date;
  readonly to?: Date;
  readonly forServers?: boolean;
  readonly keyType?: 'ec' | 'rsa';
}

/** A self-signed certificate on a P-256 key, which is made quickly. */
export async function makePair({
  commonName = 'vpn.example.org',
  names = [commonName],
  from,
  to,
  forServers = true,
  keyType = 'ec',
}: PairOptions = {}): Promise<Pair> {
  const made = await generate([{ name: 'commonName', value: commonName }], {
    ...(keyType === 'ec' ? { keyType, curve: 'P-256' } : { keyType, keySize: 2048 }),
    algorithm: 'sha256',
    ...(from === undefined ? {} : { notBeforeDate: from }),
    ...(to === undefined ? {} : { notAfterDate: to }),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'extKeyUsage', serverAuth: forServers, clientAuth: !forServers },
      ...(names.length === 0
        ? []
        : [{ name: 'subjectAltName' as const, altNames: names.map(value => ({ type: 2 as const, value })) }]),
    ],
  });
  return { cert: made.cert, key: made.private };
}
