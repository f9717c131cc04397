/**
 * The data workers: piscina tasks that end only when told to. A task that rejects (an exception, `process.exit`, a thread that
 * died) is reported as lost and started anew; so is one that hangs, once the watchdog has had its thread terminated.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { WorkerView } from '../admin/gateway-view.ts';
import type { TunHandle } from '../tun/tun-device.ts';
import type { FromWorker, ToWorker, WorkerSettings, WorkerStart } from '../worker/messages.ts';
import { WorkerCounters } from '../worker/worker-counters.ts';
import { LOOK_INTERVAL_MS, WorkerWatchdog } from './worker-watchdog.ts';

export interface WorkerPoolOptions {
  readonly workers: number;
  readonly settings: WorkerSettings;
  readonly hotpath: WebAssembly.Module;
  /** The device for a worker that starts; undefined when the workers run the echo network. */
  readonly device: (worker: number) => Promise<TunHandle | undefined>;
  /** Milliseconds without a sign of life after which a worker counts as hung; Infinity: never. */
  readonly watchdog: () => number;
  /** The task's file; tests put a worker of their own in its place. */
  readonly filename?: string;
}

export interface WorkerPoolEvents {
  message(worker: number, message: FromWorker): void;
  /** The task is gone and with it all that the worker held. */
  lost(worker: number, error: Error): void;
}

/** A worker that fails at once each time is not restarted in a tight loop. */
const RESTART_DELAY_MS = { first: 50, longest: 5_000, calmAfter: 30_000 } as const;

/** A worker that does not answer any more is not waited for. */
const STOP_LIMIT_MS = 3_000;

type Thread = Piscina['threads'][number];

interface Slot {
  port: MessagePort | undefined;
  state: WorkerView['state'];
  restarts: number;
  delayMs: number;
  startedAt: number;
  timer: NodeJS.Timeout | undefined;
  task: Promise<void>;
  /** Terminates the task's thread. */
  abort: AbortController;
}

export class WorkerPool {
  readonly counters: readonly WorkerCounters[];
  readonly #options: WorkerPoolOptions;
  readonly #events: WorkerPoolEvents;
  readonly #buffers: readonly SharedArrayBuffer[];
  readonly #piscina: Piscina<WorkerStart, void>;
  readonly #slots: Slot[];
  readonly #watchdog: WorkerWatchdog;
  readonly #lookout: NodeJS.Timeout;
  /** Threads that were terminated and still run: they hang in a system call, out of reach of the engine. */
  readonly #stuck = new Set<Thread>();
  #generation = 0;
  #stopping = false;
  #drained: ToWorker | undefined;
  #settings: WorkerSettings;

