/**
 * Replies to requests that were honoured already, so that a retransmission is answered again and a replay does nothing.
 *
 * A request's authenticator covers all its bytes and the secret: two requests with the same one are the same request. Only requests of
 * those who know a secret get here, so that a stranger cannot push others out.
 */
export class ReplyCache {
  readonly #lifetimeMs: number;
  readonly #limit: number;
  /** In the order in which they expire. */
  readonly #replies = new Map<string, { readonly reply: Uint8Array; readonly expiresAt: number }>();

  constructor(lifetimeMs: number, limit: number) {
    this.#lifetimeMs = lifetimeMs;
    this.#limit = limit;
  }

  /** `now`: milliseconds of a clock that does not jump, here and below. */
  find(authenticator: Uint8Array, now: number): Uint8Array | undefined {
    const known = this.#replies.get(keyOf(authenticator));
    return known !== undefined && known.expiresAt > now ? known.reply : undefined;
  }

  /** The oldest gives way when there are too many. */
  add(authenticator: Uint8Array, reply: Uint8Array, now: number): void {
    this.#replies.delete(keyOf(authenticator));
    for (const [key, { expiresAt }] of this.#replies) {
      if (expiresAt > now && this.#replies.size < this.#limit) break;
      this.#replies.delete(key);
    }
    this.#replies.set(keyOf(authenticator), { reply, expiresAt: now + this.#lifetimeMs });
  }
}

function keyOf(authenticator: Uint8Array): string {
  return Buffer.from(authenticator).toString('latin1');
}
