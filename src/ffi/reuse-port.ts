// A listening TCP socket with SO_REUSEPORT, so that every worker has a listener of its own on one address and the kernel spreads the
// connections. Node has this as `reusePort: true` from 22.12 on; here the socket is made by hand and given to `server.listen({ fd })`.

import {
  bind,
  close,
  listen,
  setCongestionControl,
  setSocketOption,
  socketAddress,
  SocketOption,
  SystemCallError,
  tcpSocket,
  Errno,
} from './libc.ts';

export interface ListenAddress {
  /** IPv4 or IPv6 address, no name. '::' listens on IPv6 alone, so that '0.0.0.0' can stand beside it. */
  readonly host: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** Connections that wait for accept; give the same to `server.listen`, which sets it again. */
  readonly backlog: number;
  /** Bytes; accepted sockets inherit it: see {@link SocketOption.UnsentLimit}. */
  readonly unsentLimit?: number | undefined;
  /** Accepted sockets inherit it; the system's where the kernel does not have it. */
  readonly congestionControl?: string | undefined;
}

/**
 * Binds and listens. Returns the descriptor, which the caller owns until `server.listen({ fd })` has taken it.
 * @throws SystemCallError whose `code` says why: EADDRINUSE (somebody without SO_REUSEPORT, or another user, has the port), EACCES,
 * EADDRNOTAVAIL, EAFNOSUPPORT, EMFILE; EINVAL when `host` is no IP address
 */
export function listenReusePort(options: ListenAddress): number {
  const { host, port, backlog, unsentLimit, congestionControl } = options;
  const address = socketAddress(host, port);
  if (address === undefined) throw new SystemCallError(`bind to "${host}"`, Errno.EINVAL);
  const fd = tcpSocket(address.family);
  try {
    setSocketOption(fd, SocketOption.ReuseAddress, 1);
    setSocketOption(fd, SocketOption.ReusePort, 1);
    if (address.family === 6) setSocketOption(fd, SocketOption.Ipv6Only, 1);
    if (unsentLimit !== undefined) setSocketOption(fd, SocketOption.UnsentLimit, unsentLimit);
    if (congestionControl !== undefined) setCongestionControl(fd, congestionControl);
    bind(fd, address.bytes);
    listen(fd, backlog);
  } catch (error) {
    close(fd);
    throw error;
  }
  return fd;
}
