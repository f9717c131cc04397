// The only source of randomness; the protocol machines get it as an argument.
import { randomFillSync } from 'node:crypto';

/** Cryptographically secure random bytes. */
export function randomBytes(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}
