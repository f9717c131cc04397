// What the gateway answers, beyond the types that the admin plane exports.
import type { SessionView, StatusView } from '../admin/gateway-view.ts';

interface WorkerPoint {
  /** Seconds. */
  readonly lag: number | null;
  readonly sessions: number;
  /** Share of a core. */
  readonly cpu: number | null;
}

export interface HistoryPoint {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly sessions: number;
  /** Bits per second, from clients and to clients. */
  readonly rxBps: number;
  readonly txBps: number;
  readonly rxPps: number;
  readonly txPps: number;
  readonly drops: number;
  readonly refusals: number;
  readonly workers: readonly WorkerPoint[];
}

export interface HistoryView {
  readonly intervalSeconds: number;
  readonly points: readonly HistoryPoint[];
}

export interface CertificateView {
  readonly serverNames: readonly string[];
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly sha256: string;
  readonly keyType: string;
}

export interface Status extends StatusView {
  readonly pools: readonly { name: string; family: string; size: number; leased: number }[];
  readonly certificates: readonly CertificateView[];
  readonly process: { readonly cpuSeconds: number; readonly rssBytes: number; readonly startedAt: string };
  readonly traffic: {
    readonly rxBytes: number;
    readonly txBytes: number;
    readonly rxPackets: number;
    readonly txPackets: number;
    readonly drops: number;
  };
  readonly draining: boolean;
  readonly ready: { readonly ready: boolean; readonly reasons: readonly string[] };
  readonly workers: readonly (StatusView['workers'][number] & { readonly cpu: number | null })[];
}

export interface Session extends SessionView {
  readonly rxRate: number | null;
  readonly txRate: number | null;
}

export interface SessionDetail extends Session {
  readonly correlationId: string | null;
  readonly serverName: string | null;
  readonly localAddress: string | null;
  readonly negotiated: {
    readonly hash: string | null;
    readonly lcp: Readonly<Record<string, unknown>> | null;
    readonly ipcp: Readonly<Record<string, unknown>> | null;
    readonly ipv6cp: Readonly<Record<string, unknown>> | null;
    readonly delegatedPrefix: string | null;
  };
  readonly timers: {
    readonly helloInterval: number | null;
    readonly sessionTimeout: number | null;
    readonly sessionEndsAt: string | null;
    readonly idleTimeout: number | null;
    readonly idleEndsAt: string | null;
    readonly negotiationEndsAt: string | null;
  };
  readonly rate: Readonly<Record<'up' | 'down' | 'upBurst' | 'downBurst', number | null>> | null;
  readonly routes: readonly string[];
  readonly filterId: string | null;
  readonly dropsByReason?: Readonly<Record<string, number>> | null;
  readonly queueBytes: number | null;
  readonly history: {
    readonly intervalSeconds: number;
    readonly points: readonly { readonly at: string; readonly rxBps: number; readonly txBps: number }[];
  };
}