  constructor(options: WorkerPoolOptions, events: WorkerPoolEvents) {
    this.#options = options;
    this.#settings = options.settings;
    this.#events = events;
    this.#buffers = Array.from({ length: options.workers }, () => WorkerCounters.allocate());
    this.counters = this.#buffers.map(buffer => new WorkerCounters(buffer));
    // V8 collects the whole heap again and again while little is allocated, to make it smaller. In a profile of 5,000 idle tunnels, whose
    // heap has nothing to give, collections were a third of all samples. Holds for threads that start from now on.
    setFlagsFromString('--no-memory-reducer');
    this.#piscina = new Piscina<WorkerStart, void>({
      filename: options.filename ?? new URL('../worker/main.js', import.meta.url).href,
      minThreads: options.workers,
      maxThreads: options.workers,
      concurrentTasksPerWorker: 1,
      // A task that owns sockets and timers needs its thread's event loop: piscina must not block it in Atomics.wait.
      atomics: 'disabled',
      // Its histograms would hold one endless run per worker.
      recordTiming: false,
    });
    this.#slots = Array.from({ length: options.workers }, () => ({
      port: undefined,
      state: 'starting',
      restarts: 0,
      delayMs: RESTART_DELAY_MS.first,
      startedAt: 0,
      timer: undefined,
      task: Promise.resolve(),
      abort: new AbortController(),
    }));
    this.#watchdog = new WorkerWatchdog({
      counters: this.counters,
      limit: options.watchdog,
      hung: (worker, silentMs) => this.#terminate(worker, silentMs),
    });
    this.#lookout = setInterval(() => this.#watchdog.look(performance.now()), LOOK_INTERVAL_MS).unref();
  }

  start(): void {
    for (let worker = 0; worker < this.#slots.length; worker++) this.#run(worker);
  }

  post(worker: number, message: ToWorker, transfer: readonly MessagePort[] = []): void {
    this.#slots[worker]!.port?.postMessage(message, transfer);
  }

  /** For all workers, those that are started anew included. */
  configure(settings: WorkerSettings): void {
    this.#settings = settings;
    this.#broadcast({ kind: 'settings', settings });
  }

  /** No worker takes new connections any more, one that is started anew included. */
  drain(end: boolean): void {
    this.#drained = { kind: 'drain', end };
    for (const slot of this.#slots) slot.state = 'draining';
    this.#broadcast(this.#drained);
  }

  views(): WorkerView[] {
    return this.#slots.map(({ state, restarts }, index) => {
      const { cpu, loopLag, sessions } = this.counters[index]!;
      const isRunning = state === 'ready' || state === 'draining';
      return {
        index,
        state,
        sessions,
        restarts,
        eventLoopLagP99: isRunning ? loopLag : null,
        cpu: isRunning ? (cpu ?? null) : null,
      };
    });
  }

  /** No worker hangs in a way that only the end of the process would mend. */
  get alive(): boolean {
    return this.#stuck.size === 0;
  }

  /** Ends all tasks and threads. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#lookout);
    for (const slot of this.#slots) clearTimeout(slot.timer);
    this.#broadcast({ kind: 'stop' });
    await Promise.race([
      Promise.all(this.#slots.map(slot => slot.task)),
      sleep(STOP_LIMIT_MS, undefined, { ref: false }),
    ]);
    await this.#piscina.destroy();
    for (const slot of this.#slots) slot.state = 'stopped';
  }

  #broadcast(message: ToWorker): void {
    for (let worker = 0; worker < this.#slots.length; worker++) this.post(worker, message);
  }

  #run(worker: number): void {
    const slot = this.#slots[worker]!;
    const { port1, port2 } = new MessageChannel();
    slot.port = port1;
    slot.startedAt = performance.now();
    slot.abort = new AbortController();
    slot.task = this.#task(worker, port1, port2).then(
      () => port1.close(),
      (error: unknown) => this.#onLost(worker, port1, causeOf(error, slot.abort.signal)),
    );
  }

  async #task(worker: number, port1: MessagePort, port2: MessagePort): Promise<void> {
    const slot = this.#slots[worker]!;
    const tun = await this.#options.device(worker);
    if (this.#stopping) return;
    const start: WorkerStart = {
      worker,
      generation: ++this.#generation,
      port: port2,
      hotpath: this.#options.hotpath,
      settings: this.#settings,
      counters: this.#buffers,
      tun,
    };
    port1.on('message', (message: FromWorker) => {
      // What a worker said just before it was lost may still arrive after its sessions were swept.
      if (slot.port !== port1) return;
      if (message.kind === 'ready') slot.state = this.#drained === undefined ? 'ready' : 'draining';
      if (message.kind === 'ready' && this.#drained !== undefined) port1.postMessage(this.#drained);
      this.#events.message(worker, message);
    });
    this.#watchdog.watch(worker);
    await this.#piscina.run(start, { transferList: [port2], signal: slot.abort.signal });
  }

  /** The task rejects at once; its thread ends a moment later, when the engine gets to interrupt it. */
  #terminate(worker: number, silentMs: number): void {
    const before = this.#piscina.threads;
    this.#slots[worker]!.abort.abort(new Error(`no sign of life for ${Math.round(silentMs / 1000)} s: terminated`));
    const left = this.#piscina.threads;
    for (const thread of before.filter(one => !left.includes(one))) {
      this.#stuck.add(thread);
      thread.once('exit', () => this.#stuck.delete(thread));
    }
  }

  #onLost(worker: number, port: MessagePort, error: Error): void {
    const slot = this.#slots[worker]!;
    this.#watchdog.ignore(worker);
    port.close();
    slot.port = undefined;
    // The last word on the traffic of its sessions is in its counters.
    this.#events.lost(worker, error);
    this.counters[worker]!.clearSessions();
    if (this.#stopping) return;
    slot.state = 'restarting';
    slot.restarts++;
    if (performance.now() - slot.startedAt > RESTART_DELAY_MS.calmAfter) slot.delayMs = RESTART_DELAY_MS.first;
    slot.timer = setTimeout(() => this.#run(worker), slot.delayMs);
    slot.delayMs = Math.min(slot.delayMs * 2, RESTART_DELAY_MS.longest);
  }
}

/** piscina says only that a task was aborted, not why. */
function causeOf(error: unknown, { aborted, reason }: AbortSignal): Error {
  if (aborted) return reason as Error;
  return error instanceof Error ? error : new Error(String(error));
}
