import type { GatewayEvent, GatewayOccurrence } from '../admin/gateway-event.ts';

type Listener = (event: GatewayEvent) => void;

/** Hands each event to all that listen, in the order in which things happened. Nothing is kept for those who come later. */
export class EventFeed {
  readonly #listeners = new Set<Listener>();

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
}
