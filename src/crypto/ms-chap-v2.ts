// MS-CHAPv2, RFC 2759 8. Everything starts from the NT hash of the password, so that a server need not know the
// password.
import { createCipheriv } from 'node:crypto';
import { equal } from './constant-time.ts';
import { digest } from './digest.ts';
import { md4 } from './md4.ts';

const CHALLENGE_HASH_LENGTH = 8;
const DES_KEY_BITS_LENGTH = 7;
/** Three DES keys of 56 bits. */
const PADDED_HASH_LENGTH = 3 * DES_KEY_BITS_LENGTH;

const encoder = new TextEncoder();
const MAGIC_1 = encoder.encode('Magic server to client signing constant');
const MAGIC_2 = encoder.encode('Pad to make it do more than one iteration');

/** What both ends know of one exchange, apart from the password. */
export interface MsChapV2Exchange {
  /** The name as it stands in the Response. Whether its domain counts is answered by {@link matchNtResponse}. */
  readonly user: string;
  /** 16 bytes each. */
  readonly authenticatorChallenge: Uint8Array;
  readonly peerChallenge: Uint8Array;
}

/** NtPasswordHash: MD4 over the password in UTF-16LE, 16 bytes. */
export function ntPasswordHash(password: string): Uint8Array {
  const unicode = new DataView(new ArrayBuffer(2 * password.length));
  for (let at = 0; at < password.length; at++) unicode.setUint16(2 * at, password.charCodeAt(at), true);
  return md4(new Uint8Array(unicode.buffer));
}

/** ChallengeHash: 8 bytes. The name goes in as it is given. */
export function challengeHash({ user, authenticatorChallenge, peerChallenge }: MsChapV2Exchange): Uint8Array {
  return digest('sha1', peerChallenge, authenticatorChallenge, encoder.encode(user)).slice(0, CHALLENGE_HASH_LENGTH);
}

/** GenerateNTResponse: 24 bytes. */
export function ntResponse(ntHash: Uint8Array, exchange: MsChapV2Exchange): Uint8Array {
  const challenge = challengeHash(exchange);
  const padded = new Uint8Array(PADDED_HASH_LENGTH);
  padded.set(ntHash);
  const response = new Uint8Array(3 * CHALLENGE_HASH_LENGTH);
  for (let part = 0; part < 3; part++) {
    const key = padded.subarray(part * DES_KEY_BITS_LENGTH, (part + 1) * DES_KEY_BITS_LENGTH);
    response.set(desEncrypt(key, challenge), part * CHALLENGE_HASH_LENGTH);
  }
  return response;
}

/**
 * GenerateAuthenticatorResponse: `S=` and 40 upper-case hexadecimal digits, the server's proof that it knows the hash.
 */
export function authenticatorResponse(ntHash: Uint8Array, response: Uint8Array, exchange: MsChapV2Exchange): string {
  const inner = digest('sha1', md4(ntHash), response, MAGIC_1);
  const outer = digest('sha1', inner, challengeHash(exchange), MAGIC_2);
  return `S=${Array.from(outer, byte => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase()}`;
}

/**
 * Server side: the exchange as the client hashed it, or undefined for a wrong response. RFC 2759 leaves the domain out
 * of the hash, some clients leave it in; the authenticator response must then be computed from what this returns. Both
 * forms are always tried, so that the time tells nothing.
 */
export function matchNtResponse(
  ntHash: Uint8Array,
  response: Uint8Array,
  exchange: MsChapV2Exchange,
): MsChapV2Exchange | undefined {
  const bare = { ...exchange, user: withoutDomain(exchange.user) };
  const bareMatches = equal(ntResponse(ntHash, bare), response);
  const fullMatches = equal(ntResponse(ntHash, exchange), response);
  if (bareMatches) return bare;
  return fullMatches ? exchange : undefined;
}

/**
 * Client side: whether the server proved that it knows the password, without which authentication has not succeeded.
 */
export function provesPassword(
  claimed: string,
  ntHash: Uint8Array,
  response: Uint8Array,
  exchange: MsChapV2Exchange,
): boolean {
  return equal(encoder.encode(claimed), encoder.encode(authenticatorResponse(ntHash, response, exchange)));
}

/** `DOMAIN\user` without `DOMAIN\`. */
export function withoutDomain(user: string): string {
  return user.slice(user.lastIndexOf('\\') + 1);
}

/**
 * DesEncrypt of one block. Three equal keys make triple DES a single one, which OpenSSL 3 no longer offers by itself.
 */
function desEncrypt(keyBits: Uint8Array, block: Uint8Array): Uint8Array {
  const key = desKey(keyBits);
  const cipher = createCipheriv('des-ede3-ecb', Uint8Array.of(...key, ...key, ...key), null);
  cipher.setAutoPadding(false);
  return cipher.update(block);
}

/**
 * Spreads 56 bits over the upper seven bits of eight bytes. The lowest bits are parity, which no implementation checks.
 */
function desKey(bits: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: DES_KEY_BITS_LENGTH + 1 }, (_, at) => {
    const left = (bits[at - 1] ?? 0) << (8 - at);
    const right = (bits[at] ?? 0) >> at;
    return (left | right) & 0xfe;
  });
}
