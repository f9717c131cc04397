/**
 * The header that a TUN device with IFF_VNET_HDR puts in front of each packet, in both directions: `struct virtio_net_hdr` of
 * linux/virtio_net.h (Virtio 1.2, 5.1.6), without the field for merged buffers. Its numbers are little-endian.
 *
 * Wherever a packet lies in memory, its header lies in the {@link VIRTIO_HEADER_LENGTH} bytes in front of it. All zero: a plain packet.
 */

export const VIRTIO_HEADER_LENGTH = 10;

/** Offsets of the fields from the start of the header. */
export const VirtioField = {
  /** u8, {@link VirtioFlag}. */
  Flags: 0,
  /** u8, {@link GsoType}. */
  GsoType: 1,
  /** u16: bytes of the headers that each segment begins with. A hint: the kernel's may be wrong. */
  HeaderLength: 2,
  /** u16: payload bytes of each segment but the last. */
  GsoSize: 4,
  /** u16: where the checksum begins to sum, from the start of the packet. */
  ChecksumStart: 6,
  /** u16: where the checksum goes, from {@link VirtioField.ChecksumStart}. */
  ChecksumOffset: 8,
} as const;

export const VirtioFlag = {
  /** The checksum field holds the sum over the pseudo header alone: the receiver completes it. */
  NeedsChecksum: 0x01,
  /** The checksum was verified. */
  DataValid: 0x02,
} as const;

/** What a super-packet is cut into. */
export const GsoType = {
  /** It is no super-packet. */
  None: 0x00,
  Tcp4: 0x01,
  Tcp6: 0x04,
  /** Datagrams of equal size (UDP_SEGMENT), not fragments. */
  UdpL4: 0x05,
  /** A bit beside TCP's: only the first segment keeps CWR (RFC 3168, 6.1.2). */
  Ecn: 0x80,
} as const;
