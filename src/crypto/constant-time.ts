// Comparison of secrets.
import { timingSafeEqual } from 'node:crypto';

/** Takes the same time wherever the bytes differ. Lengths are public: different ones are answered at once. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
