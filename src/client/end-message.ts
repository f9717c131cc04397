import type { TunnelEndReason } from '../protocol/end-reason.ts';
import type { AuthFailure } from '../protocol/ppp/auth-peer.ts';
import { MsChapFailureCode } from '../wire/chap.ts';

/** Characters of a server's own words that are worth repeating. */
const QUOTE_LIMIT = 200;

const NOT_SSTP = 'the server does not keep to the rules of SSTP';
const SILENT = 'the server has fallen silent';

/** What only the server's end of a tunnel can find is not here. */
const SENTENCES: Readonly<Partial<Record<TunnelEndReason, string>>> = {
  terminated: 'it was ended here',
  'local-disconnect': 'it was ended here',
  'peer-disconnect': 'the server disconnected',
  'peer-terminate': 'the server ended the PPP link',
  // Windows, accel-ppp and this project's gateway answer a wrong crypto binding so, and nothing tells it from other causes.
  'peer-abort':
    'the server aborted the call; if it does so right after authentication, the certificate seen here is not the one that ' +
    'the server knows as its own',

  'connection-fin': 'the server closed the connection',
  'connection-reset': 'the connection was reset',
  'connection-tls-alert': 'the server ended the connection with a TLS alert',
  'connection-tls-error': 'the TLS records that arrive are broken',
  'connection-timeout': 'the server cannot be reached any more',
  'connection-network': 'the way to the server is gone',
  'connection-lost': 'the connection is lost',

  'negotiation-timeout': 'the server did not answer in time',
  'hello-timeout': SILENT,
  'echo-timeout': SILENT,
  'nak-limit': 'the server does not accept PPP calls',
  delineation: `${NOT_SSTP}: what it sends are no SSTP packets`,
  'invalid-message': `${NOT_SSTP}: it sent a malformed message`,
  'unexpected-message': `${NOT_SSTP}: it sent a message out of order`,
  'ack-malformed': `${NOT_SSTP}: its Call Connect Ack is malformed`,
  'no-common-hash': 'the server offers no known hash for the crypto binding',

  'auth-timeout': 'the server did not decide on user name and password in time',
  'auth-refused': 'the server wants an authentication method that is not allowed here',
  'auth-unverified':
    'the server could not prove that it knows the password: it is not the one that it claims to be, or somebody is in between',
  'lcp-failed': 'no agreement with the server on the PPP link (LCP)',
  'lcp-loopback': 'the server sends back what it receives',
  'lcp-renegotiated': 'the server wanted to authenticate a second time',
  'ipcp-failed': 'the server assigned no address (IPCP)',
  'ipv6cp-failed': 'the server agreed to neither IPv4 nor IPv6 (IPCP, IPv6CP)',
  'no-network-protocol': 'the server carries no IPv4',
};

const REFUSALS: Readonly<Record<MsChapFailureCode, string>> = {
  [MsChapFailureCode.RestrictedLogonHours]: 'this user may not log in at this time',
  [MsChapFailureCode.AccountDisabled]: 'this account is disabled',
  [MsChapFailureCode.PasswordExpired]: 'the password has expired',
  [MsChapFailureCode.NoDialInPermission]: 'this user may not dial in',
  [MsChapFailureCode.AuthenticationFailure]: 'the server refused user name or password',
  [MsChapFailureCode.ChangingPassword]: 'the server refused a change of the password',
};

/**
 * Why a client's tunnel ended or did not come up: a clause in plain words, without a full stop.
 * @param failure what the server said when the reason is `auth-failed`.
 */
export function describeEnd(reason: TunnelEndReason, failure?: AuthFailure): string {
  return reason === 'auth-failed' ? describeRefusal(failure) : (SENTENCES[reason] ?? reason);
}

function describeRefusal(failure: AuthFailure | undefined): string {
  const known = REFUSALS[failure?.code as MsChapFailureCode] ?? REFUSALS[MsChapFailureCode.AuthenticationFailure];
  const said = quotable(failure?.message ?? '');
  return said === '' ? known : `${known} ("${said}")`;
}

/** The text comes from somebody else and goes to a terminal: no control characters, no bidirectional tricks. */
function quotable(text: string): string {
  return text
    .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
    .slice(0, QUOTE_LIMIT);
}
