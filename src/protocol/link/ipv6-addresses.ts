/** The IPv6 addresses that every link has (RFC 4291 2.7.1, 2.5.6; RFC 8415 7.1). */

export const ALL_NODES = (0xff02n << 112n) | 1n;
export const ALL_ROUTERS = (0xff02n << 112n) | 2n;
export const ALL_DHCP_RELAYS_AND_SERVERS = (0xff02n << 112n) | 0x1_0002n;
export const UNSPECIFIED = 0n;

const LINK_LOCAL = 0xfe80n << 112n;

export function linkLocal(interfaceId: bigint): bigint {
  return LINK_LOCAL | interfaceId;
}

/** fe80::/10 */
export function isLinkLocal(address: bigint): boolean {
  return address >> 118n === LINK_LOCAL >> 118n;
}

/** ff02::1:ff00:0/104 and the address's last 24 bits (RFC 4291 2.7.1). */
export function solicitedNode(address: bigint): bigint {
  return (0xff02n << 112n) | 0x1_ff00_0000n | (address & 0xff_ffffn);
}
