// Datagrams to a UNIX socket, for which Node has no API.

import { addressOf, close, connect, Errno, SystemCallError, unixAddress, unixDatagramSocket, write } from './libc.ts';

/**
 * Sends one datagram to a socket's path, or to '@' and its abstract name. False: its queue is full, try again.
 * @throws SystemCallError whose `code` says why: ENOENT or ECONNREFUSED (nobody is there), EACCES, EMSGSIZE; EINVAL for a name that is too long
 */
export function sendDatagram(to: string, text: string): boolean {
  const address = unixAddress(to);
  if (address === undefined) throw new SystemCallError(`connect to "${to}"`, Errno.EINVAL);
  const bytes = Buffer.from(text);
  const fd = unixDatagramSocket();
  try {
    connect(fd, address);
    const result = write(fd, addressOf(bytes), bytes.length);
    if (result < 0 && result !== -Errno.EAGAIN) throw new SystemCallError('write', -result);
    return result >= 0;
  } finally {
    close(fd);
  }
}
