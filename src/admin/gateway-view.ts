// What the admin plane sees of the gateway. The supervisor implements it; nothing here can reach a packet.
import type { ByteStream } from './byte-stream.ts';
import type { CaptureOptions } from './capture-query.ts';
import type { GatewayEvent } from './gateway-event.ts';
import type { ReloadView } from './schema/answers.ts';
import type { HistoryPoint } from './schema/history.ts';
import type { SessionDetail, SessionView } from './schema/session.ts';
import type { Readiness, StatusView } from './schema/status.ts';

export type { ReloadView } from './schema/answers.ts';
export type { CountBy } from './schema/fields.ts';
export type { HistoryPoint } from './schema/history.ts';
export type { SessionDetail, SessionState, SessionView } from './schema/session.ts';
export type { CertificateView, PoolView, Readiness, StatusView, WorkerView } from './schema/status.ts';

/** The last half hour or so. */
export interface HistoryView {
  readonly intervalSeconds: number;
  /** The oldest first. Made one by one, as they are asked for. */
  readonly points: Iterable<HistoryPoint>;
}

export type CaptureRefusal = 'no-such-session' | 'already-captured' | 'too-many-captures';

export interface GatewayView {
  status(): StatusView;
  ready(): Readiness;
  /** Points that are newer than `since`, milliseconds since 1970. */
  history(since: number): HistoryView;
  sessions(): Iterable<SessionView>;
  /** With what its worker has to say about it, for which there is a time limit. */
  session(id: string): Promise<SessionDetail | undefined>;
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
