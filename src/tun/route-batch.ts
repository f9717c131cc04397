// Host routes tell the kernel which device an address is behind. This class holds the routes that are wanted and keeps the kernel to them
// through one `ip` child process.
//
// It reconciles rather than forwards: a change only marks its destination, and one batch at a time brings what is marked to its wanted
// state. So a burst of changes collapses to one write, a route that came and went in between costs nothing, and after the child's death
// everything is marked and applied again. Each route carries a protocol number of its own, which removal names: a route that somebody
// else made to the same destination stays.

import { isIP } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { IpBatch, type LineFailure } from './ip-batch.ts';
import type { IpCommandError } from './ip-command.ts';
import { isInterfaceName } from './interface-name.ts';

/** rtm_protocol of our routes: above 4 and not among those that iproute2's rt_protos names. */
const ROUTE_PROTOCOL = 143;

/** Bounds the text that waits in the pipe, and the time until a change that comes meanwhile is looked at. */
const BATCH_LINES = 4096;

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

export interface RouteBatchEvents {
  /** The kernel refused a route; the class does not try again by itself. `line` is the command, `message` what `ip` said. */
  refused(failure: LineFailure): void;
  /** The child ended or could not be started. It is started again after `retryInMs`, and all routes are applied again. */
  lost(error: IpCommandError, retryInMs: number): void;
}

/** Where a destination is to lead. */
interface WantedRoute {
  readonly device: string;
  /** Bytes; undefined for the device's. */
  readonly mtu: number | undefined;
}

