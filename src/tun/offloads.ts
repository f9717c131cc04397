// What a network device may leave to the one who reads it, and takes from the one who writes it.

/** Plain data: it crosses to workers with the device's handle. */
export interface Offloads {
  /** Checksums of TCP and UDP that are yet to be completed. */
  readonly checksum: boolean;
  /** TCP super-packets of up to 65535 bytes, IPv4 and IPv6. Takes `checksum`. */
  readonly tcp: boolean;
  /** Super-packets of UDP datagrams of equal size. The kernel has them from 6.2 on. Takes `tcp`. */
  readonly udp: boolean;
}

export const NO_OFFLOADS: Offloads = { checksum: false, tcp: false, udp: false };
export const ALL_OFFLOADS: Offloads = { checksum: true, tcp: true, udp: true };

/** From the most to the least. */
const LEVELS: readonly Offloads[] = [
  ALL_OFFLOADS,
  { checksum: true, tcp: true, udp: false },
  { checksum: true, tcp: false, udp: false },
  NO_OFFLOADS,
];

// linux/if_tun.h
const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const TUN_F_TSO_ECN = 0x08;
const TUN_F_USO4 = 0x20;
const TUN_F_USO6 = 0x40;

/**
 * The most of `wanted` that the kernel agrees to. `offer` passes the argument of TUNSETOFFLOAD on and says whether the kernel took it: it
 * refuses what it does not know as a whole.
 */
export function agreeOffloads(wanted: Offloads, offer: (flags: number) => boolean): Offloads {
  const levels = LEVELS.filter(
    ({ checksum, tcp, udp }) => wanted.checksum >= checksum && wanted.tcp >= tcp && wanted.udp >= udp,
  );
  return levels.find(level => offer(tunFlags(level))) ?? NO_OFFLOADS;
}

function tunFlags({ checksum, tcp, udp }: Offloads): number {
  return (
    (checksum ? TUN_F_CSUM : 0) |
    (tcp ? TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN : 0) |
    (udp ? TUN_F_USO4 | TUN_F_USO6 : 0)
  );
}
