const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** The text of a socket's address, with an IPv4 peer of an IPv6 socket (RFC 4291 2.5.5.2) as the IPv4 address that it is. */
export function plainAddress(text: string | undefined): string {
  return MAPPED_IPV4.exec(text ?? '')?.[1] ?? text ?? '';
}
