/** Who is being captured at present, and for whom. The frames go from the worker to the reader; nothing is kept here. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { ByteStream } from '../admin/byte-stream.ts';
import type { CaptureOptions } from '../admin/capture-query.ts';
import type { CaptureRefusal } from '../admin/gateway-view.ts';
import { encodeInterface, encodeSectionHeader } from '../wire/pcapng.ts';
import type { ToWorker } from '../worker/messages.ts';
import { type CaptureOutcome, CaptureStream, STATISTICS_LENGTH } from './capture-stream.ts';
import type { EventFeed } from './event-feed.ts';
import { clientFacts } from './session-facts.ts';
import type { SessionRow, SessionTable } from './session-table.ts';
import { hostPort } from './session-view.ts';

/** A megabyte each while its reader is slow, and time of the main thread. */
const MOST_AT_ONCE = 8;

export interface CapturesOptions {
  readonly version: string;
  /** Name of this machine. */
  readonly node: string;
  readonly log: Logger;
  readonly feed: EventFeed;
  readonly table: SessionTable;
  post(this: void, worker: number, message: ToWorker, transfer: readonly MessagePort[]): void;
}

export class Captures {
  readonly #options: CapturesOptions;
  readonly #log: Logger;
  /** By the session's public id. One for each session. */
  readonly #running = new Map<string, CaptureStream>();

  constructor(options: CapturesOptions) {
    this.#options = options;
    this.#log = options.log;
  }

  /** @param by the address of who wants it. */
  start(session: string, options: CaptureOptions, by: string): ByteStream | CaptureRefusal {
    const { feed, table, post } = this.#options;
    const row = table.find(session);
    if (row === undefined) return 'no-such-session';
    if (this.#running.has(session)) return 'already-captured';
    if (this.#running.size >= MOST_AT_ONCE) return 'too-many-captures';
    const { seconds, bytes, packets, snaplen, auth } = options;
    const { user } = row;
    const head = this.#head(row, options);
    const { port1, port2 } = new MessageChannel();
    const stream = new CaptureStream(port1, head, outcome => this.#onOver(row, by, outcome));
    this.#running.set(session, stream);
    const plan = {
      seconds,
      bytes: bytes - head.length - STATISTICS_LENGTH,
      frames: packets ?? Number.POSITIVE_INFINITY,
      snapLength: snaplen ?? 0,
      authentication: auth,
    };
    post(row.worker, { kind: 'capture', session: row.id, plan, port: port2 }, [port2]);
    this.#log.info({ ...clientFacts(row), by, ...options }, 'capture started');
    feed.emit(() => ({ type: 'capture', phase: 'started', session, user, by, seconds, auth }));
    return stream;
  }

  /** Ends the capture of this session in good order; false when there is none. */
  stop(session: string): boolean {
    const stream = this.#running.get(session);
    stream?.stop();
    return stream !== undefined;
  }

  #onOver(row: SessionRow, by: string, outcome: CaptureOutcome): void {
    const { publicId: session, user } = row;
    this.#running.delete(session);
    this.#log.info({ ...clientFacts(row), by, ...outcome }, 'capture ended');
    this.#options.feed.emit(() => ({ type: 'capture', phase: 'ended', session, user, by, ...outcome }));
  }

  /**
   * The blocks in front of the frames. Files are passed on to others: that a capture has no authentication in it is worth nothing when
   * its head has the user's name.
   */
  #head(row: SessionRow, { auth, snaplen = 0 }: CaptureOptions): Uint8Array {
    const { version, node } = this.#options;
    const facts = [
      `session ${row.publicId} of ${node}, from ${hostPort(row.remoteAddress, row.remotePort)}`,
      `${row.tls.version} ${row.tls.cipher}, connected at ${new Date(row.connectedAt).toISOString()}, ${row.state}`,
      `PPP frames as they are in the tunnel; authentication is ${auth ? 'in it' : 'blanked'}`,
    ];
    return Buffer.concat([
      encodeSectionHeader(`sstp-gateway ${version}`, facts.join('\n')),
      encodeInterface(`sstp ${row.publicId}`, snaplen),
    ]);
  }
}
