// A gateway view of plain values, for the admin plane and the commands that talk to it.
import type { GatewayEvent } from '../../src/admin/gateway-event.ts';
import type { ByteStream } from '../../src/admin/byte-stream.ts';
import type { CaptureOptions } from '../../src/admin/capture-query.ts';
import type {
  CaptureRefusal,
  GatewayView,
  Readiness,
  ReloadView,
  SessionView,
  StatusView,
} from '../../src/admin/gateway-view.ts';

export class FakeGateway implements GatewayView {
  readonly rows = new Map<string, SessionView>();
  readonly disconnected: string[] = [];
  readiness: Readiness = { ready: true, reasons: [] };
  /** Makes every call fail as a bug would. */
  broken = false;

  add(id: string, changes: Partial<SessionView> = {}): void {
    this.rows.set(id, { ...SESSION, id, ...changes });
  }

  status(): StatusView {
    this.#fail();
    return STATUS;
  }

  ready(): Readiness {
    this.#fail();
    return this.readiness;
  }

  *sessions(): Generator<SessionView> {
    this.#fail();
    yield* this.rows.values();
  }

  session(id: string): SessionView | undefined {
    this.#fail();
    return this.rows.get(id);
  }

  disconnect(id: string): boolean {
    this.#fail();
    this.disconnected.push(id);
    return this.rows.delete(id);
  }

  reloaded: ReloadView = { ok: true, needsRestart: ['listen'], warnings: [] };

  async reload(): Promise<ReloadView> {
    this.#fail();
    return this.reloaded;
  }

  readonly drains: boolean[] = [];
  readonly listeners = new Set<(event: GatewayEvent) => void>();

  drain(end: boolean): void {
    this.#fail();
    this.drains.push(end);
  }

  listen(listener: (event: GatewayEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async metrics(): Promise<string> {
    this.#fail();
    return 'sstp_sessions{state="up"} 1\n';
  }

  /** What a capture is answered with, and what was asked for. */
  captured: ByteStream | CaptureRefusal = 'no-such-session';
  readonly captures: { readonly id: string; readonly options: CaptureOptions; readonly by: string }[] = [];
  readonly stopped: string[] = [];

  capture(id: string, options: CaptureOptions, by: string): ByteStream | CaptureRefusal {
    this.#fail();
    this.captures.push({ id, options, by });
    return this.captured;
  }

  stopCapture(id: string): boolean {
    this.#fail();
    this.stopped.push(id);
    return this.rows.has(id);
  }

  #fail(): void {
    if (this.broken) throw new Error('a bug with secret details');
  }
}

const SESSION: SessionView = {
  id: '',
  user: 'alice',
  remoteAddress: '192.0.2.1:50000',
  worker: 0,
  node: 'gw1',
  state: 'up',
  auth: 'mschapv2',
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  ipv4: '10.66.0.2',
  ipv6: null,
  mtu: 1400,
  connectedAt: '2026-06-01T00:00:00.000Z',
  upAt: '2026-06-01T00:00:01.000Z',
  rxBytes: 1_234_567,
  txBytes: 0,
  rxPackets: 1000,
  txPackets: 0,
  drops: 3,
};

const STATUS: StatusView = {
  version: '9.9.9',
  node: 'gw1',
  startedAt: '2026-06-01T00:00:00.000Z',
  uptime: 93_784,
  workers: [
    { index: 0, state: 'ready', sessions: 1, restarts: 0, eventLoopLagP99: 0.0021 },
    { index: 1, state: 'restarting', sessions: 0, restarts: 2, eventLoopLagP99: null },
  ],
  sessions: { negotiating: 0, authenticating: 0, up: 1, closing: 0 },
  pool: { size: 65_533, leased: 1 },
  network: { mode: 'echo' },
  listen: ['0.0.0.0:8443'],
  cleanup: { count: 0, p50: null, p99: null },
  counters: {
    starts: 5,
    ends: { 'User-Request': 4 },
    aborts: {},
    refusals: { 'plain-http': 2 },
    auth: { mschapv2: { accepted: 5, 'wrong-password': 1 } },
    drops: {},
  },
};
