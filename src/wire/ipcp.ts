// IP Control Protocol: options of RFC 1332, and the name server options of RFC 1877.
import { viewOf } from './bytes.ts';
import type { CpOption } from './control-protocol.ts';
import { WireError } from './wire-error.ts';

export const IpcpOption = {
  /** Obsolete, RFC 1172: two addresses in one option. */
  IpAddresses: 1,
  IpCompressionProtocol: 2,
  IpAddress: 3,
  MobileIpv4: 4,
  PrimaryDns: 129,
  PrimaryNbns: 130,
  SecondaryDns: 131,
  SecondaryNbns: 132,
} as const;
export type IpcpOption = (typeof IpcpOption)[keyof typeof IpcpOption];

const ADDRESS_LENGTH = 4;

/** The unsigned 32-bit address of an IP-Address or name server option, or the negative {@link WireError} `Length`. */
export function parseAddressOption(value: Uint8Array): number {
  return value.length === ADDRESS_LENGTH ? viewOf(value).getUint32(0) : WireError.Length;
}

export function addressOption(type: IpcpOption, address: number): CpOption {
  const value = new Uint8Array(ADDRESS_LENGTH);
  viewOf(value).setUint32(0, address);
  return { type, value };
}
