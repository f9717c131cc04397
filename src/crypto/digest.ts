// node:crypto's digests as functions from bytes to bytes.
import { createHash, createHmac } from 'node:crypto';

export type DigestAlgorithm = 'md5' | 'sha1' | 'sha256';

/** The digest of the parts in their order. */
export function digest(algorithm: DigestAlgorithm, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** HMAC (RFC 2104) of the parts in their order. */
export function hmac(algorithm: DigestAlgorithm, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac(algorithm, key);
  for (const part of parts) mac.update(part);
  return new Uint8Array(mac.digest());
}
