// CHAP with MD5, RFC 1994 4.1.
import { digest } from './digest.ts';

/** The 16-byte Response value to a challenge. `id` is the Identifier of the Challenge packet. */
export function chapMd5(id: number, secret: Uint8Array, challenge: Uint8Array): Uint8Array {
  return digest('md5', Uint8Array.of(id), secret, challenge);
}
