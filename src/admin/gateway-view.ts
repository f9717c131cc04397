// What the admin plane sees of the gateway. The supervisor implements it; nothing here can reach a packet.

import type { ByteStream } from './byte-stream.ts';
import type { CaptureOptions } from './capture-query.ts';
import type { GatewayEvent } from './gateway-event.ts';

export type SessionState = 'negotiating' | 'authenticating' | 'up' | 'closing';

/** One session as it is shown in JSON. rx is what the gateway received from the client. */
export interface SessionView {
  readonly id: string;
  /** Empty until the client has named itself. */
  readonly user: string;
  /** `address:port`, IPv6 in brackets. */
  readonly remoteAddress: string;
  readonly worker: number;
  readonly node: string;
  readonly state: SessionState;
  readonly auth: string | null;
  readonly tls: { readonly version: string; readonly cipher: string };
  readonly ipv4: string | null;
  readonly ipv6: string | null;
  readonly mtu: number | null;
  /** ISO 8601, UTC. */
  readonly connectedAt: string;
  readonly upAt: string | null;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly drops: number;
}

export interface WorkerView {
  readonly index: number;
  readonly state: 'starting' | 'ready' | 'restarting' | 'draining' | 'stopped';
  readonly sessions: number;
  readonly restarts: number;
  /** Seconds; null until measured. */
  readonly eventLoopLagP99: number | null;
}

export type CountBy = Readonly<Record<string, number>>;

export interface StatusView {
  readonly version: string;
  readonly node: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Seconds. */
  readonly uptime: number;
  readonly workers: readonly WorkerView[];
  readonly sessions: Readonly<Record<SessionState, number>>;
  readonly pool: { readonly size: number; readonly leased: number };
  /** What `mode: auto` came to. */
  readonly network: { readonly mode: 'tun' | 'echo' };
  readonly listen: readonly string[];
  /** Socket event to freed table row, in seconds; null while nothing has ended. */
  readonly cleanup: { readonly count: number; readonly p50: number | null; readonly p99: number | null };
  readonly counters: {
    readonly starts: number;
    /** By cause. */
    readonly ends: CountBy;
    /** By reason. */
    readonly aborts: CountBy;
    /** Connections that never became a call, by reason. */
    readonly refusals: CountBy;
    /** By method, then by result. */
    readonly auth: Readonly<Record<string, CountBy>>;
    /** Packets, by reason. */
    readonly drops: CountBy;
  };
}

export type ReloadView =
  | {
      readonly ok: true;
      /** Keys whose new value waits for a restart. */
      readonly needsRestart: readonly string[];
      readonly warnings: readonly string[];
    }
  | {
      readonly ok: false;
      /** `file:line: key: what is wrong; accepted: ...` */
      readonly problems: readonly string[];
    };

export interface Readiness {
  readonly ready: boolean;
  /** Why not; empty when ready. */
  readonly reasons: readonly string[];
}

export type CaptureRefusal = 'no-such-session' | 'already-captured' | 'too-many-captures';

export interface GatewayView {
  status(): StatusView;
  ready(): Readiness;
  sessions(): Iterable<SessionView>;
  session(id: string): SessionView | undefined;
  /** Not ready from now on. After `drainDelay` new tunnels are refused; with `end` those that there are end in good order. */
  drain(end: boolean): void;
  /** Reads the files again and applies what can be applied; a bad file changes nothing. Rejects never for what a file holds. */
  reload(): Promise<ReloadView>;
  /** @returns a function that ends it. */
  listen(listener: (event: GatewayEvent) => void): () => void;
  /** Begins an orderly end of the session; false when there is none of this id. */
  disconnect(id: string): boolean;
  /**
   * Copies the session's PPP frames, both directions, into a pcapng file until one of the bounds is reached, the session ends or nobody
   * reads on. @param by the address of who asks.
   */
  capture(id: string, options: CaptureOptions, by: string): ByteStream | CaptureRefusal;
  /** Ends a capture in good order; false when the session is not being captured. */
  stopCapture(id: string): boolean;
  /** Prometheus text exposition, version 0.0.4. */
  metrics(): Promise<string>;
}
