/** The crypto binding of a call: Call Connected as the client builds it and as the server verifies it (MS-SSTP 3.2.5.2, 3.3.5.2.3). */
import { equal } from '../../crypto/constant-time.ts';
import { compoundMac } from '../../crypto/crypto-binding.ts';
import {
  AttributeId,
  cryptoBinding,
  encodeControlPacket,
  HashProtocol,
  MessageType,
  parseCryptoBinding,
  type ControlPacket,
  type CryptoBinding,
} from '../../wire/sstp.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { BindingFault } from './close-reason.ts';

/** What the server promised in its Call Connect Ack, and the certificate that it showed on this connection. */
export interface BindingOffer {
  /** Bitmask of {@link HashProtocol}. */
  readonly hashProtocols: number;
  readonly nonce: Uint8Array;
  certificateHash(this: void, hashProtocol: HashProtocol): Uint8Array;
}

/**
 * The Crypto Binding, or undefined unless it is well formed and the only attribute: the Compound MAC is defined over a
 * packet of exactly these 112 bytes.
 */
export function bindingOf(callConnected: ControlPacket): CryptoBinding | undefined {
  const [attribute, ...others] = callConnected.attributes;
  if (attribute === undefined || others.length > 0 || attribute.id !== AttributeId.CryptoBinding) return undefined;
  const binding = parseCryptoBinding(attribute.value);
  return isWireError(binding) ? undefined : binding;
}

/**
 * The first thing that is wrong with `binding`, which came in `packet`; undefined when it stands. The nonce, the
 * certificate's hash and the MAC with each of the keys are always all computed and compared, in constant time: how long it took
 * tells nothing about which one differed, or which key it was.
 */
export function bindingFault(
  packet: Uint8Array,
  binding: CryptoBinding,
  offer: BindingOffer,
  hlaks: readonly Uint8Array[],
): BindingFault | undefined {
  const { hashProtocol } = binding;
  if (!isHashProtocol(hashProtocol) || (hashProtocol & offer.hashProtocols) === 0) return 'binding-hash-protocol';
  const nonceMatches = equal(binding.nonce, offer.nonce);
  const certificateMatches = equal(binding.certificateHash, offer.certificateHash(hashProtocol));
  const macs = hlaks.map(hlak => equal(binding.compoundMac, compoundMac(hashProtocol, hlak, packet)));
  if (!nonceMatches) return 'binding-nonce';
  if (!certificateMatches) return 'binding-certificate';
  if (!binding.paddingIsZero) return 'binding-padding';
  return macs.includes(true) ? undefined : 'binding-mac';
}

/** The whole Call Connected packet. */
export function callConnected(
  hashProtocol: HashProtocol,
  nonce: Uint8Array,
  certificateHash: Uint8Array,
  hlak: Uint8Array,
): Uint8Array {
  const encode = (mac: Uint8Array): Uint8Array =>
    encodeControlPacket({
      type: MessageType.CallConnected,
      attributes: [cryptoBinding({ hashProtocol, nonce, certificateHash, compoundMac: mac })],
    });
  // The MAC is computed over the packet with a MAC of zeros in it.
  return encode(compoundMac(hashProtocol, hlak, encode(new Uint8Array(certificateHash.length))));
}

function isHashProtocol(value: number): value is HashProtocol {
  return value === HashProtocol.Sha1 || value === HashProtocol.Sha256;
}
