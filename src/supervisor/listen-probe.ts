/**
 * The workers' listeners share their ports (SO_REUSEPORT), so a second gateway of the same user would silently take half of
 * the connections. A listener without that option, opened for a moment, finds out who else is there.
 */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { ListenAddress } from '../config/schema.ts';

/** An address that cannot be listened on. The message is for the operator. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/**
 * @returns the addresses with the port that the kernel chose in place of port 0.
 * @throws ListenError
 */
export async function probeListen<T extends ListenAddress>(addresses: readonly T[]): Promise<T[]> {
  const resolved: T[] = [];
  for (const address of addresses) resolved.push({ ...address, port: await freePort(address) });
  return resolved;
}

function freePort({ host, port }: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ListenError(explain(host, port, error), { cause: error })),
    );
    // As the workers listen: on [::] for IPv6 alone.
    server.listen({ host, port, exclusive: true, ipv6Only: true }, () => {
      const bound = (server.address() as AddressInfo).port;
      server.close(() => resolve(bound));
    });
  });
}

function explain(host: string, port: number, error: NodeJS.ErrnoException): string {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return `cannot listen on ${address}: another process listens there`;
    case 'EACCES':
      return `cannot listen on ${address}: a port below 1024 takes root or CAP_NET_BIND_SERVICE`;
    case 'EADDRNOTAVAIL':
      return `cannot listen on ${address}: this machine does not have the address`;
    default:
      return `cannot listen on ${address}: ${error.message}`;
  }
}
