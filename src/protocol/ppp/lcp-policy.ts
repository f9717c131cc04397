// What both ends of an SSTP link want from LCP (RFC 1661 6): an MRU and a magic number, and none of the options that save
// bytes or bundle links, which SSTP has no use for. Who authenticates whom is left to the two subclasses.
import type { CpOption } from '../../wire/control-protocol.ts';
import { DEFAULT_MRU, LcpOption, magicNumberOption, mruOption, parseMagicNumber, parseMru } from '../../wire/lcp.ts';
import { MAX_INFORMATION_LENGTH } from '../../wire/ppp.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { PppEndReason } from './end-reason.ts';
import { type Judgement, JudgementBuilder, type OptionPolicy } from './option-policy.ts';

/** What IPv4 hosts must accept anyway; below it IP is not worth carrying. */
const MIN_MRU = 576;
/** What Windows asks for: an SSTP packet without its header (MS-SSTP 3.1.5.2). */
const MAX_MRU = 4091;
/** Configure-Requests with our own magic number in a row. By chance one in 2^32 has it, a loopback all of them. */
const MAX_LOOPS = 10;
const MAP_LENGTH = 4;

export abstract class LcpPolicy implements OptionPolicy {
  readonly failure: PppEndReason = 'lcp-failed';
  readonly #random: (length: number) => Uint8Array;
  readonly #configuredMru: number;
  /** What our next request asks for; undefined once the peer has rejected the option. */
  #mru: number | undefined;
  #magic: number | undefined;
  #agreedMagic = 0;
  #peerMru = DEFAULT_MRU;
  #loops = 0;

  constructor(mru: number, random: (length: number) => Uint8Array) {
    this.#configuredMru = mru;
    this.#random = random;
  }

  /** Our magic number for Echo packets; 0 when the peer did not want to hear of any. */
  get magic(): number {
    return this.#agreedMagic;
  }

  /** The longest information field that the peer was told to send, in bytes. */
  get mru(): number {
    return this.#mru ?? DEFAULT_MRU;
  }

