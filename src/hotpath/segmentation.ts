/**
 * From the network to a tunnel: what one read of the device yields becomes SSTP packets.
 *
 * The device puts a virtio header (`wire/virtio.ts`) into the ten bytes in front of each packet. It says whether the
 * packet's checksum is to be completed, or that it is a super-packet of up to 64 KiB: TCP data, or UDP datagrams of equal
 * size, under one header.
 */
export interface Segmentation {
  /**
   * Takes up the IP packet at [at, at + length), with its virtio header in front of it, and lets go of the one before.
   * Returns how many packets it makes, or a {@link PathError}; then {@link segmentInto} writes nothing.
   *
   * Headers are held against each other and against `length`, the kernel's hdr_len is not used. Of a plain packet only
   * what framing and its checksum need is looked at. IPv6 extension headers in a super-packet are taken along when
   * csum_start says where they end.
   *
   * The MSS that a TCP SYN announces is lowered to `mss` (0 = off), over IPv6, whose header is longer, to 20 less.
   */
  segmentBegin(at: number, length: number, mss: number): number;
  /** Bytes that all packets of the last {@link segmentBegin} take, SSTP and PPP headers included; 0 after a refusal. */
  segmentBytes(): number;
  /**
   * Writes the next packets at `to`, framed and with all checksums complete: as many whole ones as fit in `room` bytes,
   * and not a byte behind them. Returns the bytes written; 0 when none is left or the next one does not fit. The packet
   * taken up is not changed and must not overlap with [to, to + room).
   */
  segmentInto(to: number, room: number): number;
}
