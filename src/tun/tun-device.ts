// The TUN device. The main thread opens it and keeps the descriptor, so that the interface, its address and its routes outlive a crashed
// worker; the worker reads and writes through a copy of its own.
//
// A packet's way in:
//   1. libuv polls the copy and reads the first packet of a wake-up, behind its virtio header, into slot 0 of the landing area.
//   2. The receiver takes it up where it lies. Further packets are read directly, without the event loop, into the same slot, which
//      stays in the processor's cache, until the device is empty or a budget is spent.
//   3. The receiver hears `drained`. A spent budget ends the turn, not the reading: libuv polls level-triggered, so the rest follows in
//      the next turn of the event loop.
//
// Readiness without an API for it: libuv refuses to poll a descriptor that it does not know as a stream, so it is given one end of a
// socket pair, and then the TUN descriptor is duplicated over that number before polling begins. libuv owns the number from then on; it
// is the only copy that the worker has, so closing the stream, or the death of the worker's environment, leaves nothing behind.

import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import {
  addressOf,
  close,
  duplicateOver,
  Errno,
  ioctl,
  ioctlNumber,
  openDevice,
  read,
  socketPair,
  SystemCallError,
  write,
  writev,
} from '../ffi/libc.ts';
import { VIRTIO_HEADER_LENGTH } from '../wire/virtio.ts';
import { isInterfaceName } from './interface-name.ts';
import { vectorsLieInside } from './io-vectors.ts';
import { agreeOffloads, NO_OFFLOADS, type Offloads } from './offloads.ts';
import type { DeviceDrops, LandingArea, PacketDevice, PacketReceiver } from './packet-device.ts';

const DEVICE_NODE = '/dev/net/tun';

// linux/if_tun.h, linux/if.h
const TUNSETIFF = 0x400454ca;
const TUNGETIFF = 0x800454d2;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETVNETHDRSZ = 0x400454d8;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
const IFNAMSIZ = 16;
const IFREQ_LENGTH = 40;

/**
 * Bytes of packets after which a wake-up ends, though more may wait. Segmenting and encrypting half a megabyte takes about a millisecond,
 * which is as long as timers and the packets of clients should have to wait for their turn.
 */
const READ_BUDGET = 512 * 1024;
/**
 * Packets after which it ends: about as many as an interface's queue holds (500). When small packets for a thousand tunnels come faster than
 * they can be sent, each tunnel's writes are the fewer the more packets a wake-up finds: 64 at a time cost 33 us each, 256 30, 1024 25 (medians, noisy).
 */
const READ_PACKETS = 512;

/** An open TUN device: plain data, good in every thread of the process because descriptors are the process's. */
export interface TunHandle {
  readonly fd: number;
  readonly name: string;
  /** What the kernel agreed to. */
  readonly offloads: Offloads;
}

export type TunErrorCode = 'no-device-node' | 'not-permitted' | 'name-in-use' | 'bad-name' | 'failed';

/** A TUN device cannot be had. The message is for the operator: it names the device, the cause and what helps. */
export class TunError extends Error {
  override readonly name = 'TunError';
  readonly code: TunErrorCode;

