// MD4, RFC 1320: broken as a hash, and what the NT password hash is made of. OpenSSL 3 no longer offers it by default.
import { createMD4 } from 'hash-wasm';

// Compiling the module is the only asynchronous part; one hasher serves all, since init() to digest() is synchronous.
const hasher = await createMD4();

/** 16 bytes. */
export function md4(bytes: Uint8Array): Uint8Array {
  return hasher.init().update(bytes).digest('binary');
}
