/** Telling somebody who was connected, for how long and with how much traffic (RFC 2866). */
import type { AccountingCause } from '../protocol/end-reason.ts';
import type { AuthMethod } from '../protocol/ppp/credentials.ts';
import type { Ipv6Prefix } from '../wire/ipv6.ts';
import type { AuthSession } from './authority.ts';
import type { SessionRoute } from './session-attributes.ts';

/** What is known of a session when it comes up. */
export interface AccountedSession {
  readonly session: AuthSession;
  readonly user: string;
  readonly method: AuthMethod;
  /** Who said yes: RADIUS, or the gateway's own users file. */
  readonly authentic: 'radius' | 'local';
  readonly ipv4: number | undefined;
  readonly interfaceId: bigint | undefined;
  readonly ipv6Prefix: Ipv6Prefix | undefined;
  readonly delegatedPrefix: Ipv6Prefix | undefined;
  readonly routes: readonly SessionRoute[];
  readonly classes: readonly Uint8Array[];
  /** Milliseconds; undefined for the configured one. */
  readonly interimIntervalMs: number | undefined;
  /** Milliseconds since 1970. */
  readonly upAt: number;
}

/** Totals of a session. rx is what the gateway received from the client. */
export interface AccountedTraffic {
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxPackets: number;
  readonly txPackets: number;
}

/** What may become of a session while it is up; undefined leaves a value as it is. */
export type AccountedChanges = Partial<Pick<AccountedSession, 'classes' | 'routes' | 'interfaceId'>>;

export interface Accounting {
  /** The session is up. */
  start(session: AccountedSession): void;
  change(session: string, changes: AccountedChanges & { readonly interimIntervalMs?: number }): void;
  /** The session is down. `at`: milliseconds since 1970. Not for sessions that were never up. */
  stop(session: string, cause: AccountingCause, traffic: AccountedTraffic, at: number): void;
  /** No session is left: sends what can be sent within `limitMs`, keeps the rest for the next start. */
  close(limitMs: number): Promise<void>;
}
