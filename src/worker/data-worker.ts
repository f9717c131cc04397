/**
 * A data worker: listeners, tunnels, one hot path and one device, all on one thread's event loop.
 * Nothing is shared with other workers, and only control messages cross to the main thread.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { HttpsConnection } from '../https/connection.ts';
import { HttpsListener } from '../https/listener.ts';
import { BlockPool } from '../hotpath/block-pool.ts';
import { Hotpath } from '../hotpath/hotpath.ts';
import { UplinkBatch } from '../hotpath/uplink-batch.ts';
import { certificateHash } from '../crypto/crypto-binding.ts';
import { randomBytes } from '../crypto/random.ts';
import type { TunnelEndReason } from '../protocol/end-reason.ts';
import type { ServerTunnelOptions } from '../protocol/server-tunnel.ts';
import { EchoNetwork } from '../tun/echo-network.ts';
import type { PacketDevice } from '../tun/packet-device.ts';
import { TunDevice } from '../tun/tun-device.ts';
import { CpuMeter, threadCpuMs } from './cpu-meter.ts';
import { Deadlines } from './deadlines.ts';
import { monotonicMs } from './monotonic-clock.ts';
import type { FromWorker, SessionId, ToWorker, WorkerStart, WorkerSettings } from './messages.ts';
import { TunnelSession } from './tunnel-session.ts';
import type { WorkerContext } from './worker-context.ts';
import { TunnelTraffic } from './tunnel-traffic.ts';
import { Call, MAX_SLOTS, WorkerCounters } from './worker-counters.ts';

/** One time budget for TLS handshake and HTTP header together (MS-SSTP 4.1 gives a client 60 s for its part). */
const CONNECTION_BUDGET_MS = 60_000;
/** TLS and TCP header bytes that a client may send before it is refused. */
const HEADER_LIMIT = 16 * 1024;
/**
 * PPP gives up on an authentication a little before SSTP's negotiation timer: the client is then told in PPP's words and
 * disconnected in good order, where the timer could only abort.
 */
const AUTH_SHARE = 0.95;
/** Timers of seconds: twenty wake-ups a second serve as many tunnels as there are. */
const PROTOCOL_GRAIN_MS = 50;
/** The burst of a rate makes up for it. */
const PACING_GRAIN_MS = 5;
/** A window holds a few milliseconds of sending. */
const WINDOW_GRAIN_MS = 0;
/**
 * How much longer than configured a tunnel's LCP echo interval may be, as a share. Tunnels that came up together do not ask together; and a
 * client that asks by itself in the same interval comes first, which makes the gateway's own question needless.
 */
const ECHO_SPREAD = 0.1;
/** For the supervisor's watchdog, and for the event loop's lag. */
const HEARTBEAT_INTERVAL_MS = 1000;
/**
 * Each sample wakes the thread: a hundred a second cost an otherwise idle worker 0.6 % of a core. A block that is shorter than this is
 * seen with the probability that its length has of it.
 */
const LOOP_LAG_RESOLUTION_MS = 50;
const NANOSECONDS = 1e9;

export class DataWorker {
  /** Settles when the worker was told to stop; rejects never: a failure of ours is an uncaught exception and ends the thread. */
  readonly finished: Promise<void>;

  readonly #start: WorkerStart;
  /** This worker's own; all workers' are read for the limit on sessions. */
  readonly #counters: WorkerCounters;
  readonly #allCounters: readonly WorkerCounters[];
  readonly #context: WorkerContext;
  readonly #device: PacketDevice;
  readonly #deadlines: Deadlines;
  readonly #pacing: Deadlines;
  readonly #windows: Deadlines;
  readonly #listener: HttpsListener;
  readonly #sessions = new Map<SessionId, TunnelSession>();
  readonly #slots: (TunnelSession | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #dirty: TunnelSession[] = [];
  readonly #loopDelay = monitorEventLoopDelay({ resolution: LOOP_LAG_RESOLUTION_MS });
  readonly #cpuMeter = new CpuMeter(threadCpuMs, performance.now());
  readonly #heartbeat: NodeJS.Timeout;
  #finish: () => void = () => {};
  /** From `performance.now`, which each thread counts from its own start, to the clock that threads share. */
  readonly #clockOffset = monotonicMs() - performance.now();
  #sequence = 0;
  #draining = false;
  #settings: WorkerSettings;

