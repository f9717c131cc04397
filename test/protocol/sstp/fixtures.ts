/** The worked example of a crypto binding that every test here uses: RFC 2759's user, and the MACs published for it. */
import { certificateHash } from '../../../src/crypto/crypto-binding.ts';
import { encodeControlPacket, MessageType, type HashProtocol, type RawAttribute } from '../../../src/wire/sstp.ts';

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(/\s/g, '').match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}

export const NONCE = bytes('000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F');
export const HLAK = bytes('D5F0E9521E3EA9589645E86051C82226 8B7CDC149B993A1BA118CB153F56DCCB');
const CERTIFICATE = bytes('30826578616D706C652D6465722D6365727469666963617465');
export const certificateHashOf = (hashProtocol: HashProtocol): Uint8Array => certificateHash(hashProtocol, CERTIFICATE);

export const CALL_CONNECTED_SHA256 = bytes(`
  10010070000400010003006800000002 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F
  5F07A5D0402606B52AD05294D6BA2E515D12F686B69315EF741A1AEBC99E2F72
  42838818026F62C6A058755EC1D0AB698460F2787DCC6D9FF0684CF09838B24A`);

export const CALL_CONNECTED_SHA1 = bytes(`
  10010070000400010003006800000001 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F
  5746399EF1D604CD985C922C1A3202EB7FAAEEC5 000000000000000000000000
  BCFE2681ECDD0F4803E93168D660FD953DBF1107 000000000000000000000000`);

/** Where the fields of a Call Connected lie. */
export const HASH_PROTOCOL_AT = 15;
export const NONCE_AT = 16;
export const CERTIFICATE_HASH_AT = 48;
export const COMPOUND_MAC_AT = 80;

/** A copy with some bits of one byte turned over. */
export function flipped(packet: Uint8Array, at: number, mask = 0x01): Uint8Array {
  const copy = packet.slice();
  copy[at] = (copy[at] ?? 0) ^ mask;
  return copy;
}

export function control(type: number, ...attributes: RawAttribute[]): Uint8Array {
  return encodeControlPacket({ type, attributes });
}

export const CONNECT_REQUEST = bytes('1001000E 0001 0001 00010006 0001');
export const CONNECT_REQUEST_FOR_ANOTHER_PROTOCOL = bytes('1001000E 0001 0001 00010006 0002');
export const CONNECT_ACK = bytes(`10010030 0002 0001 00040028 000000 03
  000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F`);
export const CONNECT_NAK = bytes('10010016 0003 0001 0002000E 000000 01 00000004 0002');
export const CALL_ABORT = bytes('10010014 0005 0001 0002000C 000000 02 00000005');
export const CALL_DISCONNECT = bytes('10010014 0006 0001 0002000C 000000 00 00000000');
export const CALL_DISCONNECT_ACK = control(MessageType.CallDisconnectAck);
export const ECHO_REQUEST = control(MessageType.EchoRequest);
export const ECHO_RESPONSE = control(MessageType.EchoResponse);
export const UNKNOWN_MESSAGE = control(0x000a);
/** Num Attributes says two, there is one. */
export const MALFORMED_MESSAGE = bytes('10010014 0006 0002 0002000C 000000 00 00000000');
