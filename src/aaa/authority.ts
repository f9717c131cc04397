/** Who decides about credentials: the users file, RADIUS. One interface, so that the supervisor does not know which. */
import type { Credentials } from '../protocol/ppp/credentials.ts';
import type { SessionAttributes } from './session-attributes.ts';

/** What an authority is told about the session that asks. */
export interface AuthSession {
  /** The session's public id, unique across restarts; Acct-Session-Id. */
  readonly id: string;
  /** A small number that no other live session of this gateway has. */
  readonly port: number;
  /** Name of the network device that its packets will go through. */
  readonly device: string;
  /** Textual, without port. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The gateway's address on this connection, textual, without port. */
  readonly localAddress: string;
  /** What the client called the gateway: the name in TLS, else in HTTP. */
  readonly serverName: string | undefined;
  readonly correlationId: string | undefined;
  readonly tls: { readonly version: string; readonly cipher: string };
  /** Bytes of the longest IP packet of the tunnel. */
  readonly mtu: number;
  /** Texts of LCP Identification packets (RFC 1570 2.5), in their order: Windows sends its version and its name. */
  readonly identification: readonly string[];
}

export interface AuthRequest {
  readonly session: AuthSession;
  readonly credentials: Credentials;
}

export type Decision = AcceptedDecision | RejectedDecision | ChallengeDecision;

export interface AcceptedDecision {
  readonly kind: 'accepted';
  /** The name by which sessions of a user are counted and accounted. */
  readonly user: string;
  /** 32 bytes; zeros for methods that make no keys. */
  readonly hlak: Uint8Array;
  /** Other keys that a client of this kind may have come to (MS-SSTP leaves it open; pppd cuts EAP-TLS keys). */
  readonly hlakAlternatives?: readonly Uint8Array[];
  /** Text for the client: `S=... M=...` for MS-CHAPv2. */
  readonly message: string;
  /** The EAP-Success packet, when the credentials were EAP. */
  readonly packet?: Uint8Array;
  readonly attributes: SessionAttributes;
}

export interface RejectedDecision {
  readonly kind: 'rejected';
  /** A short word with hyphens, for the log and the counters. The client is told less. */
  readonly reason: string;
  /** RFC 2759 6. Undefined is 691, "wrong name or password". */
  readonly code?: number;
  /** For the client. */
  readonly message?: string;
  /** The EAP-Failure packet. */
  readonly packet?: Uint8Array;
}

/** EAP goes on: the next request for the client. */
interface ChallengeDecision {
  readonly kind: 'challenge';
  readonly packet: Uint8Array;
  /** How long the client may take for its answer, when the authority says so. */
  readonly timeoutMs?: number;
}

export interface Authority {
  /** Never rejects: what goes wrong is a rejected decision with a reason. */
  decide(request: AuthRequest): Promise<Decision>;
  /** The session has ended: state of a conversation about it is of no use any more. */
  forget(session: string): void;
  close(): Promise<void>;
}
