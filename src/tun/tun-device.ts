// The TUN device. The main thread opens it and keeps the descriptor, so that the interface, its address and its routes outlive a crashed
// worker; the worker reads and writes through a copy of its own.
//
// A packet's way in:
//   1. libuv polls the copy and reads the first packet of a wake-up into slot 0 of the landing area.
//   2. Further packets are read directly, without the event loop, into slots 1..n until the device is empty or the slots are full.
//   3. The receiver hears of each packet as it lands, and then `drained`. Full slots end the turn, not the reading: libuv polls
//      level-triggered, so the rest follows in the next turn of the event loop.
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
  openDevice,
  read,
  socketPair,
  SystemCallError,
  write,
} from '../ffi/libc.ts';
import { isInterfaceName } from './interface-name.ts';
import type { DeviceDrops, LandingArea, PacketDevice, PacketReceiver } from './packet-device.ts';

const DEVICE_NODE = '/dev/net/tun';

// linux/if_tun.h, linux/if.h
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFNAMSIZ = 16;
const IFREQ_LENGTH = 40;

/** An open TUN device: plain data, good in every thread of the process because descriptors are the process's. */
export interface TunHandle {
  readonly fd: number;
  readonly name: string;
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
 * @throws TunError
 */
export function openTun(name: string): TunHandle {
  if (!isInterfaceName(name)) {
    throw new TunError(
      'bad-name',
      `"${name}" is no name for a network interface: 1 to 15 characters, no "/", ":" or space`,
    );
  }
  let fd = -1;
  try {
    fd = openDevice(DEVICE_NODE);
    ioctl(fd, TUNSETIFF, interfaceRequest(name, IFF_TUN | IFF_NO_PI));
    return { fd, name };
  } catch (error) {
    if (fd >= 0) close(fd);
    throw error instanceof SystemCallError ? explain(name, error) : error;
  }
}

/** Closes what {@link openTun} opened. Workers' copies must be closed first, or the interface stays. */
export function closeTun(handle: TunHandle): void {
  close(handle.fd);
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
  readonly #handle: TunHandle;
  readonly #landing: LandingArea;
  /** Address of the landing area's memory. */
  readonly #base: number;
  /** Bytes that one read may fill. */
  readonly #room: number;
  #receiver: PacketReceiver | undefined;
  #socket: Socket | undefined;
  /** The worker's copy of the descriptor; -1 before start and after close. */
  #fd = -1;

  constructor(handle: TunHandle, landing: LandingArea) {
    this.name = handle.name;
    this.#handle = handle;
    this.#landing = landing;
    this.#base = addressOf(landing.memory);
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
    if (this.#fd < 0 || at < 0 || at + length > this.#landing.memory.length) return false;
    return write(this.#fd, this.#base + at, length) === length;
  }

  close(): void {
    this.#fd = -1;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /** Stages 2 and 3, after libuv has put a packet of `length` bytes into slot 0. True: libuv goes on reading. */
  #readable(length: number): boolean {
    const { at, slots, stride, headroom } = this.#landing;
    const first = at + headroom;
    let used = this.#receive(first, length);
    let failure = 0;
    // An oversized packet leaves its slot free, so the number of reads is bounded separately from the number of slots.
    for (let reads = 1; reads < slots && this.#fd >= 0; reads++) {
      const packet = first + used * stride;
      const result = read(this.#fd, this.#base + packet, this.#room);
      if (result <= 0) {
        failure = -result;
        break;
      }
      used += this.#receive(packet, result);
    }
    if (this.#fd < 0) return false;
    this.#receiver?.drained();
    if (failure !== 0 && failure !== Errno.EAGAIN && failure !== Errno.EINTR) {
      this.#lost(new SystemCallError('read', failure));
    }
    return this.#fd >= 0;
  }

  /** Slots that the packet takes: 1, or 0 when it was cut off by the end of its slot. */
  #receive(at: number, length: number): number {
    if (length >= this.#room) {
      this.drops.oversized += 1;
      return 0;
    }
    this.#receiver?.receive(at, length);
    return 1;
  }

  #lost(cause: Error): void {
    if (this.#fd < 0) return;
    this.close();
    this.#receiver?.onError(new TunError('failed', `TUN device ${this.name} is lost: ${cause.message}`, { cause }));
  }

  #streamOptions(fd: number): SocketConstructorOpts & { onread: OnReadOpts } {
    const { memory, at, headroom } = this.#landing;
    const slot0 = memory.subarray(at + headroom, at + headroom + this.#room);
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
