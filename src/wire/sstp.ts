// SSTP control packets, MS-SSTP 2.2. All integers are big-endian; reserved bits are sent as zero and ignored on
// receipt.
//
//   header     Version(1)  Reserved+C(1)  R+Length(2)      Length counts the whole packet, C = 1 for control
//   control    MessageType(2)  NumAttributes(2)  attributes
//   attribute  Reserved(1)  AttributeId(1)  R+Length(2)  value      Length counts these four bytes too
//
// Two levels: a control packet is a list of attributes as they stand, so that a server can refuse each one by itself
// (Call Connect Nak); the value of one attribute is read and built by the functions further below.
import { copyBytes, putBytes, viewOf } from './bytes.ts';
import { WireError } from './wire-error.ts';

export const SSTP_VERSION = 0x10;
export const HEADER_LENGTH = 4;
/** The Length field has 12 bits. */
export const MAX_PACKET_LENGTH = 4095;

const CONTROL_HEADER_LENGTH = 8;
const ATTRIBUTE_HEADER_LENGTH = 4;
export const CONTROL_BIT = 0x01;
export const LENGTH_MASK = 0x0fff;

/** Encapsulated Protocol ID: the only one that MS-SSTP defines. */
export const ENCAPSULATED_PPP = 0x0001;
export const NONCE_LENGTH = 32;
/** A Status Info repeats at most this much of the refused value, MS-SSTP 2.2.7. */
export const MAX_STATUS_VALUE_LENGTH = 64;
/** A Call Connected with its one Crypto Binding attribute, and where its Compound MAC field lies, MS-SSTP 2.2.6. */
export const CALL_CONNECTED_LENGTH = 112;
export const COMPOUND_MAC_AT = 80;

// Offsets in attribute values, which begin behind the attribute header.
const FLAG_AT = 3;
const STATUS_AT = 4;
const STATUS_VALUE_AT = 8;
const NONCE_AT = 4;
const CERTIFICATE_HASH_AT = NONCE_AT + NONCE_LENGTH;
/** Both hash fields have room for SHA-256; a SHA-1 hash is followed by twelve zero bytes. */
const HASH_FIELD_LENGTH = 32;
const MAC_AT = CERTIFICATE_HASH_AT + HASH_FIELD_LENGTH;
const CRYPTO_BINDING_LENGTH = MAC_AT + HASH_FIELD_LENGTH;
const CRYPTO_BINDING_REQUEST_LENGTH = NONCE_AT + NONCE_LENGTH;