  constructor(code: TunErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Creates TUN interface `name`, or attaches to a persistent one of that name that nobody uses. The interface is deleted when the last
 * descriptor is closed, unless it is persistent.
 * @param wanted the most that the device's reader and writer can handle; without it packets are plain
 * @throws TunError
 */
export function openTun(name: string, wanted: Offloads = NO_OFFLOADS): TunHandle {
  if (!isInterfaceName(name)) {
    throw new TunError(
      'bad-name',
      `"${name}" is no name for a network interface: 1 to 15 characters, no "/", ":" or space`,
    );
  }
  let fd = -1;
  try {
    fd = openDevice(DEVICE_NODE);
    ioctl(fd, TUNSETIFF, interfaceRequest(name, IFF_TUN | IFF_NO_PI | IFF_VNET_HDR));
    // A persistent device remembers what an earlier owner chose.
    ioctl(fd, TUNSETVNETHDRSZ, new Uint8Array(Int32Array.of(VIRTIO_HEADER_LENGTH).buffer));
    return { fd, name, offloads: requestOffloads(fd, wanted) };
  } catch (error) {
    if (fd >= 0) close(fd);
    throw error instanceof SystemCallError ? explain(name, error) : error;
  }
}

function requestOffloads(fd: number, wanted: Offloads): Offloads {
  return agreeOffloads(wanted, flags => {
    try {
      ioctlNumber(fd, TUNSETOFFLOAD, flags);
      return true;
    } catch (error) {
      if (error instanceof SystemCallError && error.errno === Errno.EINVAL) return false;
      throw error;
    }
  });
}

/** Closes what {@link openTun} opened. Workers' copies must be closed first, or the interface stays. */
export function closeTun(handle: TunHandle): void {
  close(handle.fd);
}

/** Whether the interface is still there: whoever administers the machine can delete it under its owner. */
export function isAttached(handle: TunHandle): boolean {
  try {
    ioctl(handle.fd, TUNGETIFF, new Uint8Array(IFREQ_LENGTH));
    return true;
  } catch {
    return false;
  }
}

/** struct ifreq with ifr_name and ifr_flags. */
function interfaceRequest(name: string, flags: number): Uint8Array {
  const request = Buffer.alloc(IFREQ_LENGTH);
  request.write(name, 'latin1');
  new Uint16Array(request.buffer, request.byteOffset + IFNAMSIZ, 1)[0] = flags;
  return request;
}

function explain(name: string, cause: SystemCallError): TunError {
  switch (cause.errno) {
    case Errno.ENOENT:
    case Errno.ENODEV:
    case Errno.ENXIO:
      return new TunError(
        'no-device-node',
        `${DEVICE_NODE} is not there: load the kernel's tun module, or give the container the device`,
        { cause },
      );
    case Errno.EPERM:
    case Errno.EACCES: {
      const message =
        cause.syscall === 'open'
          ? `${DEVICE_NODE} may not be opened (${cause.code}): check its permissions and the container's device rules`
          : `TUN device ${name} may not be made (${cause.code}): it takes CAP_NET_ADMIN, or a persistent device that belongs to this user`;
      return new TunError('not-permitted', message, { cause });
    }
    case Errno.EBUSY:
      return new TunError('name-in-use', `TUN device ${name} is in use by another process`, { cause });
    case Errno.EINVAL:
      return new TunError(
        'name-in-use',
        `${name} is the name of a network interface that is no single-queue TUN device`,
        { cause },
      );
    default:
      return new TunError('failed', `TUN device ${name} could not be opened: ${cause.message}`, { cause });
  }
}

/** Reads and writes an open TUN device, in the thread that constructs it. */
export class TunDevice implements PacketDevice {
  readonly name: string;
  readonly drops: DeviceDrops = { oversized: 0, unanswered: 0, backlog: 0 };
  readonly offloads: Offloads;
  readonly memoryBase: number;
  readonly #handle: TunHandle;
  readonly #landing: LandingArea;
  readonly #view: DataView;
  /** Bytes of a packet that one read may fill. */
  readonly #room: number;
  #receiver: PacketReceiver | undefined;
  #socket: Socket | undefined;
  /** The worker's copy of the descriptor; -1 before start and after close. */
  #fd = -1;

  constructor(handle: TunHandle, landing: LandingArea) {
    const { memory } = landing;
    this.name = handle.name;
    this.offloads = handle.offloads;
    this.memoryBase = addressOf(memory);
    this.#handle = handle;
    this.#landing = landing;
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
    this.#room = landing.stride - landing.headroom;
  }

  /** @throws SystemCallError when descriptors have run out */
  start(receiver: PacketReceiver): void {
    if (this.#receiver !== undefined) throw new Error(`${this.name} was started before`);
    const [fd, peer] = socketPair();
    try {
      // Constructing the socket only queues the descriptor for polling; the event loop looks at it after this function has returned.
      this.#socket = new Socket(this.#streamOptions(fd));
      duplicateOver(this.#handle.fd, fd);
    } catch (error) {
      if (this.#socket === undefined) close(fd);
      this.#socket?.destroy();
      throw error;
    } finally {
      close(peer);
    }
    this.#fd = fd;
    this.#receiver = receiver;
    // The stream closes its descriptor just before these events, in the same callback: no write can meet a number that was given away.
    this.#socket.on('error', error => this.#lost(named(error)));
    this.#socket.on('close', () => this.#lost(new Error('end of stream')));
  }

  write(at: number, length: number): boolean {
    // The kernel is handed a bare address: what lies outside of the memory must never reach an interface.
    const start = at - VIRTIO_HEADER_LENGTH;
    if (this.#fd < 0 || start < 0 || at + length > this.#landing.memory.length) return false;
    return write(this.#fd, this.memoryBase + start, VIRTIO_HEADER_LENGTH + length) > 0;
  }

  writeVectors(vectorsAt: number, count: number): boolean {
    if (this.#fd < 0 || !vectorsLieInside(this.#view, this.memoryBase, vectorsAt, count)) return false;
    return writev(this.#fd, this.memoryBase + vectorsAt, count) > 0;
  }

  close(): void {
    this.#fd = -1;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /** Stages 2 and 3, after libuv has put a packet with its header, `length` bytes together, into slot 0. True: libuv goes on reading. */
  #readable(length: number): boolean {
    const packet = this.#landing.at + this.#landing.headroom;
    const slot = this.memoryBase + packet - VIRTIO_HEADER_LENGTH;
    this.#receive(packet, length - VIRTIO_HEADER_LENGTH);
    let bytes = length;
    let failure = 0;
    for (let reads = 1; reads < READ_PACKETS && bytes < READ_BUDGET && this.#fd >= 0; reads++) {
      const result = read(this.#fd, slot, VIRTIO_HEADER_LENGTH + this.#room);
      if (result <= 0) {
        failure = -result;
        break;
      }
      bytes += result;
      this.#receive(packet, result - VIRTIO_HEADER_LENGTH);
    }
    if (this.#fd < 0) return false;
    this.#receiver?.drained();
    if (failure !== 0 && failure !== Errno.EAGAIN && failure !== Errno.EINTR) {
      this.#lost(new SystemCallError('read', failure));
    }
    return this.#fd >= 0;
  }

  #receive(at: number, length: number): void {
    if (length < this.#room) this.#receiver?.receive(at, length);
    // It was cut off by the end of the landing area.
    else this.drops.oversized += 1;
  }

  #lost(cause: Error): void {
    if (this.#fd < 0) return;
    this.close();
    this.#receiver?.onError(new TunError('failed', `TUN device ${this.name} is lost: ${cause.message}`, { cause }));
  }

  #streamOptions(fd: number): SocketConstructorOpts & { onread: OnReadOpts } {
    const { memory, at, headroom } = this.#landing;
    const packet = at + headroom;
    const slot0 = memory.subarray(packet - VIRTIO_HEADER_LENGTH, packet + this.#room);
    return {
      fd,
      readable: true,
      writable: false,
      onread: { buffer: slot0, callback: length => this.#readable(length) },
    };
  }
}

/** libuv has no name for EBADFD, which is what reading a deleted interface fails with. */
function named(error: NodeJS.ErrnoException): Error {
  return error.errno === -Errno.EBADFD ? new SystemCallError('read', Errno.EBADFD) : error;
}
