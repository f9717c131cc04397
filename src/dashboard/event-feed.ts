// The gateway's events, again and again connected to.
import type { FeedEvent } from './event-text.ts';
import type { GatewayClient } from './gateway-client.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

export class EventFeed {
  readonly #client: GatewayClient;
  readonly #listener: (event: FeedEvent) => void;
  #socket: WebSocket | undefined;
  #timer: number | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(client: GatewayClient, listener: (event: FeedEvent) => void) {
    this.#client = client;
    this.#listener = listener;
  }

  /** Does nothing when it is open, or about to be. */
  open(): void {
    if (this.#socket === undefined && this.#timer === undefined) this.#connect();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #connect(): void {
    this.#timer = undefined;
    const socket = this.#client.openEvents();
    this.#socket = socket;
    socket.addEventListener('open', () => (this.#pauseMs = FIRST_PAUSE_MS));
    socket.addEventListener('message', ({ data }) => this.#listener(JSON.parse(String(data)) as FeedEvent));
    socket.addEventListener('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#timer = setTimeout(() => this.#connect(), this.#pauseMs);
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    });
  }
}