/** MS-SSTP 2.2.2. */
export const MessageType = {
  CallConnectRequest: 0x0001,
  CallConnectAck: 0x0002,
  CallConnectNak: 0x0003,
  CallConnected: 0x0004,
  CallAbort: 0x0005,
  CallDisconnect: 0x0006,
  CallDisconnectAck: 0x0007,
  EchoRequest: 0x0008,
  EchoResponse: 0x0009,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** MS-SSTP 2.2.4. `NoError` is no attribute: it stands in a Status Info that is about none. */
export const AttributeId = {
  NoError: 0x00,
  EncapsulatedProtocolId: 0x01,
  StatusInfo: 0x02,
  CryptoBinding: 0x03,
  CryptoBindingRequest: 0x04,
} as const;
export type AttributeId = (typeof AttributeId)[keyof typeof AttributeId];

/** Attribute status, MS-SSTP 2.2.8. */
export const Status = {
  NoError: 0x00000000,
  DuplicateAttribute: 0x00000001,
  UnrecognizedAttribute: 0x00000002,
  InvalidAttributeValueLength: 0x00000003,
  ValueNotSupported: 0x00000004,
  UnacceptedFrameReceived: 0x00000005,
  RetryCountExceeded: 0x00000006,
  InvalidFrameReceived: 0x00000007,
  NegotiationTimeout: 0x00000008,
  AttributeNotSupportedInMessage: 0x00000009,
  RequiredAttributeMissing: 0x0000000a,
  StatusInfoNotSupportedInMessage: 0x0000000b,
} as const;
export type Status = (typeof Status)[keyof typeof Status];

/** One bit each: an offer is a bitmask of them, a choice exactly one. MS-SSTP 2.2.5 and 2.2.6. */
export const HashProtocol = { Sha1: 0x01, Sha256: 0x02 } as const;
export type HashProtocol = (typeof HashProtocol)[keyof typeof HashProtocol];

/** `value` comes without the attribute header. */
export interface RawAttribute {
  readonly id: number;
  readonly value: Uint8Array;
}

/** `type` is any 16-bit number: an unknown one is well formed, and an error of the call, not of the packet. */
export interface ControlPacket {
  readonly type: number;
  readonly attributes: readonly RawAttribute[];
}

/**
 * Reads the control packet that fills `[at, end)`, header included: structure only, no attribute is interpreted.
 * Errors: `Truncated` and `Trailing` when the header's Length is not `end - at`, `Version`, `Value` for a data packet,
 * `Length` for a packet or attribute shorter than its header or an attribute that leaves the packet, `Count`.
 */
export function parseControlPacket(view: DataView, at: number, end: number): ControlPacket | WireError {
  if (end - at < HEADER_LENGTH) return WireError.Truncated;
  if (view.getUint8(at) !== SSTP_VERSION) return WireError.Version;
  if ((view.getUint8(at + 1) & CONTROL_BIT) === 0) return WireError.Value;
  const length = view.getUint16(at + 2) & LENGTH_MASK;
  if (length < CONTROL_HEADER_LENGTH) return WireError.Length;
  if (length > end - at) return WireError.Truncated;
  if (length < end - at) return WireError.Trailing;

  const attributes: RawAttribute[] = [];
  let next = at + CONTROL_HEADER_LENGTH;
  while (next < end) {
    if (end - next < ATTRIBUTE_HEADER_LENGTH) return WireError.Length;
    const attributeLength = view.getUint16(next + 2) & LENGTH_MASK;
    if (attributeLength < ATTRIBUTE_HEADER_LENGTH || attributeLength > end - next) return WireError.Length;
    attributes.push({
      id: view.getUint8(next + 1),
      value: copyBytes(view, next + ATTRIBUTE_HEADER_LENGTH, next + attributeLength),
    });
    next += attributeLength;
  }
  if (attributes.length !== view.getUint16(at + 6)) return WireError.Count;
  return { type: view.getUint16(at + 4), attributes };
}

export function controlPacketLength(packet: ControlPacket): number {
  return packet.attributes.reduce(
    (sum, attribute) => sum + ATTRIBUTE_HEADER_LENGTH + attribute.value.length,
    CONTROL_HEADER_LENGTH,
  );
}

/** Writes the packet at `at` and returns the offset behind it. Throws RangeError for a packet that has no encoding. */
export function emitControlPacket(view: DataView, at: number, packet: ControlPacket): number {
  const length = controlPacketLength(packet);
  if (length > MAX_PACKET_LENGTH) throw new RangeError(`an SSTP packet of ${length} bytes has no encoding`);
  view.setUint8(at, SSTP_VERSION);
  view.setUint8(at + 1, CONTROL_BIT);
  view.setUint16(at + 2, length);
  view.setUint16(at + 4, packet.type);
  view.setUint16(at + 6, packet.attributes.length);
  let next = at + CONTROL_HEADER_LENGTH;
  for (const { id, value } of packet.attributes) {
    view.setUint8(next, 0);
    view.setUint8(next + 1, id);
    view.setUint16(next + 2, ATTRIBUTE_HEADER_LENGTH + value.length);
    next = putBytes(view, next + ATTRIBUTE_HEADER_LENGTH, value);
  }
  return next;
}

/** The packet in a buffer of its own. */
export function encodeControlPacket(packet: ControlPacket): Uint8Array {
  const bytes = new Uint8Array(controlPacketLength(packet));
  emitControlPacket(viewOf(bytes), 0, packet);
  return bytes;
}

// -- Encapsulated Protocol ID, MS-SSTP 2.2.9 --------------------------------------------------------------------------

/** The protocol, {@link ENCAPSULATED_PPP} when the peer is sane, or the negative {@link WireError} `Length`. */
export function parseEncapsulatedProtocolId(value: Uint8Array): number {
  return value.length === 2 ? viewOf(value).getUint16(0) : WireError.Length;
}

export function encapsulatedProtocolId(protocol: number): RawAttribute {
  const value = new Uint8Array(2);
  viewOf(value).setUint16(0, protocol);
  return { id: AttributeId.EncapsulatedProtocolId, value };
}

// -- Crypto Binding Request, MS-SSTP 2.2.5 ----------------------------------------------------------------------------

export interface CryptoBindingRequest {
  /** Bitmask of {@link HashProtocol}. */
  readonly hashProtocols: number;
  /** {@link NONCE_LENGTH} bytes. */
  readonly nonce: Uint8Array;
}

export function parseCryptoBindingRequest(value: Uint8Array): CryptoBindingRequest | WireError {
  if (value.length !== CRYPTO_BINDING_REQUEST_LENGTH) return WireError.Length;
  return {
    hashProtocols: viewOf(value).getUint8(FLAG_AT),
    nonce: value.slice(NONCE_AT, NONCE_AT + NONCE_LENGTH),
  };
}

export function cryptoBindingRequest(request: CryptoBindingRequest): RawAttribute {
  requireLength(request.nonce, NONCE_LENGTH, 'nonce');
  const value = new Uint8Array(CRYPTO_BINDING_REQUEST_LENGTH);
  value[FLAG_AT] = request.hashProtocols;
  value.set(request.nonce, NONCE_AT);
  return { id: AttributeId.CryptoBindingRequest, value };
}

// -- Crypto Binding, MS-SSTP 2.2.6 ------------------------------------------------------------------------------------

export interface CryptoBinding {
  /** As received: whether it is one {@link HashProtocol}, and one that was offered, is for the call to judge. */
  readonly hashProtocol: number;
  /** {@link NONCE_LENGTH} bytes. */
  readonly nonce: Uint8Array;
  /** 20 bytes for SHA-1, 32 for everything else. */
  readonly certificateHash: Uint8Array;
  /** As long as the certificate hash. */
  readonly compoundMac: Uint8Array;
  /** False when the rest of a hash field behind a SHA-1 hash is not zero. Has no meaning when building. */
  readonly paddingIsZero: boolean;
}

export function parseCryptoBinding(value: Uint8Array): CryptoBinding | WireError {
  if (value.length !== CRYPTO_BINDING_LENGTH) return WireError.Length;
  const hashProtocol = viewOf(value).getUint8(FLAG_AT);
  const length = hashLength(hashProtocol);
  return {
    hashProtocol,
    nonce: value.slice(NONCE_AT, CERTIFICATE_HASH_AT),
    certificateHash: value.slice(CERTIFICATE_HASH_AT, CERTIFICATE_HASH_AT + length),
    compoundMac: value.slice(MAC_AT, MAC_AT + length),
    paddingIsZero:
      isZero(value.subarray(CERTIFICATE_HASH_AT + length, MAC_AT)) && isZero(value.subarray(MAC_AT + length)),
  };
}

export function cryptoBinding(binding: Omit<CryptoBinding, 'paddingIsZero'>): RawAttribute {
  const length = hashLength(binding.hashProtocol);
  requireLength(binding.nonce, NONCE_LENGTH, 'nonce');
  requireLength(binding.certificateHash, length, 'certificate hash');
  requireLength(binding.compoundMac, length, 'compound MAC');
  const value = new Uint8Array(CRYPTO_BINDING_LENGTH);
  value[FLAG_AT] = binding.hashProtocol;
  value.set(binding.nonce, NONCE_AT);
  value.set(binding.certificateHash, CERTIFICATE_HASH_AT);
  value.set(binding.compoundMac, MAC_AT);
  return { id: AttributeId.CryptoBinding, value };
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every(byte => byte === 0);
}

function hashLength(hashProtocol: number): number {
  return hashProtocol === HashProtocol.Sha1 ? 20 : HASH_FIELD_LENGTH;
}

// -- Status Info, MS-SSTP 2.2.7 ---------------------------------------------------------------------------------------

export interface StatusInfo {
  /** The {@link AttributeId} that the status is about. */
  readonly attributeId: number;
  /** A {@link Status}, or whatever the peer invented. */
  readonly status: number;
  /** Copy of the refused value, at most {@link MAX_STATUS_VALUE_LENGTH} bytes; only in Call Connect Nak. */
  readonly value: Uint8Array;
}

export function parseStatusInfo(value: Uint8Array): StatusInfo | WireError {
  if (value.length < STATUS_VALUE_AT || value.length > STATUS_VALUE_AT + MAX_STATUS_VALUE_LENGTH) {
    return WireError.Length;
  }
  const view = viewOf(value);
  return {
    attributeId: view.getUint8(FLAG_AT),
    status: view.getUint32(STATUS_AT),
    value: value.slice(STATUS_VALUE_AT),
  };
}

/** `refused` is the value that the status is about, cut to what a Status Info may repeat. */
export function statusInfo(attributeId: number, status: number, refused: Uint8Array = new Uint8Array(0)): RawAttribute {
  const kept = refused.subarray(0, MAX_STATUS_VALUE_LENGTH);
  const value = new Uint8Array(STATUS_VALUE_AT + kept.length);
  value[FLAG_AT] = attributeId;
  viewOf(value).setUint32(STATUS_AT, status);
  value.set(kept, STATUS_VALUE_AT);
  return { id: AttributeId.StatusInfo, value };
}

function requireLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new RangeError(`${what} of ${bytes.length} bytes instead of ${length}`);
}
