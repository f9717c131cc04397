/** Why a PPP link ended. The first reason of a link wins. */
export type PppEndReason =
  /** The verdict was no; on the client, the server said so. */
  | 'auth-failed'
  /** No verdict, or no proof from the peer, within the authentication time. */
  | 'auth-timeout'
  /** The peer accepts none of our authentication methods, or (client) demands none. */
  | 'auth-refused'
  /** Client: the server could not prove that it knows the password (MS-CHAPv2 `S=`). */
  | 'auth-unverified'
  /** LCP did not come to an agreement, or the peer never answered it. */
  | 'lcp-failed'
  /** Our own magic number came back again and again: the peer is ourselves. */
  | 'lcp-loopback'
  /** The peer renegotiated LCP after authentication, which the crypto binding could not cover. */
  | 'lcp-renegotiated'
  /** IPCP did not come to an agreement, or the peer never answered it. */
  | 'ipcp-failed'
  /** IPv6CP did not come to an agreement, or the peer never answered it, and there is no IPv4 either. */
  | 'ipv6cp-failed'
  /** No network protocol is left: closed or rejected by the peer, or the user may have none. */
  | 'no-network-protocol'
  /** The peer sent an LCP Terminate-Request. */
  | 'peer-terminate'
  /** Nothing was heard from the peer for all of its LCP echo chances. */
  | 'echo-timeout'
  /** The owner ended the link. */
  | 'terminated';
