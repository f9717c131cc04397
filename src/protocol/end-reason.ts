/** Why a tunnel ended, and what that is called in accounting. */
import type { PppEndReason } from './ppp/end-reason.ts';
import type { CloseReason } from './sstp/close-reason.ts';

/** The first reason of a tunnel wins: what follows from it does not replace it. */
export type TunnelEndReason = CloseReason | PppEndReason | ConnectionEndReason | OwnerEndReason;

/** What ended the HTTPS connection below a tunnel. */
type ConnectionEndReason =
  /** The byte stream could not be cut into SSTP packets (MS-SSTP 3.1.5.1). */
  | 'delineation'
  /** The peer has us answer and does not read what we answer. */
  | 'unread-answers'
  | 'connection-fin'
  | 'connection-reset'
  | 'connection-tls-alert'
  | 'connection-tls-error'
  | 'connection-timeout'
  | 'connection-network'
  | 'connection-listener-closed';

/** What the gateway decided, or what became of it. */
type OwnerEndReason =
  | 'admin'
  /** The user's newer session took its place. */
  | 'replaced'
  | 'drain'
  | 'session-timeout'
  | 'idle-timeout'
  | 'worker-lost';

/** Acct-Terminate-Cause by its names in RFC 2866 5.10. */
export type AccountingCause =
  | 'User-Request'
  | 'Lost-Carrier'
  | 'Idle-Timeout'
  | 'Session-Timeout'
  | 'Admin-Reset'
  | 'NAS-Error'
  | 'NAS-Request'
  | 'NAS-Reboot'
  | 'User-Error';

export const ACCOUNTING_CAUSES: Readonly<Record<TunnelEndReason, AccountingCause>> = {
  'peer-disconnect': 'User-Request',
  'peer-terminate': 'User-Request',

  // A plain TLS close is how sstpc leaves. It stays Lost-Carrier: the wire does not tell it from a client that was killed.
  'connection-fin': 'Lost-Carrier',
  'connection-reset': 'Lost-Carrier',
  'connection-tls-alert': 'Lost-Carrier',
  'connection-tls-error': 'Lost-Carrier',
  'connection-timeout': 'Lost-Carrier',
  'connection-network': 'Lost-Carrier',
  'connection-lost': 'Lost-Carrier',
  'hello-timeout': 'Lost-Carrier',
  'echo-timeout': 'Lost-Carrier',

  'idle-timeout': 'Idle-Timeout',
  'session-timeout': 'Session-Timeout',
  admin: 'Admin-Reset',
  'worker-lost': 'NAS-Error',
  replaced: 'NAS-Request',
  'local-disconnect': 'NAS-Request',
  terminated: 'NAS-Request',
  drain: 'NAS-Reboot',
  'connection-listener-closed': 'NAS-Reboot',

  'auth-failed': 'User-Error',
  'auth-timeout': 'User-Error',
  'auth-refused': 'User-Error',
  'auth-unverified': 'User-Error',
  'lcp-failed': 'User-Error',
  'lcp-loopback': 'User-Error',
  'lcp-renegotiated': 'User-Error',
  'ipcp-failed': 'User-Error',
  'ipv6cp-failed': 'User-Error',
  'no-network-protocol': 'User-Error',
  delineation: 'User-Error',
  'unread-answers': 'User-Error',
  'peer-abort': 'User-Error',
  'negotiation-timeout': 'User-Error',
  'nak-limit': 'User-Error',
  'unexpected-message': 'User-Error',
  'invalid-message': 'User-Error',
  'ack-malformed': 'User-Error',
  'no-common-hash': 'User-Error',
  'binding-malformed': 'User-Error',
  'binding-hash-protocol': 'User-Error',
  'binding-nonce': 'User-Error',
  'binding-certificate': 'User-Error',
  'binding-padding': 'User-Error',
  'binding-mac': 'User-Error',
};

export function accountingCause(reason: TunnelEndReason): AccountingCause {
  return ACCOUNTING_CAUSES[reason];
}

/** True when somebody did something wrong: worth a warning. A wrong password is daily life, and told by its own event. */
export function isFault(reason: TunnelEndReason): boolean {
  const cause = ACCOUNTING_CAUSES[reason];
  return (cause === 'User-Error' || cause === 'NAS-Error') && reason !== 'auth-failed';
}
