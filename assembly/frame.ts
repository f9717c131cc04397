/**
 * An IP packet in an SSTP data packet (MS-SSTP 2.2.3): 10 00, u16 length, then the PPP frame FF 03, u16 protocol,
 * packet. FF 03 is always sent, whatever LCP negotiated: there are clients that abort the call without it.
 */
import { IPV4_HEADER_LENGTH, IPV6_HEADER_LENGTH, ipVersion } from './ip';
import { ERROR_NOT_IP, ERROR_TOO_SHORT } from './path-error';
import { PPP_IPV4, PPP_IPV6 } from './table';

export const FRAME_HEADER_LENGTH: u32 = 8;
const FRAME_LENGTH_MAX: u32 = 4095;
/** The longest packet that fits. */
export const FRAMED_LENGTH_MAX: u32 = FRAME_LENGTH_MAX - FRAME_HEADER_LENGTH;

/** The PPP protocol number of the IP packet at `at`, or a negative code. */
export function pppProtocol(at: u32, length: u32): i32 {
  if (length < IPV4_HEADER_LENGTH) return ERROR_TOO_SHORT;
  const version = ipVersion(at);
  if (version == 4) return PPP_IPV4;
  if (version != 6) return ERROR_NOT_IP;
  return length < IPV6_HEADER_LENGTH ? ERROR_TOO_SHORT : PPP_IPV6;
}

/** For an IP packet of `length` bytes that follows; eight bytes in one store, the first lowest. */
export function writeFrameHeader(to: u32, length: u32, protocol: u32): void {
  const sstp: u64 = 0x10 | ((bswap<u16>((FRAME_HEADER_LENGTH + length) as u16) as u64) << 16);
  const ppp: u64 = 0x03ff | ((bswap<u16>(protocol as u16) as u64) << 16);
  store<u64>(to, sstp | (ppp << 32));
}
