// What happens to a gateway, as the admin plane tells it to whoever listens.
import type { SessionView } from './gateway-view.ts';

export type GatewayEvent = GatewayOccurrence & {
  /** ISO 8601, UTC. */
  readonly at: string;
};

export type GatewayOccurrence =
  | { readonly type: 'session-up'; readonly session: SessionView }
  /** Of sessions that had been up. The totals in `session` are final. */
  | { readonly type: 'session-down'; readonly session: SessionView; readonly reason: string; readonly cause: string }
  /** A connection that never became a session. */
  | { readonly type: 'refused'; readonly reason: string; readonly remoteAddress: string }
  | {
      readonly type: 'auth-refused';
      readonly session: string;
      readonly user: string;
      readonly method: string;
      readonly reason: string;
      readonly remoteAddress: string;
    }
  /** So many events of this kind were left out, in about a second: peers cause them as often as they like. */
  | {
      readonly type: 'suppressed';
      readonly event: 'refused' | 'auth-refused';
      readonly reason: string;
      readonly count: number;
      /** When the first of them was left out. */
      readonly since: string;
    }
  | { readonly type: 'worker-lost'; readonly worker: number; readonly error: string; readonly sessions: number }
  | { readonly type: 'worker-ready'; readonly worker: number }
  | {
      readonly type: 'reload';
      readonly ok: boolean;
      readonly needsRestart: readonly string[];
      readonly problems: readonly string[];
    }
  | {
      readonly type: 'capture';
      readonly phase: 'started';
      readonly session: string;
      readonly user: string;
      /** The address of who wants it. */
      readonly by: string;
      readonly seconds: number;
      /** Authentication is in it. */
      readonly auth: boolean;
    }
  | {
      readonly type: 'capture';
      readonly phase: 'ended';
      readonly session: string;
      readonly user: string;
      readonly by: string;
      readonly reason: string;
      /** Unknown when its reader has gone. */
      readonly packets?: number;
      readonly dropped?: number;
    }
  | { readonly type: 'drain' };
