// The option negotiation automaton of RFC 1661 4: table, Restart timer and restart counter. What packets say and which
// options are wanted is not known here.
import { type Action, type Event, State, transition } from './transition-table.ts';

/** RFC 1661 4.6, and this project's two additions to the Restart timer. */
export interface RestartOptions {
  /** Max-Configure. */
  readonly maxConfigure: number;
  /** Max-Terminate. */
  readonly maxTerminate: number;
  /** Restart timer for Configure-Requests. */
  readonly restartMs: number;
  /** Restart timer after the very first Configure-Request, when it differs. */
  readonly firstRestartMs: number;
  /** Restart timer for Terminate-Requests, and the pause after a peer's Terminate-Request. */
  readonly terminateMs: number;
}

/** The defaults of RFC 1661 4.6, but for Terminate-Requests: over TCP an answer comes soon or never. */
export const DEFAULT_RESTART: RestartOptions = {
  maxConfigure: 10,
  maxTerminate: 2,
  restartMs: 3000,
  firstRestartMs: 3000,
  terminateMs: 1000,
};

/** The actions of RFC 1661 4.4 that reach beyond the automaton. None may fire an event. */
export interface AutomatonOutput {
  /** tlu */
  thisLayerUp(now: number): void;
  /** tld */
  thisLayerDown(): void;
  /** tlf; its counterpart tls has no use on a link whose lower layer is always wanted. */
  thisLayerFinished(): void;
  /** scr */
  sendConfigureRequest(): void;
  /** sca */
  sendConfigureAck(): void;
  /** scn */
  sendConfigureNakOrReject(): void;
  /** str */
  sendTerminateRequest(): void;
  /** sta */
  sendTerminateAck(): void;
  /** scj */
  sendCodeReject(): void;
  /** ser */
  sendEchoReply(): void;
}

export class Automaton {
  /** When the Restart timer expires; Infinity while it is stopped. Changes in `fire` and `handleTimeout`. */
  deadline = Number.POSITIVE_INFINITY;
  #state: State = State.Initial;
  #restartCount = 0;
  #requested = false;
  readonly #output: AutomatonOutput;
  readonly #options: RestartOptions;

  constructor(output: AutomatonOutput, options: RestartOptions) {
    this.#output = output;
    this.#options = options;
  }

  get state(): State {
    return this.#state;
  }

  /** An event that cannot occur in the present state changes nothing. */
  fire(event: Event, now: number): void {
    const found = transition(this.#state, event);
    if (found === undefined) return;
    // The state changes first, so that an action which looks at it sees where the automaton is going.
    this.#state = found.next;
    for (const action of found.actions) this.#perform(action, found.actions, now);
    if (!hasRestartTimer(found.next)) this.deadline = Number.POSITIVE_INFINITY;
  }

  handleTimeout(now: number): void {
    if (now < this.deadline) return;
    this.fire(this.#restartCount > 0 ? 'TO+' : 'TO-', now);
  }

  #perform(action: Action, all: readonly Action[], now: number): void {
    switch (action) {
      case 'tlu':
        return this.#output.thisLayerUp(now);
      case 'tld':
        return this.#output.thisLayerDown();
      case 'tls':
        return undefined;
      case 'tlf':
        return this.#output.thisLayerFinished();
      case 'irc':
        this.#restartCount = all.includes('str') ? this.#options.maxTerminate : this.#options.maxConfigure;
        return undefined;
      case 'zrc':
        this.#restartCount = 0;
        this.deadline = now + this.#options.terminateMs;
        return undefined;
      case 'scr':
        this.#restartCount -= 1;
        this.deadline = now + (this.#requested ? this.#options.restartMs : this.#options.firstRestartMs);
        this.#requested = true;
        return this.#output.sendConfigureRequest();
      case 'str':
        this.#restartCount -= 1;
        this.deadline = now + this.#options.terminateMs;
        return this.#output.sendTerminateRequest();
      case 'sca':
        return this.#output.sendConfigureAck();
      case 'scn':
        return this.#output.sendConfigureNakOrReject();
      case 'sta':
        return this.#output.sendTerminateAck();
      case 'scj':
        return this.#output.sendCodeReject();
      case 'ser':
        return this.#output.sendEchoReply();
    }
  }
}

/** RFC 1661 4.2: Closing, Stopping, Req-Sent, Ack-Rcvd and Ack-Sent have it running, no other state has. */
function hasRestartTimer(state: State): boolean {
  return state >= State.Closing && state <= State.AckSent;
}
