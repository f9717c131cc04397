import type { ListenAddress } from './schema.ts';

/** As people write it: IPv6 in brackets. */
export function formatAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

export function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}
