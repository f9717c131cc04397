import type { Socket } from 'node:net';

/**
 * Ends a TCP connection with a RST, at once.
 * @param stream the TLS socket on it, or the socket itself.
 */
export function resetSocket(tcp: Socket, stream: Socket = tcp): void {
  // libuv refuses a reset while a FIN is on its way, and Node then loses the descriptor: after end() only a plain close is safe.
  if (!tcp.destroyed && !tcp.writableEnded && !stream.writableEnded) tcp.resetAndDestroy();
  stream.destroy();
}
