// From the `aaa.radius` section to what the RADIUS client takes, with every secret read.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { isReadableByOthers } from './certificates.ts';
import { fileProblem } from './config-error.ts';
import type { Findings } from './findings.ts';
import type { RadiusOptions } from './radius-options.ts';
import { type RadiusSection, SHORT_SECRET } from './radius-schema.ts';
import type { KeyPath } from './yaml-source.ts';

const PATH: KeyPath = ['aaa', 'radius'];

/** Secrets stand in the file or in files of their own, with paths relative to `base`. */
export function checkRadius(section: RadiusSection, base: string, findings: Findings): RadiusOptions {
  const { dynamicAuthorization } = section;
  return {
    servers: section.servers.map((server, index) => ({
      host: server.address,
      authPort: server.authPort,
      acctPort: server.acctPort,
      secret: readSecret(server, [...PATH, 'servers', index], base, findings),
      priority: server.priority,
      requestLimit: server.requestLimit,
      deadTimeMs: server.deadTime,
      requireMessageAuthenticator: server.requireMessageAuthenticator,
    })),
    nasIdentifier: section.nasIdentifier ?? hostname(),
    nasIpAddress: section.nasIpAddress,
    nasIpv6Address: section.nasIpv6Address,
    timeoutMs: section.timeout,
    retries: section.retries,
    authBudgetMs: section.authTimeout,
    interimMs: section.interim,
    interimJitter: section.interimJitter,
    defaultRealm: section.defaultRealm,
    stripRealm: section.stripRealm,
    filterIdRateMultiplier: section.filterIdRateMultiplier,
    calledStationId: section.calledStationId,
    dynamicAuthorization: dynamicAuthorization && {
      listen: dynamicAuthorization.listen,
      clients: dynamicAuthorization.clients.map((client, index) => ({
        address: client.address,
        secret: readSecret(client, [...PATH, 'dynamicAuthorization', 'clients', index], base, findings),
      })),
      requireMessageAuthenticator: dynamicAuthorization.requireMessageAuthenticator,
    },
  };
}

interface SecretKeys {
  readonly secret?: string | undefined;
  readonly secretFile?: string | undefined;
}

function readSecret({ secret, secretFile }: SecretKeys, path: KeyPath, base: string, findings: Findings): Uint8Array {
  if ((secret === undefined) === (secretFile === undefined)) {
    const message = secret === undefined ? 'has no secret' : 'has both secret and secretFile';
    findings.error(path, message, 'secret or secretFile');
    return new Uint8Array(0);
  }
  const text = secret ?? readSecretFile(resolve(base, secretFile ?? ''), [...path, 'secretFile'], findings);
  if (text !== undefined && text.length < SHORT_SECRET) {
    findings.warn(path, `its secret has fewer than ${SHORT_SECRET} characters: whoever sees one packet can guess it`);
  }
  return new TextEncoder().encode(text ?? '');
}

function readSecretFile(file: string, path: KeyPath, findings: Findings): string | undefined {
  try {
    const text = readFileSync(file, 'utf8').trim();
    if (text === '') findings.error(path, `${file} is empty`);
    if (isReadableByOthers(file)) findings.warn(path, 'the secret can be read by every user of this machine');
    return text;
  } catch (error) {
    findings.error(path, `${file} cannot be read: ${fileProblem(error)}`);
    return undefined;
  }
}