  constructor(start: WorkerStart) {
    const { settings } = start;
    this.#start = start;
    this.#settings = settings;
    const current = (): WorkerSettings => this.#settings;
    this.finished = new Promise(resolve => (this.#finish = resolve));
    this.#allCounters = start.counters.map(buffer => new WorkerCounters(buffer));
    this.#counters = this.#allCounters[start.worker]!;
    this.#counters.clearSessions();
    this.#counters.beat();

    const path = new Hotpath(start.hotpath);
    if (path.counterSlots < MAX_SLOTS) throw new Error('the hot path counts fewer tunnels than a worker holds');
    path.dhcpServer(settings.network.gateway);
    const landing = {
      memory: path.memory,
      at: path.tunAt,
      slots: path.tunSlots,
      stride: path.tunStride,
      headroom: path.headroom,
    };
    this.#device =
      start.tun === undefined
        ? new EchoNetwork(settings.network.gateway, landing, settings.network.gateway6)
        : new TunDevice(start.tun, landing);
    this.#deadlines = new Deadlines(() => performance.now(), PROTOCOL_GRAIN_MS);
    this.#pacing = new Deadlines(() => performance.now(), PACING_GRAIN_MS);
    this.#windows = new Deadlines(() => performance.now(), WINDOW_GRAIN_MS);
    this.#context = {
      path,
      blocks: new BlockPool(path),
      uplink: new UplinkBatch(path, this.#device, {
        atEndOfTurn: flush => void setImmediate(flush),
        wrote: calls => this.#counters.countCalls(Call.DeviceRx, calls),
        refused: packets => this.#counters.countDrop('device-refused', packets),
      }),
      deadlines: this.#deadlines,
      pacing: this.#pacing,
      windows: this.#windows,
      traffic: new TunnelTraffic(path, this.#counters),
      counters: this.#counters,
      get settings() {
        return current();
      },
      dirty: this.#dirty,
      now: () => performance.now(),
      post: message => this.#post(message),
      leave: (session, reason, at) => this.#leave(session, reason, at),
    };
    this.#listener = new HttpsListener(
      {
        ...listenerSettings(settings),
        addresses: settings.listen,
        budgetMs: CONNECTION_BUDGET_MS,
        headerLimit: HEADER_LIMIT,
      },
      {
        accept: connection => this.#accept(connection),
        // A worker that is at work on nothing else is alive.
        handshake: () => this.#counters.beat(),
        keyLog: line => this.#post({ kind: 'key-log', line }),
        refused: (reason, remoteAddress, detail) => this.#post({ kind: 'refused', reason, remoteAddress, detail }),
      },
    );
    this.#loopDelay.enable();
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_INTERVAL_MS).unref();
    start.port.on('message', (message: ToWorker) => this.#handle(message));
  }

