// A gateway view of plain values, for the admin plane and the commands that talk to it.
import type { GatewayEvent } from '../../src/admin/gateway-event.ts';
import type { ByteStream } from '../../src/admin/byte-stream.ts';
import type { CaptureOptions } from '../../src/admin/capture-query.ts';
import type {
  CaptureRefusal,
  GatewayView,
  HistoryPoint,
  HistoryView,
  Readiness,
  ReloadView,
  SessionDetail,
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
    return { ...STATUS, ready: this.readiness };
  }

  ready(): Readiness {
    this.#fail();
    return this.readiness;
  }

  *sessions(): Generator<SessionView> {
    this.#fail();
    yield* this.rows.values();
  }

  async session(id: string): Promise<SessionDetail | undefined> {
    this.#fail();
    const row = this.rows.get(id);
    return row && { ...row, ...DETAIL };
  }

  points: HistoryPoint[] = [];

  history(since: number): HistoryView {
    this.#fail();
    return { intervalSeconds: 2, points: this.points.filter(({ at }) => Date.parse(at) > since) };
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
  rxRate: 80_000,
  txRate: 0,
};

const DETAIL = {
  correlationId: '{5A1C0DE0-0000-4000-8000-000000000001}',
  serverName: 'vpn.example.org',
  localAddress: '198.51.100.1',
  negotiated: {
    hash: 'sha256',
    lcp: {
      state: 'opened',
      mru: 1400,
      peerMru: 4091,
      authProtocol: 'mschapv2',
      magic: '0badcafe',
      pfc: false,
      acfc: false,
      identification: ['MSRASV5.20'],
    },
    ipcp: { state: 'opened', peer: '10.66.0.2', dns: ['10.66.0.53'], nbns: [] },
    ipv6cp: null,
    delegatedPrefix: null,
  },
  timers: {
    helloInterval: 60,
    sessionTimeout: 3600,
    sessionEndsAt: '2026-06-01T01:00:01.000Z',
    idleTimeout: null,
    idleEndsAt: null,
    negotiationEndsAt: null,
  },
  rate: { up: null, down: 10_000_000, upBurst: null, downBurst: null },
  routes: ['10.66.0.2/32'],
  filterId: null,
  queueBytes: 0,
  history: {
    intervalSeconds: 2,
    points: [{ at: '2026-06-01T00:00:03.000Z', rxBps: 80_000, txBps: 0 }],
  },
} as const satisfies Omit<SessionDetail, keyof SessionView>;

const STATUS: StatusView = {
  version: '9.9.9',
  node: 'gw1',
  startedAt: '2026-06-01T00:00:00.000Z',
  uptime: 93_784,
  ready: { ready: true, reasons: [] },
  draining: false,
  workers: [
    { index: 0, state: 'ready', sessions: 1, restarts: 0, eventLoopLagP99: 0.0021, cpu: 0.25 },
    { index: 1, state: 'restarting', sessions: 0, restarts: 2, eventLoopLagP99: null, cpu: null },
  ],
  sessions: { negotiating: 0, authenticating: 0, up: 1, closing: 0 },
  pool: { size: 65_533, leased: 1 },
  pools: [{ name: 'default', family: 'ipv4', size: 65_533, leased: 1 }],
  network: { mode: 'echo' },
  listen: ['0.0.0.0:8443'],
  certificates: [
    {
      serverNames: ['vpn.example.org'],
      subject: 'CN=vpn.example.org',
      issuer: 'C=US, O=Example, CN=Example CA',
      notBefore: '2026-05-01T00:00:00.000Z',
      notAfter: '2026-08-01T00:00:00.000Z',
      sha256: Array(32).fill('AB').join(':'),
      keyType: 'ec-prime256v1',
    },
  ],
  process: { cpuSeconds: 12.5, rssBytes: 123_456_789, startedAt: '2026-06-01T00:00:00.000Z' },
  traffic: { rxBytes: 1_234_567, txBytes: 0, rxPackets: 1000, txPackets: 0, drops: 3 },
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
