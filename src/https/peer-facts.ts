import type { Socket } from 'node:net';
import type { PeerFacts } from './connection.ts';

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** Of a TCP socket that nobody relays. A socket that has gone already has no addresses any more. */
export function peerFacts({ remoteAddress, remotePort = 0, localAddress }: Socket): PeerFacts {
  return { remoteAddress: plainAddress(remoteAddress), remotePort, localAddress: plainAddress(localAddress) };
}

/** The text of a socket's address, with an IPv4 peer of an IPv6 socket (RFC 4291 2.5.5.2) as the IPv4 address that it is. */
export function plainAddress(text: string | undefined): string {
  return MAPPED_IPV4.exec(text ?? '')?.[1] ?? text ?? '';
}
