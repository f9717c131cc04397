import { constants, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls';

/** A certificate chain with its key, and the names it is served for. */
export interface ServerCertificate {
  /** PEM: leaf first, then the intermediates. Clients of SSTP do not fetch missing ones. */
  readonly cert: string;
  /** PEM, not encrypted. */
  readonly key: string;
  /** Exact names and wildcards of one label (`*.example.org`), any case. Empty: the DNS names of the certificate. */
  readonly serverNames: readonly string[];
}

export interface TlsPolicy {
  readonly minVersion: SecureVersion;
  /** OpenSSL cipher list; undefined: Node's default. */
  readonly ciphers?: string | undefined;
}

/** What a client may be shown under one server name. */
export interface ServerIdentity {
  readonly context: SecureContextOptions;
  /** DER of the leaf of each key type. */
  readonly leaves: readonly Buffer[];
}

/** A certificate that cannot be served: unreadable, or its key is another one's. */
class CertificateError extends Error {
  override readonly name = 'CertificateError';
}

/**
 * The certificates of a listener by server name. Entries with the same names and different key types (RSA beside ECDSA) are offered
 * together. The first entry serves connections with an unknown name or without one: many SSTP clients send none.
 */
export class CertificateStore {
  readonly #default: ServerIdentity;
  readonly #byName = new Map<string, ServerIdentity>();

  /** @throws {CertificateError} naming the entry. */
  constructor(certificates: readonly ServerCertificate[], policy: TlsPolicy) {
    const groups = new Map<string, { names: string[]; entries: ServerCertificate[]; leaves: Buffer[] }>();
    for (const [index, entry] of certificates.entries()) {
      const leaf = readLeaf(entry, index);
      const names = (entry.serverNames.length > 0 ? entry.serverNames : dnsNames(leaf)).map(canonicalName).toSorted();
      const key = names.join(' ');
      const group = groups.get(key) ?? { names, entries: [], leaves: [] };
      group.entries.push(entry);
      group.leaves.push(leaf.raw);
      groups.set(key, group);
    }
    const [first, ...others] = [...groups.values()].map(({ names, entries, leaves }) => ({
      names,
      identity: { context: checked(contextOptions(entries, policy), names), leaves },
    }));
    if (first === undefined) throw new CertificateError('no certificate is configured');
    this.#default = first.identity;
    for (const { names, identity } of [first, ...others]) {
      for (const name of names) if (!this.#byName.has(name)) this.#byName.set(name, identity);
    }
  }

  /** What to shake hands with; the same object for the same certificates. */
  select(serverName: string | undefined): ServerIdentity {
    if (serverName === undefined) return this.#default;
    const name = canonicalName(serverName);
    return this.#byName.get(name) ?? this.#byName.get(`*${name.slice(labelLength(name))}`) ?? this.#default;
  }
}

function readLeaf(entry: ServerCertificate, index: number): X509Certificate {
  try {
    const leaf = new X509Certificate(entry.cert);
    createSecureContext({ cert: entry.cert, key: entry.key });
    return leaf;
  } catch (error) {
    const label = entry.serverNames.length > 0 ? ` (${entry.serverNames.join(', ')})` : '';
    const why = error instanceof Error ? error.message : String(error);
    throw new CertificateError(`certificate ${index + 1}${label}: ${why}`, { cause: error });
  }
}

function contextOptions(entries: readonly ServerCertificate[], policy: TlsPolicy): SecureContextOptions {
  return {
    cert: entries.map(entry => entry.cert),
    key: entries.map(entry => entry.key),
    minVersion: policy.minVersion,
    ...(policy.ciphers === undefined ? {} : { ciphers: policy.ciphers }),
    honorCipherOrder: true,
    // A resumed session keeps the certificate of its first handshake, which after a renewal is not the one we would bind to; and ticket
    // keys are not shared between workers. Tunnels live for hours: a full handshake for each costs nothing that matters.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
  };
}

/** Here, and not in each connection's handshake, is where several that do not go together are told. */
function checked(context: SecureContextOptions, names: readonly string[]): SecureContextOptions {
  try {
    createSecureContext(context);
    return context;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CertificateError(`the certificates for ${names.join(', ')} cannot be offered together: ${why}`, {
      cause: error,
    });
  }
}

function dnsNames(leaf: X509Certificate): string[] {
  return (leaf.subjectAltName ?? '')
    .split(', ')
    .filter(name => name.startsWith('DNS:'))
    .map(name => name.slice('DNS:'.length));
}

/** Lower case, without the dot of a fully qualified name. */
function canonicalName(name: string): string {
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase();
}

function labelLength(name: string): number {
  const dot = name.indexOf('.');
  return dot < 0 ? name.length : dot;
}
