import type { SessionDescription, SessionId, ToWorker } from '../worker/messages.ts';

/** A worker that is busy for longer than this is worth a look itself, not a wait. */
const ANSWER_LIMIT_MS = 1_000;

/** Questions to workers about single sessions, and the answers that come, or do not. */
export class Descriptions {
  readonly #post: (worker: number, message: ToWorker) => void;
  readonly #waiting = new Map<number, (description: SessionDescription | undefined) => void>();
  #requests = 0;

  constructor(post: (worker: number, message: ToWorker) => void) {
    this.#post = post;
  }

  /** Undefined when the session is gone, and when there is no answer in time. */
  ask(worker: number, session: SessionId): Promise<SessionDescription | undefined> {
    const request = ++this.#requests;
    return new Promise(resolve => {
      const timer = setTimeout(() => this.answer(request, undefined), ANSWER_LIMIT_MS);
      this.#waiting.set(request, description => {
        clearTimeout(timer);
        resolve(description);
      });
      this.#post(worker, { kind: 'describe', request, session });
    });
  }

  /** One that comes too late is of no interest. */
  answer(request: number, description: SessionDescription | undefined): void {
    this.#waiting.get(request)?.(description);
    this.#waiting.delete(request);
  }
}
