// Packets into a network interface past everything that the kernel's own stack would see to: packet(7) with PACKET_VNET_HDR.
import koffi from 'koffi';
import { addressOf, bind, close, write } from '../../src/ffi/libc.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';

const libc = koffi.load(null);
const libcSocket: (domain: number, type: number, protocol: number) => number = libc.func(
  'int socket(int domain, int type, int protocol)',
);
const libcSetsockopt: (fd: number, level: number, option: number, value: Int32Array, length: number) => number =
  libc.func('int setsockopt(int fd, int level, int option, const void *value, uint32_t length)');
const libcIfNametoindex: (name: string) => number = libc.func('unsigned int if_nametoindex(const char *name)');

// linux/if_packet.h
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOL_PACKET = 263;
const PACKET_VNET_HDR = 15;
const SOCKADDR_LL_LENGTH = 20;
const SOCKADDR_LL_IFINDEX = 4;

const LONGEST = 65_535;

export class PacketSocket {
  readonly #fd: number;
  readonly #memory = new Uint8Array(VIRTIO_HEADER_LENGTH + LONGEST);
  readonly #base = addressOf(this.#memory);

  /** @param device in the namespace of this process */
  constructor(device: string) {
    // Protocol 0: it receives nothing.
    this.#fd = libcSocket(AF_PACKET, SOCK_RAW, 0);
    if (libcSetsockopt(this.#fd, SOL_PACKET, PACKET_VNET_HDR, Int32Array.of(1), 4) < 0) throw new Error('no vnet_hdr');
    const address = Buffer.alloc(SOCKADDR_LL_LENGTH);
    address.writeUInt16LE(AF_PACKET);
    address.writeInt32LE(libcIfNametoindex(device), SOCKADDR_LL_IFINDEX);
    bind(this.#fd, address);
  }

  /** Gives the packet to the device as if the kernel sent it. False: the kernel could not make sense of the header. */
  send(virtioHeader: Uint8Array, packet: Uint8Array): boolean {
    this.#memory.set(virtioHeader);
    this.#memory.set(packet, VIRTIO_HEADER_LENGTH);
    return write(this.#fd, this.#base, VIRTIO_HEADER_LENGTH + packet.length) > 0;
  }

  close(): void {
    close(this.#fd);
  }
}
