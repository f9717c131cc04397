/**
 * The HTTPS layer as MS-SSTP 3.1.7.2 names it: open, accept, close, send, receive, disconnected. The same interface serves the gateway
 * (connections come from {@link HttpsListener}) and the client (connections come from `openHttps`). Behind it is one TLS connection whose
 * HTTP preamble has been exchanged: from here on, all bytes in both directions are the SSTP stream.
 */
import type { SendWindow } from './send-window.ts';

/** Why a connection ended without {@link HttpsConnection.close} or {@link HttpsConnection.abort}. */
export type DisconnectCause =
  /** close_notify or TCP FIN from the peer. The event loop also reports a RST that comes together with data as the end of that data. */
  | 'fin'
  /** TCP RST, or a write to a connection that the peer had already forgotten. */
  | 'reset'
  /** The peer sent a fatal TLS alert. */
  | 'tls-alert'
  /** The TLS layer refused what the peer sent: broken record, failed authentication, renegotiation. */
  | 'tls-error'
  /** TCP gave up: nothing was acknowledged in time, or keepalive probes stayed unanswered. */
  | 'timeout'
  /** The kernel reports the way to the peer as gone (interface, route, ICMP). */
  | 'network'
  /** {@link HttpsListener.close} took the connection away. */
  | 'listener-closed';

/** The owner of a connection's byte stream. */
export interface HttpsUpper {
  /**
   * Bytes of the SSTP stream, cut anywhere. The first chunk may be what came in one piece with the HTTP preamble.
   * The chunk belongs to the receiver and is never written again, unless the receiver has said where it is to be ({@link HttpsConnection.landIn}).
   */
  receive(chunk: Uint8Array): void;
  /**
   * The connection is gone, for a cause that is not ours. Called once, in the same turn of the event loop as the socket event, and never
   * after {@link HttpsConnection.close} or {@link HttpsConnection.abort}. Nothing may be sent any more.
   * @param now `performance.now()` at the socket event.
   */
  disconnected(cause: DisconnectCause, now: number): void;
}

/** Who is on the other end; with a proxy in between, as its header says. */
export interface PeerFacts {
  /** Textual, without brackets. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** What the peer connected to. */
  readonly localAddress: string;
}

/** What the TLS handshake settled. */
export interface TlsFacts {
  /** 'TLSv1.2', 'TLSv1.3'. */
  readonly version: string;
  /** IANA name, such as 'TLS_AES_256_GCM_SHA384'. */
  readonly cipher: string;
  /** Name in the server_name extension, as sent. */
  readonly serverName: string | undefined;
}

/** The SSTP request that opened the connection. */
export interface RequestFacts {
  /** Request target with its query (`tenantid`). */
  readonly target: string;
  /** As sent, if it is no longer than a name can be and can be printed. */
  readonly host: string | undefined;
  /** SSTPCORRELATIONID as sent, if it is no longer than such an id and can be printed: for logs only, `sstpc` sends a malformed one. */
  readonly correlationId: string | undefined;
  /** `sstpc` reads one SSTP packet per readable event and needs {@link HttpsConnection.setOnePacketPerRecord}. */
  readonly client: 'sstpc' | 'other';
}

export interface HttpsConnection extends PeerFacts {
  readonly tls: TlsFacts;
  /** DER of the leaf certificate that the server presented on this connection: what crypto binding (MS-SSTP 3.2.5.2.3) hashes. Shared, not to be written. */
  readonly certificate: Uint8Array;
  readonly request: RequestFacts;
  /**
   * Bytes to the peer. They may wait in a queue by reference, so they must not change until `written` is called: once for every send, in
   * the order of the sends, when the kernel has taken them or when the connection is gone, also after `disconnected`, `close` or `abort`.
   * On a connection that has ended nothing is sent and `written` is called at once.
   */
  send(bytes: Uint8Array, written?: () => void): void;
  /** Bytes given to {@link send} that the kernel has not taken yet. */
  readonly bytesQueued: number;
  /** How much more it should be given, for a sender that can wait. */
  readonly window: SendWindow;
  /**
   * What is received from now on may be written into `landing`, which connections of one thread may share: then a chunk is good until
   * {@link HttpsUpper.receive} returns. 16 KiB hold the longest TLS record.
   */
  landIn(landing: Uint8Array): void;
  /** From now on each {@link send} is a TLS record (or several full ones) of its own. */
  setOnePacketPerRecord(): void;
  /** Orderly end: queued bytes, close_notify, FIN; destroyed when the peer has answered or after a grace time. The upper hears nothing more. */
  close(): void;
  /** Ends at once with a RST; queued bytes are lost. The upper hears nothing more. */
  abort(): void;
}

/** Why an incoming connection never reached the upper layer. Each such connection is reported once. */
export const REFUSAL_REASONS = [
  /** The kernel gave no socket for it: out of descriptors or memory. */
  'accept-failed',
  /** Somebody who is no trusted proxy connected to a listener for proxies. */
  'proxy-untrusted',
  /** What a trusted proxy sent is no PROXY header. */
  'proxy-header',
  /** A trusted proxy looked whether anybody is there. */
  'health-check',
  /** More new connections from this address than it may make. */
  'address-rate',
  /** Too many connections of this address are between TCP accept and the end of the HTTP header. */
  'address-half-open',
  /** Too many connections are between TCP accept and the end of the HTTP header. */
  'half-open-limit',
  /** The peer left before its request was complete. */
  'client-gone',
  /** Clear-text HTTP on the TLS port. */
  'plain-http',
  /** The first byte is neither a TLS handshake record nor a letter of an HTTP method. */
  'not-tls',
  /** The TLS handshake failed; the detail names the OpenSSL error or alert. */
  'tls-handshake',
  /** The time budget ended before the TLS handshake did. */
  'handshake-timeout',
  /** The time budget ended before the HTTP header did. */
  'header-timeout',
  'header-too-large',
  'bad-request',
  'http-version',
  'wrong-method',
  'wrong-path',
  /** A visitor of the web site, or of the redirect, that the listener has for those who do not speak SSTP. */
  'decoy',
  /** The upper layer declined: answered with 503. */
  'no-capacity',
  /** The listener was closed meanwhile. */
  'listener-closed',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];
