// Events for whoever holds a WebSocket open. A reader that is too slow misses events and is told how many: its queue has a limit.
import { type MetricFamily, single } from '../metric-family.ts';
import type { GatewayEvent } from './gateway-event.ts';
import type { GatewayView } from './gateway-view.ts';

/** What is needed of a WebSocket. */
export interface EventSocket {
  /** False: there was no room for it. */
  send(text: string): boolean;
}

export class EventSockets {
  readonly #view: Pick<GatewayView, 'listen'>;
  /** How many events each socket has missed since it was last told. */
  readonly #missed = new Map<EventSocket, number>();
  #unlisten: (() => void) | undefined;
  /** Of all sockets, since the start. */
  #missedInAll = 0;

  constructor(view: Pick<GatewayView, 'listen'>) {
    this.#view = view;
  }

  get size(): number {
    return this.#missed.size;
  }

  metrics(): MetricFamily[] {
    return [
      single('gauge', 'sstp_event_readers', 'WebSockets that events are sent to', () => this.size),
      single('counter', 'sstp_events_missed_total', 'Events that a reader was too slow for', () => this.#missedInAll),
    ];
  }

  add(socket: EventSocket): void {
    this.#missed.set(socket, 0);
    this.#unlisten ??= this.#view.listen(event => this.#broadcast(event));
  }

  delete(socket: EventSocket): void {
    this.#missed.delete(socket);
    if (this.#missed.size > 0) return;
    this.#unlisten?.();
    this.#unlisten = undefined;
  }

  /** The socket has room again. */
  drained(socket: EventSocket): void {
    const count = this.#missed.get(socket) ?? 0;
    if (count === 0) return;
    const at = new Date().toISOString();
    if (socket.send(JSON.stringify({ at, type: 'missed', count }))) this.#missed.set(socket, 0);
  }

  #broadcast(event: GatewayEvent): void {
    const text = JSON.stringify(event);
    for (const [socket, missed] of this.#missed) {
      // Nothing comes between what was missed and the word about it.
      if (missed === 0 && socket.send(text)) continue;
      this.#missed.set(socket, missed + 1);
      this.#missedInAll++;
    }
  }
}
