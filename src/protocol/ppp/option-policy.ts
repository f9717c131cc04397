import type { CpOption } from '../../wire/control-protocol.ts';
import type { PppEndReason } from './end-reason.ts';

/** What to answer to a peer's Configure-Request. A request gets one answer, and Reject goes before Nak before Ack. */
export type Judgement =
  | { readonly kind: 'ack' }
  | { readonly kind: 'nak'; readonly options: readonly CpOption[] }
  | { readonly kind: 'reject'; readonly options: readonly CpOption[] }
  /** No answer can lead to an agreement any more. */
  | { readonly kind: 'give-up'; readonly reason: PppEndReason };

/**
 * What one side wants and accepts in one control protocol: everything that LCP, IPCP and IPv6CP do differently. The
 * methods that return a reason give up with it; undefined means that the negotiation goes on.
 */
export interface OptionPolicy {
  /** Why the link ends when the negotiation does not converge or the peer does not answer. */
  readonly failure: PppEndReason;
  /** A new negotiation starts: what the peer refused in an earlier one is wanted again. */
  restart(): void;
  /** The options of our next Configure-Request. */
  request(): readonly CpOption[];
  /** Our last request was acknowledged as it stands. */
  acknowledged(): PppEndReason | undefined;
  /** The peer suggests other values. The options come from the peer: any type, any value, any number. */
  naked(options: readonly CpOption[]): PppEndReason | undefined;
  /** The peer does not want these options of our last request. */
  rejected(options: readonly CpOption[]): PppEndReason | undefined;
  /**
   * Judges a Configure-Request. When the verdict is `ack`, its values are in force from now on. `mayNak` is false after
   * Max-Failure Naks (RFC 1661 4.6): a value that cannot be accepted is then rejected, and nothing is appended.
   */
  judge(asked: readonly CpOption[], mayNak: boolean): Judgement;
}

/** Sorts the options of a Configure-Request while a policy looks at them one by one. */
export class JudgementBuilder {
  readonly #naks: CpOption[] = [];
  readonly #rejects: CpOption[] = [];
  readonly #mayNak: boolean;

  constructor(mayNak: boolean) {
    this.#mayNak = mayNak;
  }

  reject(asked: CpOption): void {
    this.#rejects.push(asked);
  }

  /** Suggests another value for an option that the peer sent. */
  nak(asked: CpOption, wanted: CpOption): void {
    if (this.#mayNak) this.#naks.push(wanted);
    else this.#rejects.push(asked);
  }

  /** Suggests an option that the peer did not send. */
  append(wanted: CpOption): void {
    if (this.#mayNak) this.#naks.push(wanted);
  }

  judgement(): Judgement {
    if (this.#rejects.length > 0) return { kind: 'reject', options: this.#rejects };
    if (this.#naks.length > 0) return { kind: 'nak', options: this.#naks };
    return { kind: 'ack' };
  }
}
