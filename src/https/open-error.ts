/** Each way in which opening an HTTPS connection can fail. */
export type HttpsOpenCode =
  /** No address for the host name (of the server, or of the proxy). */
  | 'name-resolution'
  /** Nobody listens there. */
  | 'refused'
  /** No way to the address, or no answer from it. */
  | 'unreachable'
  /** The proxy answered CONNECT with an error, or not with HTTP. */
  | 'proxy-refused'
  /** The proxy wants credentials, or other ones. */
  | 'proxy-authentication'
  /** No chain to a trusted authority, expired, or otherwise not valid. */
  | 'untrusted-certificate'
  /** The certificate is valid for other names. */
  | 'wrong-host-name'
  /** The certificate is not the pinned one. */
  | 'pin-mismatch'
  /** TLS failed for another reason: no common version or cipher, not a TLS server. */
  | 'handshake'
  /** The server answered, but not with HTTP 200. */
  | 'not-sstp'
  /** The other side ended the connection before it had answered. */
  | 'closed'
  /** The time budget ended. */
  | 'timeout'
  /** The caller's signal. */
  | 'aborted';

/** The open event's failure: no state machine starts (MS-SSTP 3.1.7.2). */
export class HttpsOpenError extends Error {
  override readonly name = 'HttpsOpenError';
  readonly code: HttpsOpenCode;
  /** HTTP status of the server or the proxy, when that was the answer. */
  readonly status: number | undefined;

  constructor(code: HttpsOpenCode, message: string, options: { cause?: unknown; status?: number } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.status = options.status;
  }
}
