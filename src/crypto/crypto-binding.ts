// Crypto binding, MS-SSTP 3.2.5.2: proves that the TLS connection and the PPP authentication end at the same two
// machines.
//
//   HLAK   what the inner authentication produced, 32 bytes; zero for methods that produce no key
//   CMK  = HMAC-H(HLAK, "SSTP inner method derived CMK" | length of H as u16 little-endian | 0x01)
//   MAC  = HMAC-H(CMK, Call Connected packet whose Compound MAC field is zero)
import { CALL_CONNECTED_LENGTH, COMPOUND_MAC_AT, HashProtocol } from '../wire/sstp.ts';
import { digest, hmac } from './digest.ts';
import { masterKeys } from './mppe-keys.ts';

export const HLAK_LENGTH = 32;

const SEED = new TextEncoder().encode('SSTP inner method derived CMK');

/** PAP and CHAP with MD5 produce no key. The MAC then proves nothing, and is still required. */
export const ZERO_HLAK: Uint8Array = new Uint8Array(HLAK_LENGTH);

/** The client's send key and then its receive key, on both ends. */
export function hlakFromMsChapV2(ntHash: Uint8Array, ntResponse: Uint8Array): Uint8Array {
  const { clientSend, clientReceive } = masterKeys(ntHash, ntResponse);
  return Uint8Array.of(...clientSend, ...clientReceive);
}

/** Hash over the DER encoding of the server's leaf certificate. */
export function certificateHash(hashProtocol: HashProtocol, der: Uint8Array): Uint8Array {
  return digest(algorithmOf(hashProtocol), der);
}

/**
 * The Compound MAC of a Call Connected packet, 20 or 32 bytes. The packet is taken as it was received, reserved bits
 * included, except for the MAC field itself, which is read as zero; the packet is not changed.
 */
export function compoundMac(hashProtocol: HashProtocol, hlak: Uint8Array, callConnected: Uint8Array): Uint8Array {
  const message = callConnected.slice().fill(0, COMPOUND_MAC_AT, CALL_CONNECTED_LENGTH);
  return hmac(algorithmOf(hashProtocol), compoundMacKey(hashProtocol, hlak), message);
}

/** The CMK. One round of the key derivation gives exactly the length of the hash, hence there is no second. */
export function compoundMacKey(hashProtocol: HashProtocol, hlak: Uint8Array): Uint8Array {
  const length = hashProtocol === HashProtocol.Sha1 ? 20 : 32;
  return hmac(algorithmOf(hashProtocol), hlak, SEED, Uint8Array.of(length, 0, 0x01));
}

function algorithmOf(hashProtocol: HashProtocol): 'sha1' | 'sha256' {
  return hashProtocol === HashProtocol.Sha1 ? 'sha1' : 'sha256';
}
