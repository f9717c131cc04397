// The system calls that Node has no API for. The only file that knows koffi; everything else sees functions on numbers and bytes.
// Numeric constants are those of Linux's generic ABI (x86-64, arm64, riscv64), which koffi's prebuilt binaries and this project cover.
//
// Two styles of failure: calls that set something up throw a SystemCallError, calls of the data path return the negative errno.

import koffi from 'koffi';
import { constants } from 'node:os';

/** Linux errno values that callers tell apart. EBADFD is missing from node:os. */
export const Errno = {
  EPERM: constants.errno.EPERM,
  ENOENT: constants.errno.ENOENT,
  EINTR: constants.errno.EINTR,
  EIO: constants.errno.EIO,
  ENXIO: constants.errno.ENXIO,
  EBADF: constants.errno.EBADF,
  EAGAIN: constants.errno.EAGAIN,
  EACCES: constants.errno.EACCES,
  EBUSY: constants.errno.EBUSY,
  ENODEV: constants.errno.ENODEV,
  EINVAL: constants.errno.EINVAL,
  EBADFD: 77,
} as const;

const ERRNO_NAMES = new Map<number, string>(
  [...Object.entries(constants.errno), ...Object.entries(Errno)].map(([name, value]) => [value, name]),
);

/** A system call failed. `code` is the errno's name, as in Node's own errors ('EADDRINUSE'). */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  /** @param errno positive, as errno(3) has it */
  constructor(syscall: string, errno: number) {
    const code = errnoName(errno);
    super(`${syscall} ${code}: ${strerror(errno)}`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** 'EADDRINUSE' for 98; 'errno 1234' for a number without a name. */
function errnoName(errno: number): string {
  return ERRNO_NAMES.get(errno) ?? `errno ${errno}`;
}

// Node itself is linked to libc, so its own symbols serve: no library name that differs between glibc and musl.
const libc = koffi.load(null);

// Pointers that are used per packet are plain numbers (uintptr_t): koffi then converts integers only and allocates nothing.
// Measured on Node 20: 0.43 us for a one-byte read(), 0.26 us for getpid(), so about 0.2 us of it is koffi.
const libcRead: (fd: number, address: number, length: number) => number = libc.func(
  'intptr_t read(int fd, uintptr_t address, size_t length)',
);
const libcWrite: (fd: number, address: number, length: number) => number = libc.func(
  'intptr_t write(int fd, uintptr_t address, size_t length)',
);
const libcWritev: (fd: number, vectors: number, count: number) => number = libc.func(
  'intptr_t writev(int fd, uintptr_t vectors, int count)',
);
const libcOpen: (path: string, flags: number) => number = libc.func('int open(const char *path, int flags)');
const libcClose: (fd: number) => number = libc.func('int close(int fd)');
const libcIoctl: (fd: number, request: number, argument: Uint8Array) => number = libc.func(
  'int ioctl(int fd, unsigned long request, void *argument)',
);
// The C function is variadic; this is the form of those requests whose argument is a number, not an address.
const libcIoctlNumber: (fd: number, request: number, argument: number) => number = libc.func(
  'int ioctl(int fd, unsigned long request, unsigned long argument)',
);
const libcDup3: (from: number, to: number, flags: number) => number = libc.func(
  'int dup3(int from, int to, int flags)',
);
const libcSocketpair: (domain: number, type: number, protocol: number, pair: Int32Array) => number = libc.func(
  'int socketpair(int domain, int type, int protocol, void *pair)',
);
const libcSocket: (domain: number, type: number, protocol: number) => number = libc.func(
  'int socket(int domain, int type, int protocol)',
);
const libcSetsockopt: (fd: number, level: number, option: number, value: Int32Array, length: number) => number =
  libc.func('int setsockopt(int fd, int level, int option, const void *value, uint32_t length)');
const libcSetsockoptText: (fd: number, level: number, option: number, value: string, length: number) => number =
  libc.func('int setsockopt(int fd, int level, int option, const char *value, uint32_t length)');
const libcGetsockopt: (fd: number, level: number, option: number, value: Int32Array, length: Uint32Array) => number =
  libc.func('int getsockopt(int fd, int level, int option, void *value, void *length)');
const libcGetsockoptAt: (fd: number, level: number, option: number, value: number, length: number) => number =
  libc.func('int getsockopt(int fd, int level, int option, uintptr_t value, uintptr_t length)');
const libcBind: (fd: number, address: Uint8Array, length: number) => number = libc.func(
  'int bind(int fd, const void *address, uint32_t length)',
);
const libcConnect: (fd: number, address: Uint8Array, length: number) => number = libc.func(
  'int connect(int fd, const void *address, uint32_t length)',
);
const libcListen: (fd: number, backlog: number) => number = libc.func('int listen(int fd, int backlog)');
const libcFlock: (fd: number, operation: number) => number = libc.func('int flock(int fd, int operation)');
const libcInetPton: (family: number, text: string, bytes: Uint8Array) => number = libc.func(
  'int inet_pton(int family, const char *text, void *bytes)',
);
const libcIfNametoindex: (name: string) => number = libc.func('unsigned int if_nametoindex(const char *name)');
const libcStrerror: (errno: number) => string = libc.func('const char *strerror(int errno)');

function strerror(errno: number): string {
  return libcStrerror(errno);
}

/** `result` unless the call failed. */
function checked(syscall: string, result: number): number {
  if (result < 0) throw new SystemCallError(syscall, koffi.errno());
  return result;
}

/**
 * The address of a byte array's first byte, for {@link read} and {@link write}. It holds for as long as the array's buffer is referenced
 * and neither detached nor grown; computing it costs more than a system call, so do it once.
 */
export function addressOf(bytes: Uint8Array): number {
  return Number(koffi.address(bytes));
}

const LOCK_EX_NB = 2 | 4;

/** Locks the file against every other opening of it, until its descriptor is closed. False when another one has it. @throws SystemCallError */
export function tryLock(fd: number): boolean {
  if (libcFlock(fd, LOCK_EX_NB) === 0) return true;
  const errno = koffi.errno();
  if (errno === Errno.EAGAIN) return false;
  throw new SystemCallError('flock', errno);
}

/** read(2) to an address. Bytes read, or the negative errno. */
export function read(fd: number, address: number, length: number): number {
  const result = libcRead(fd, address, length);
  return result < 0 ? -koffi.errno() : result;
}

/** write(2) from an address. Bytes written, or the negative errno. */
export function write(fd: number, address: number, length: number): number {
  const result = libcWrite(fd, address, length);
  return result < 0 ? -koffi.errno() : result;
}

/** writev(2) of `count` structures iovec at an address. Bytes written, or the negative errno. */
export function writev(fd: number, vectors: number, count: number): number {
  const result = libcWritev(fd, vectors, count);
  return result < 0 ? -koffi.errno() : result;
}

const O_RDWR = 0o2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;

/** Opens a character device for reading and writing, non-blocking, closed on exec. */
export function openDevice(path: string): number {
  return checked('open', libcOpen(path, O_RDWR | O_NONBLOCK | O_CLOEXEC));
}

/** Closes a descriptor. Errors are of no use to anyone: Linux frees the number even when it reports one. */
export function close(fd: number): void {
  libcClose(fd);
}

/** ioctl(2) whose argument is a structure; it may be written to. */
export function ioctl(fd: number, request: number, argument: Uint8Array): void {
  checked('ioctl', libcIoctl(fd, request, argument));
}

/** ioctl(2) whose argument is a number. */
export function ioctlNumber(fd: number, request: number, argument: number): void {
  checked('ioctl', libcIoctlNumber(fd, request, argument));
}

/** Makes descriptor `to` a copy of `from`, closing what `to` was, atomically. Closed on exec. */
export function duplicateOver(from: number, to: number): void {
  checked('dup3', libcDup3(from, to, O_CLOEXEC));
}

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const IPPROTO_TCP = 6;
const TCP_CONGESTION = 13;

/** A connected pair of UNIX stream sockets, non-blocking, closed on exec. */
export function socketPair(): [number, number] {
  const pair = new Int32Array(2);
  checked('socketpair', libcSocketpair(AF_UNIX, SOCK_STREAM | O_NONBLOCK | O_CLOEXEC, 0, pair));
  return [pair[0]!, pair[1]!];
}

export const SocketOption = {
  ReuseAddress: { level: 1, option: 2 },
  ReusePort: { level: 1, option: 15 },
  Ipv6Only: { level: 41, option: 26 },
  /** Unsent bytes in the send buffer above which it counts as full: TCP_NOTSENT_LOWAT. */
  UnsentLimit: { level: 6, option: 25 },
} as const;
export interface SocketOption {
  readonly level: number;
  readonly option: number;
}

/** A TCP socket, non-blocking, closed on exec. */
export function tcpSocket(family: 4 | 6): number {
  return checked('socket', libcSocket(family === 4 ? AF_INET : AF_INET6, SOCK_STREAM | O_NONBLOCK | O_CLOEXEC, 0));
}

/** A UNIX datagram socket, non-blocking, closed on exec. */
export function unixDatagramSocket(): number {
  return checked('socket', libcSocket(AF_UNIX, SOCK_DGRAM | O_NONBLOCK | O_CLOEXEC, 0));
}

export function setSocketOption(fd: number, { level, option }: SocketOption, value: number): void {
  checked('setsockopt', libcSetsockopt(fd, level, option, Int32Array.of(value), 4));
}

export function socketOption(fd: number, { level, option }: SocketOption): number {
  const value = new Int32Array(1);
  checked('getsockopt', libcGetsockopt(fd, level, option, value, Uint32Array.of(4)));
  return value[0]!;
}

/** getsockopt(2) of an option longer than a number: `value` and the uint32 `length` are addresses. 0, or the negative errno. */
export function readSocketOption(fd: number, level: number, option: number, value: number, length: number): number {
  return libcGetsockoptAt(fd, level, option, value, length) < 0 ? -koffi.errno() : 0;
}

/**
 * Chooses the congestion control of a TCP socket, or of those that a listening socket will accept. False: the kernel does not have it, or
 * not for this user, and the socket keeps the system's.
 */
export function setCongestionControl(fd: number, name: string): boolean {
  return libcSetsockoptText(fd, IPPROTO_TCP, TCP_CONGESTION, name, name.length) === 0;
}

export function bind(fd: number, address: Uint8Array): void {
  checked('bind', libcBind(fd, address, address.length));
}

export function connect(fd: number, address: Uint8Array): void {
  checked('connect', libcConnect(fd, address, address.length));
}

export function listen(fd: number, backlog: number): void {
  checked('listen', libcListen(fd, backlog));
}

/**
 * The structure that bind(2) takes (sockaddr_in, sockaddr_in6). Undefined when `host` is no IP address. An IPv6 address may name its
 * scope by interface ('fe80::1%eth0'); the scope of an interface that does not exist is 0, which bind refuses.
 */
export function socketAddress(host: string, port: number): { family: 4 | 6; bytes: Uint8Array } | undefined {
  const v4 = new Uint8Array(16);
  if (libcInetPton(AF_INET, host, v4.subarray(4, 8)) === 1) {
    const view = new DataView(v4.buffer);
    view.setUint16(0, AF_INET, LITTLE_ENDIAN);
    view.setUint16(2, port);
    return { family: 4, bytes: v4 };
  }
  const [address = '', scope] = host.split('%', 2);
  const v6 = new Uint8Array(28);
  if (libcInetPton(AF_INET6, address, v6.subarray(8, 24)) === 1) {
    const view = new DataView(v6.buffer);
    view.setUint16(0, AF_INET6, LITTLE_ENDIAN);
    view.setUint16(2, port);
    if (scope !== undefined) view.setUint32(24, libcIfNametoindex(scope), LITTLE_ENDIAN);
    return { family: 6, bytes: v6 };
  }
  return undefined;
}

/** unix(7): sockaddr_un has room for so many bytes of a path and the zero behind it. */
const UNIX_PATH_LENGTH = 108;

/** The structure sockaddr_un for a path, or for '@' and an abstract name. Undefined when it is too long. */
export function unixAddress(name: string): Uint8Array | undefined {
  const isAbstract = name.startsWith('@');
  const path = Buffer.from(isAbstract ? `\0${name.slice(1)}` : `${name}\0`);
  if (path.length > UNIX_PATH_LENGTH) return undefined;
  const bytes = new Uint8Array(2 + path.length);
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, LITTLE_ENDIAN);
  bytes.set(path, 2);
  return bytes;
}

export const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
