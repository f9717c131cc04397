import type { DisconnectCause } from './connection.ts';

const SYSTEM_ERRORS: Readonly<Record<string, DisconnectCause>> = {
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'network',
  EHOSTDOWN: 'network',
  ENETUNREACH: 'network',
  ENETDOWN: 'network',
  ENETRESET: 'network',
};

/** What a socket's `error` event means for the connection. */
export function disconnectCause(error: Error): DisconnectCause {
  const code = errorCode(error);
  const system = SYSTEM_ERRORS[code];
  if (system !== undefined) return system;
  // OpenSSL words a received alert as '... alert ...', in its error code and, where Node only says EPROTO, in its message.
  if (/_ALERT_/.test(code) || (code === 'EPROTO' && /\balert\b/.test(error.message))) return 'tls-alert';
  return 'tls-error';
}

/** The `code` that Node puts on system, OpenSSL and its own errors; '' when there is none. */
export function errorCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
