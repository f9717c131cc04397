import { createHash } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  type SecureContext,
  type SecureVersion,
  type TLSSocket,
} from 'node:tls';
import { errorCode } from './disconnect-cause.ts';
import { HttpsOpenError, type HttpsOpenCode } from './open-error.ts';
import { openingStep } from './opening-step.ts';

/** Which server a client talks to, and how it knows. */
export interface ServerTrust {
  /** Name or IP address (IPv6 without brackets): what to connect to, the Host header, and what the certificate must be valid for. */
  readonly host: string;
  /** Name in the TLS server_name extension when it is to differ from `host`; the certificate is checked for `host` all the same. */
  readonly serverName?: string | undefined;
  /** PEM of the authorities to trust, in place of the system's. */
  readonly ca?: string | undefined;
  /** SHA-256 of the server's certificate: 64 hex digits, any case, colons allowed. Takes the place of authorities and names unless `ca` is given too. */
  readonly certificateSha256?: string | undefined;
  /** Accepts any certificate (a pin still counts). Crypto binding then notices a man in the middle only if the authentication method derives keys. */
  readonly insecure?: boolean | undefined;
  readonly minVersion?: SecureVersion | undefined;
  readonly maxVersion?: SecureVersion | undefined;
}

/** A TLS connection with the server that was meant. */
export interface TrustedSocket {
  readonly socket: TLSSocket;
  /** DER of the server's leaf certificate. */
  readonly certificate: Uint8Array;
}

/**
 * The TLS handshake of a client on a connected socket.
 * @throws {HttpsOpenError} 'untrusted-certificate', 'wrong-host-name', 'pin-mismatch', 'handshake', 'closed'.
 */
export async function shakeHands(tcp: Socket, trust: ServerTrust): Promise<TrustedSocket> {
  const checksChain = trust.insecure !== true && (trust.ca !== undefined || trust.certificateSha256 === undefined);
  const name = trust.serverName ?? trust.host;
  const socket = connect({
    socket: tcp,
    secureContext: secureContext(trust, checksChain),
    rejectUnauthorized: checksChain,
    checkServerIdentity: (_name, certificate) => checkServerIdentity(trust.host, certificate),
    // RFC 6066 section 3: no addresses in server_name.
    ...(isIP(name) === 0 ? { servername: name } : {}),
  });
  await openingStep<void>(
    socket,
    `TLS with ${trust.host}`,
    error => handshakeCode(error, socket),
    resolve => socket.once('secureConnect', () => resolve()),
  );
  // Asked for once: Node 20 takes the leaf out of its chain with the first answer and has none for a second.
  const certificate = socket.getPeerX509Certificate()?.raw ?? Buffer.alloc(0);
  checkPin(socket, certificate, trust.certificateSha256);
  return { socket, certificate };
}

function handshakeCode(error: Error, socket: TLSSocket): HttpsOpenCode {
  const code = errorCode(error);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'wrong-host-name';
  // Node sets this for every certificate that it does not accept.
  if (socket.authorizationError) return 'untrusted-certificate';
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'closed' : 'handshake';
}

function checkPin(socket: TLSSocket, certificate: Uint8Array, pin: string | undefined): void {
  if (pin === undefined) return;
  const actual = createHash('sha256').update(certificate).digest('hex');
  if (actual === pin.replaceAll(':', '').toLowerCase()) return;
  socket.destroy();
  throw new HttpsOpenError('pin-mismatch', `the server's certificate has SHA-256 ${actual}`);
}

/** Reading the system's authorities takes milliseconds and megabytes, so connections with the same trust share the last context. */
let shared: { readonly key: string; readonly context: SecureContext } | undefined;

function secureContext({ ca, minVersion, maxVersion }: ServerTrust, checksChain: boolean): SecureContext {
  const key = [checksChain, minVersion, maxVersion, ca].join('\n');
  if (shared?.key !== key) {
    const authorities = checksChain ? ca : [];
    const context = createSecureContext({
      ...(authorities === undefined ? {} : { ca: authorities }),
      ...(minVersion === undefined ? {} : { minVersion }),
      ...(maxVersion === undefined ? {} : { maxVersion }),
    });
    shared = { key, context };
  }
  return shared.context;
}
