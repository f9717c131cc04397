// IPv6 Control Protocol (RFC 5072): one option of use, the 64 bits that a link-local address ends with.
import { viewOf } from './bytes.ts';
import type { CpOption } from './control-protocol.ts';
import { WireError } from './wire-error.ts';

export const Ipv6cpOption = {
  InterfaceIdentifier: 1,
  /** RFC 5072 4.2, of which nobody makes use. */
  Ipv6CompressionProtocol: 2,
} as const;
export type Ipv6cpOption = (typeof Ipv6cpOption)[keyof typeof Ipv6cpOption];

const INTERFACE_ID_LENGTH = 8;

/** The 64 bits of an Interface-Identifier option, zero for "give me one"; `Length` for any other number of bytes. */
export function parseInterfaceId(value: Uint8Array): bigint | WireError {
  return value.length === INTERFACE_ID_LENGTH ? viewOf(value).getBigUint64(0) : WireError.Length;
}

export function interfaceIdOption(interfaceId: bigint): CpOption {
  const value = new Uint8Array(INTERFACE_ID_LENGTH);
  viewOf(value).setBigUint64(0, interfaceId);
  return { type: Ipv6cpOption.InterfaceIdentifier, value };
}