  async listen(): Promise<void> {
    this.#device.start({
      receive: (at, length) => this.#fromNetwork(at, length),
      drained: () => this.#flush(),
      // Tunnels without a network are worth nothing: the worker ends, and starts again with a device that works.
      onError: error => {
        throw error;
      },
    });
    await this.#listener.listen();
    const listening = this.#listener.addresses.map(({ address, port }) => ({ host: address, port }));
    this.#post({ kind: 'ready', listening });
  }

  #handle(message: ToWorker): void {
    switch (message.kind) {
      case 'verdict':
        this.#sessions.get(message.session)?.handleVerdict(message.verdict);
        break;
      case 'disconnect':
        this.#sessions.get(message.session)?.end(message.reason);
        break;
      case 'settings':
        this.#settings = message.settings;
        this.#listener.configure(listenerSettings(message.settings));
        break;
      case 'policy':
        this.#sessions.get(message.session)?.setPolicy(message.policy);
        break;
      case 'describe':
        this.#post({
          kind: 'description',
          request: message.request,
          description: this.#sessions.get(message.session)?.describe(),
        });
        break;
      case 'evict':
        this.#sessions.get(message.session)?.evict(message.reason);
        break;
      case 'capture': {
        const session = this.#sessions.get(message.session);
        // It has ended meanwhile: a port that closes says so.
        if (session === undefined) message.port.close();
        else session.capture(message.plan, message.port);
        break;
      }
      case 'drain':
        this.#draining = true;
        this.#listener.stopAccepting();
        if (message.end) for (const session of this.#sessions.values()) session.end('drain');
        break;
      case 'stop':
        void this.#stop();
        break;
    }
  }

  #accept(connection: HttpsConnection): TunnelSession | undefined {
    if (this.#draining || this.#totalSessions() >= this.#settings.limits.maxSessions) return undefined;
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    if (slot >= MAX_SLOTS) return undefined;
    const { generation } = this.#start;
    const settings = this.#settings;
    const id = (generation * 2 ** 32 + ++this.#sequence) as SessionId;
    const session = new TunnelSession(
      this.#context,
      id,
      slot,
      connection,
      this.#tunnelOptions(connection),
      settings.sstp.packetsPerRecord === 'one' ||
        (settings.sstp.packetsPerRecord === 'auto' && connection.request.client === 'sstpc'),
    );
    this.#sessions.set(id, session);
    this.#slots[slot] = session;
    this.#counters.sessions = this.#sessions.size;
    this.#post({
      kind: 'opened',
      session: id,
      slot,
      remoteAddress: connection.remoteAddress,
      remotePort: connection.remotePort,
      localAddress: connection.localAddress,
      serverName: connection.tls.serverName ?? connection.request.host,
      tls: { version: connection.tls.version, cipher: connection.tls.cipher },
      correlationId: connection.request.correlationId,
      connectedAt: Date.now(),
    });
    session.start();
    return session;
  }

  #tunnelOptions(connection: HttpsConnection): ServerTunnelOptions {
    const { sstp, ppp } = this.#settings;
    return {
      sstp: {
        hashProtocols: sstp.hashProtocols,
        certificateHash: hashProtocol => certificateHash(hashProtocol, connection.certificate),
        negotiationTimeoutMs: sstp.negotiationTimeoutMs,
        helloIntervalMs: sstp.helloIntervalMs,
        random: randomBytes,
      },
      ppp: {
        mru: ppp.mtu,
        auth: ppp.auth,
        eap: ppp.eap,
        serverName: ppp.serverName,
        lcpEcho: { ...ppp.lcpEcho, intervalMs: ppp.lcpEcho.intervalMs * (1 + Math.random() * ECHO_SPREAD) },
        authTimeoutMs: sstp.negotiationTimeoutMs * AUTH_SHARE,
        random: randomBytes,
      },
    };
  }

  #leave(session: TunnelSession, reason: TunnelEndReason, at: number): void {
    this.#deadlines.delete(session);
    this.#sessions.delete(session.id);
    this.#slots[session.slot] = undefined;
    this.#counters.sessions = this.#sessions.size;
    const traffic = this.#context.traffic.settle(session.slot);
    this.#freeSlots.push(session.slot);
    this.#post({ kind: 'closed', session: session.id, reason, at: at + this.#clockOffset, traffic });
  }

  #fromNetwork(at: number, length: number): void {
    this.#counters.countCalls(Call.DeviceTx);
    const slot = this.#context.path.routeLookup(at, length);
    const session = slot < 0 ? undefined : this.#slots[slot];
    if (session === undefined) this.#counters.countDrop('no-route');
    else session.queuePacket(at, length);
  }

  #flush(): void {
    for (const session of this.#dirty) session.flush();
    this.#dirty.length = 0;
  }

  #totalSessions(): number {
    let total = 0;
    for (const counters of this.#allCounters) total += counters.sessions;
    return total;
  }

  #beat(): void {
    this.#counters.beat();
    this.#counters.halfOpen = this.#listener.halfOpenCount;
    const overhead = LOOP_LAG_RESOLUTION_MS / 1000;
    this.#counters.loopLag = Math.max(0, this.#loopDelay.percentile(99) / NANOSECONDS - overhead);
    this.#loopDelay.reset();
    this.#counters.cpu = this.#cpuMeter.share(performance.now());
  }

  async #stop(): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#loopDelay.disable();
    await this.#listener.close();
    this.#deadlines.close();
    this.#pacing.close();
    this.#windows.close();
    this.#context.traffic.close();
    this.#device.close();
    this.#start.port.close();
    this.#finish();
  }

  #post(message: FromWorker): void {
    this.#start.port.postMessage(message);
  }
}

/** What the listener takes from the settings, and may be told anew. */
function listenerSettings({ tls, limits, sstp }: WorkerSettings) {
  return {
    certificates: tls.certificates,
    minVersion: tls.minVersion,
    ciphers: tls.ciphers,
    keyLog: tls.keyLog,
    maxHalfOpen: limits.maxHalfOpen,
    perAddress: limits.perAddress,
    decoy: sstp.decoy,
  };
}
