/**
 * Tells the sparse flows of a tunnel (pings, names, keystrokes, voice) from bulk ones, while packets queue. A flow that sends
 * no more than its credit, which refills with time, may pass the bulk queue; one that sends more queues behind itself.
 * The table is direct-mapped: flows that share a place share their credit, at worst as one bulk flow.
 */

/** Bytes that a flow may send at once before it counts as bulk: two full packets. */
const BURST = 3000;
/** How fast the credit refills, bytes per millisecond: 400 kbit/s, well above voice and interactive use. */
const REFILL_PER_MS = 50;
/** Flows that are told apart. */
const PLACES = 256;

export class FlowCredits {
  readonly #spent = new Float64Array(PLACES);
  readonly #at = new Float64Array(PLACES);
  /** Ticket of the flow's last packet in the bulk queue. */
  readonly #bulkTicket = new Float64Array(PLACES);

  /**
   * Books a packet. @returns true when it may pass the bulk queue.
   * @param flow hash of the flow.
   * @param ticket what the bulk queue would number the packet.
   * @param served ticket up to which the bulk queue has been served: a flow never overtakes its own packets.
   */
  isSparse(flow: number, bytes: number, now: number, ticket: number, served: number): boolean {
    const place = flow & (PLACES - 1);
    const refilled = (now - this.#at[place]!) * REFILL_PER_MS;
    const spent = Math.max(0, this.#spent[place]! - refilled) + bytes;
    // No deeper in debt than one burst: after bulk, a flow is sparse again within a tenth of a second.
    this.#spent[place] = Math.min(spent, 2 * BURST);
    this.#at[place] = now;
    if (spent <= BURST && this.#bulkTicket[place]! <= served) return true;
    this.#bulkTicket[place] = ticket;
    return false;
  }
}