  /** The longest information field to send, in bytes: the peer's MRU, but not more than an SSTP packet can carry. */
  get transmitLimit(): number {
    return Math.min(this.#peerMru, MAX_INFORMATION_LENGTH);
  }

  restart(): void {
    this.#mru = this.#configuredMru;
    this.#magic ??= this.#newMagic();
    this.restartAuthentication();
  }

  request(): readonly CpOption[] {
    const authentication = this.authenticationRequest();
    return [
      ...(this.#mru === undefined ? [] : [mruOption(this.#mru)]),
      ...(authentication === undefined ? [] : [authentication]),
      ...(this.#magic === undefined ? [] : [magicNumberOption(this.#magic)]),
    ];
  }

  acknowledged(): PppEndReason | undefined {
    this.#agreedMagic = this.#magic ?? 0;
    return undefined;
  }

  naked(options: readonly CpOption[]): PppEndReason | undefined {
    for (const option of options) {
      const impossible = this.#nakedOption(option);
      if (impossible !== undefined) return impossible;
    }
    return undefined;
  }

  rejected(options: readonly CpOption[]): PppEndReason | undefined {
    for (const { type } of options) {
      if (type === LcpOption.Mru) this.#mru = undefined;
      if (type === LcpOption.MagicNumber) this.#magic = undefined;
      if (type === LcpOption.AuthenticationProtocol) {
        const impossible = this.authenticationRejected();
        if (impossible !== undefined) return impossible;
      }
    }
    return undefined;
  }

  judge(asked: readonly CpOption[], mayNak: boolean): Judgement {
    const own = asked.find(option => this.#hasOwnMagic(option));
    if (own !== undefined) return this.#judgeLoopback();
    this.#loops = 0;
    const answer = new JudgementBuilder(mayNak);
    let peerMru = DEFAULT_MRU;
    for (const option of asked) {
      switch (option.type) {
        case LcpOption.Mru:
          peerMru = this.#judgeMru(option, answer);
          break;
        case LcpOption.AsyncControlCharacterMap:
          // There are no control characters to map in SSTP, so any map will do; pppd always sends one.
          if (option.value.length !== MAP_LENGTH) answer.reject(option);
          break;
        case LcpOption.MagicNumber:
          this.#judgeMagic(option, answer);
          break;
        case LcpOption.AuthenticationProtocol:
          this.judgeAuthentication(option, answer);
          break;
        default:
          answer.reject(option);
      }
    }
    const impossible = this.judgeMissing(asked, answer, mayNak);
    if (impossible !== undefined) return { kind: 'give-up', reason: impossible };
    const judgement = answer.judgement();
    if (judgement.kind === 'ack') this.#peerMru = peerMru;
    return judgement;
  }

  // -- Authentication: the server demands it in its request, the client judges that demand -----------------------------

  protected restartAuthentication(): void {}

  protected authenticationRequest(): CpOption | undefined {
    return undefined;
  }

  /** The peer suggests another Authentication-Protocol than our request had. */
  protected authenticationNaked(_suggested: CpOption): PppEndReason | undefined {
    return undefined;
  }

  protected authenticationRejected(): PppEndReason | undefined {
    return undefined;
  }

  protected abstract judgeAuthentication(asked: CpOption, answer: JudgementBuilder): void;

  /** Sees the whole request after its options were judged: for what is not in it. */
  protected judgeMissing(
    _asked: readonly CpOption[],
    _answer: JudgementBuilder,
    _mayNak: boolean,
  ): PppEndReason | undefined {
    return undefined;
  }

  // -- MRU and magic number -------------------------------------------------------------------------------------------

  #nakedOption(option: CpOption): PppEndReason | undefined {
    switch (option.type) {
      case LcpOption.Mru:
        this.#mru = this.#mruSuggested(option);
        return undefined;
      case LcpOption.MagicNumber:
        if (this.#magic !== undefined) this.#magic = this.#newMagic();
        return undefined;
      case LcpOption.AuthenticationProtocol:
        return this.authenticationNaked(option);
      default:
        return undefined;
    }
  }

  /**
   * Our MRU limits only what we receive, and we receive whatever SSTP can carry, so any suggestion is welcome: the Open
   * SSTP Client insists on not less than its own MTU. An absurd one is answered by falling silent, which means 1500.
   */
  #mruSuggested(option: CpOption): number | undefined {
    const mru = parseMru(option.value);
    return isWireError(mru) || mru < MIN_MRU || mru > MAX_MRU ? undefined : mru;
  }

  #judgeMru(option: CpOption, answer: JudgementBuilder): number {
    const mru = parseMru(option.value);
    if (isWireError(mru)) answer.reject(option);
    else if (mru < MIN_MRU) answer.nak(option, mruOption(MIN_MRU));
    else if (mru > MAX_MRU) answer.nak(option, mruOption(MAX_MRU));
    else return mru;
    return DEFAULT_MRU;
  }

  #judgeMagic(option: CpOption, answer: JudgementBuilder): void {
    const magic = parseMagicNumber(option.value);
    if (isWireError(magic)) answer.reject(option);
    else if (magic === 0) answer.nak(option, magicNumberOption(this.#newMagic()));
  }

  #hasOwnMagic(option: CpOption): boolean {
    return (
      this.#magic !== undefined &&
      option.type === LcpOption.MagicNumber &&
      parseMagicNumber(option.value) === this.#magic
    );
  }

  /**
   * RFC 1661 6.4: a Nak with another number. It goes before every Reject and has its own limit: on a looped link the
   * other options are our own too, and refusing them would end the link for a reason that is not the cause.
   */
  #judgeLoopback(): Judgement {
    this.#loops += 1;
    if (this.#loops > MAX_LOOPS) return { kind: 'give-up', reason: 'lcp-loopback' };
    return { kind: 'nak', options: [magicNumberOption(this.#newMagic())] };
  }

  #newMagic(): number {
    // Zero is not a magic number, RFC 1661 6.4.
    return this.#random(4).reduce((number, byte) => ((number << 8) | byte) >>> 0, 0) || 1;
  }
}
