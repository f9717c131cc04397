import type { BlockPool } from '../hotpath/block-pool.ts';
import type { PacketPath } from '../hotpath/packet-path.ts';
import type { UplinkBatch } from '../hotpath/uplink-batch.ts';
import type { TunnelEndReason } from '../protocol/end-reason.ts';
import type { Deadlines } from './deadlines.ts';
import type { FromWorker, WorkerSettings } from './messages.ts';
import type { TunnelSession } from './tunnel-session.ts';
import type { TunnelTraffic } from './tunnel-traffic.ts';
import type { WorkerCounters } from './worker-counters.ts';

/** What the tunnels of one worker share. */
export interface WorkerContext {
  readonly path: PacketPath;
  readonly blocks: BlockPool;
  /** Where packets from the tunnels go. */
  readonly uplink: UplinkBatch;
  /** Of the protocols: seconds away, and woken a little late. */
  readonly deadlines: Deadlines;
  /** Of queues that wait for tokens of a rate. */
  readonly pacing: Deadlines;
  /** Of queues that wait for a connection's window: milliseconds away. */
  readonly windows: Deadlines;
  readonly traffic: TunnelTraffic;
  readonly counters: WorkerCounters;
  readonly settings: WorkerSettings;
  /** Tunnels with packets to flush at the end of this turn. */
  readonly dirty: TunnelSession[];
  /** Monotonic milliseconds. */
  now(this: void): number;
  post(message: FromWorker): void;
  /** Takes the session out of the worker's tables and tells the supervisor. `at`: when it ended, on the clock of `now`. */
  leave(session: TunnelSession, reason: TunnelEndReason, at: number): void;
}