export class RouteBatch {
  readonly #events: RouteBatchEvents;
  readonly #wanted = new Map<string, WantedRoute>();
  /** Destinations to which the kernel may hold a route of ours. */
  readonly #present = new Set<string>();
  /** Destinations whose route is to be brought to its wanted state. */
  readonly #marked = new Set<string>();
  #child: IpBatch | undefined;
  /** Deaths of the child since a batch went through. */
  #deaths = 0;
  /** Destinations in the batch that runs. */
  #running: ReadonlySet<string> = new Set();
  /** Who waits for a destination to be applied. */
  readonly #waits = new Map<string, (() => void)[]>();
  #work: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(events: RouteBatchEvents) {
    this.#events = events;
  }

  /** The `ip` child's process id, while there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Routes `destination` ('10.66.0.7/32', '2001:db8:7::/64') to `device`, in place of an earlier route, for packets of at most `mtu` bytes. Takes effect within milliseconds;
   * adding what is there applies it again.
   */
  add(destination: string, device: string, mtu?: number): void {
    // Malformed words would end the child instead of failing a line.
    if (!isDestination(destination) || !isInterfaceName(device))
      throw new TypeError(`no route: ${destination} ${device}`);
    if (this.#closing.signal.aborted) return;
    this.#wanted.set(destination, { device, mtu });
    this.#mark(destination);
  }

  /** Removes the route, unless the destination has been given to another device since. Without one, nothing happens. */
  remove(destination: string, device: string): void {
    if (this.#wanted.get(destination)?.device !== device) return;
    this.#wanted.delete(destination);
    this.#mark(destination);
  }

  /** A device was made anew under its old name. `ip` remembers the interface that a name stood for, so a new child applies every route again. */
  async renew(): Promise<void> {
    await this.settled();
    const child = this.#child;
    this.#child = undefined;
    for (const destination of this.#wanted.keys()) this.#mark(destination);
    await child?.close();
  }

  /** Resolves when the last change of this destination is the kernel's, or was refused, or the batch was closed before that. */
  applied(destination: string): Promise<void> {
    if (!this.#marked.has(destination) && !this.#running.has(destination)) return Promise.resolve();
    return new Promise(resolve => {
      const waits = this.#waits.get(destination);
      if (waits === undefined) this.#waits.set(destination, [resolve]);
      else waits.push(resolve);
    });
  }

  /** Resolves when every change so far has been applied, however often the child must be started for it. */
  async settled(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  /** Removes all routes, as far as a last attempt can, and ends the child. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const destination of this.#wanted.keys()) this.#mark(destination);
    for (const destination of this.#present) this.#mark(destination);
    this.#wanted.clear();
    await this.settled();
    const child = this.#child;
    this.#child = undefined;
    await child?.close();
    for (const destination of this.#waits.keys()) this.#tell(destination);
  }

  #mark(destination: string): void {
    this.#marked.add(destination);
    this.#wake();
  }

  #wake(): void {
    this.#work ??= this.#reconcile().finally(() => {
      this.#work = undefined;
    });
  }

  async #reconcile(): Promise<void> {
    await nextTurn();
    while (this.#marked.size > 0) {
      await this.#pause();
      try {
        await this.#applySome();
        this.#deaths = 0;
      } catch (error) {
        this.#childLost(error as IpCommandError);
        if (this.#closing.signal.aborted) return;
      }
    }
  }

  /** Brings up to BATCH_LINES marked destinations to their wanted state. */
  async #applySome(): Promise<void> {
    const lines: string[] = [];
    const removed: string[] = [];
    const taken = new Set<string>();
    for (const destination of this.#marked) {
      if (lines.length === BATCH_LINES) break;
      this.#marked.delete(destination);
      const wanted = this.#wanted.get(destination);
      if (wanted !== undefined) {
        const mtu = wanted.mtu === undefined ? '' : ` mtu ${wanted.mtu}`;
        lines.push(`route replace ${destination} dev ${wanted.device} proto ${ROUTE_PROTOCOL}${mtu}`);
        this.#present.add(destination);
        taken.add(destination);
      } else if (this.#present.has(destination)) {
        lines.push(`route del ${destination} proto ${ROUTE_PROTOCOL}`);
        removed.push(destination);
        taken.add(destination);
      } else {
        this.#tell(destination);
      }
    }
    if (lines.length === 0) return;
    this.#running = taken;
    await this.#run(lines);
    this.#running = new Set();
    for (const destination of removed) this.#present.delete(destination);
    for (const destination of taken) if (!this.#marked.has(destination)) this.#tell(destination);
  }

  async #run(lines: readonly string[]): Promise<void> {
    this.#child ??= new IpBatch(error => {
      this.#childLost(error);
      this.#wake();
    });
    const failures = await this.#child.run(lines);
    for (const failure of failures) {
      if (!isGoneAlready(failure)) this.#events.refused(failure);
    }
  }

  #tell(destination: string): void {
    for (const resolve of this.#waits.get(destination) ?? []) resolve();
    this.#waits.delete(destination);
  }

  #childLost(error: IpCommandError): void {
    this.#child = undefined;
    this.#running = new Set();
    this.#deaths += 1;
    for (const destination of this.#wanted.keys()) this.#marked.add(destination);
    for (const destination of this.#present) this.#marked.add(destination);
    this.#events.lost(error, this.#pauseMs());
  }

  #pauseMs(): number {
    return this.#deaths === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (this.#deaths - 1), LONGEST_PAUSE_MS);
  }

  /** After a death, waits before the next attempt; closing cuts it short. */
  async #pause(): Promise<void> {
    const pauseMs = this.#pauseMs();
    if (pauseMs === 0) return;
    // The only rejection is the abort.
    await sleep(pauseMs, undefined, { signal: this.#closing.signal }).catch(() => {});
  }
}

function isDestination(text: string): boolean {
  const [address = '', prefixLength = '', ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || rest.length > 0 || !/^\d{1,3}$/.test(prefixLength)) return false;
  return Number(prefixLength) <= (family === 4 ? 32 : 128);
}

/** Removing a route that vanished with its device, or by somebody's hand. */
function isGoneAlready({ line, message }: LineFailure): boolean {
  return line.startsWith('route del') && message.includes('No such process');
}
