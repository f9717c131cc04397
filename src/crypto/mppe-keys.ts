// Master keys of MS-CHAPv2, RFC 3079 3. SSTP binds them to the TLS connection; no packet is encrypted with them.
import { digest } from './digest.ts';
import { md4 } from './md4.ts';

const MASTER_KEY_LENGTH = 16;

const encoder = new TextEncoder();
const MAGIC_1 = encoder.encode('This is the MPPE Master Key');
const MAGIC_2 = encoder.encode('On the client side, this is the send key; on the server side, it is the receive key.');
const MAGIC_3 = encoder.encode('On the client side, this is the receive key; on the server side, it is the send key.');
const SHA_PAD_1 = new Uint8Array(40);
const SHA_PAD_2 = new Uint8Array(40).fill(0xf2);

/** Named from the client's side; what the client sends with, the server receives with. 16 bytes each. */
export interface MasterKeys {
  readonly clientSend: Uint8Array;
  readonly clientReceive: Uint8Array;
}

/** `ntHash` is the NT hash of the password, `ntResponse` the 24 bytes of the exchange. */
export function masterKeys(ntHash: Uint8Array, ntResponse: Uint8Array): MasterKeys {
  const master = digest('sha1', md4(ntHash), ntResponse, MAGIC_1).slice(0, MASTER_KEY_LENGTH);
  const startKey = (magic: Uint8Array) =>
    digest('sha1', master, SHA_PAD_1, magic, SHA_PAD_2).slice(0, MASTER_KEY_LENGTH);
  return { clientSend: startKey(MAGIC_2), clientReceive: startKey(MAGIC_3) };
}
