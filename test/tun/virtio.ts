import { VIRTIO_HEADER_LENGTH, VirtioField } from '../../src/wire/virtio.ts';

/** A virtio header as its reader sees it. */
export interface VirtioHeader {
  readonly flags: number;
  readonly gsoType: number;
  readonly headerLength: number;
  readonly gsoSize: number;
  readonly checksumStart: number;
  readonly checksumOffset: number;
}

/** The header in front of the packet at `at`. */
export function virtioHeader(view: DataView, at: number): VirtioHeader {
  const header = at - VIRTIO_HEADER_LENGTH;
  return {
    flags: view.getUint8(header + VirtioField.Flags),
    gsoType: view.getUint8(header + VirtioField.GsoType),
    headerLength: view.getUint16(header + VirtioField.HeaderLength, true),
    gsoSize: view.getUint16(header + VirtioField.GsoSize, true),
    checksumStart: view.getUint16(header + VirtioField.ChecksumStart, true),
    checksumOffset: view.getUint16(header + VirtioField.ChecksumOffset, true),
  };
}

export function encodeVirtioHeader(header: VirtioHeader): Uint8Array {
  const bytes = new Uint8Array(VIRTIO_HEADER_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setUint8(VirtioField.Flags, header.flags);
  view.setUint8(VirtioField.GsoType, header.gsoType);
  view.setUint16(VirtioField.HeaderLength, header.headerLength, true);
  view.setUint16(VirtioField.GsoSize, header.gsoSize, true);
  view.setUint16(VirtioField.ChecksumStart, header.checksumStart, true);
  view.setUint16(VirtioField.ChecksumOffset, header.checksumOffset, true);
  return bytes;
}
