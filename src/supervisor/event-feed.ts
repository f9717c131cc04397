import type { GatewayEvent, GatewayOccurrence } from '../admin/gateway-event.ts';
import { FloodGuard } from './flood-guard.ts';

type Listener = (event: GatewayEvent) => void;

/** What anybody on the network can cause, as often as it likes. */
type PeerOccurrence = Extract<GatewayOccurrence, { readonly type: 'refused' | 'auth-refused' }>;
type Kind = Pick<PeerOccurrence, 'type' | 'reason'>;

/** Of each type and reason: what a person can read, and a page can show. */
const LIMIT = { rate: 10, burst: 20, intervalMs: 1_000 };

/** Hands each event to all that listen, in the order in which things happened. Nothing is kept for those who come later. */
export class EventFeed {
  readonly #listeners = new Set<Listener>();

  readonly #guard = new FloodGuard<Kind>(
    LIMIT,
    ({ type, reason }) => `${type}: ${reason}`,
    ({ kind, count, since }) =>
      this.emit(() => ({ type: 'suppressed', event: kind.type, reason: kind.reason, count, since })),
  );

  /** @returns a function that ends it. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `occurrence` is only asked for when somebody listens. */
  emit(occurrence: () => GatewayOccurrence): void {
    if (this.#listeners.size === 0) return;
    const event: GatewayEvent = { at: new Date().toISOString(), ...occurrence() };
    for (const listener of this.#listeners) listener(event);
  }

  /** One of those that peers cause: of a flood the first are told, the others in sum. */
  emitOfPeer(occurrence: PeerOccurrence): void {
    const { type, reason } = occurrence;
    if (this.#listeners.size > 0 && this.#guard.admits({ type, reason })) this.emit(() => occurrence);
  }

  /** Tells what is still to be summed up. */
  close(): void {
    this.#guard.close();
  }
}
