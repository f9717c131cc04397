// One control protocol of a link (RFC 1661 5): turns packets into events of the automaton, and the automaton's actions
// into packets. What is negotiated is the policy's business; LCP adds its own codes in a subclass.
import {
  codeReject,
  ControlCode,
  type CpPacket,
  decodeCpPacket,
  encodeCpPacket,
  encodeOptions,
  parseOptions,
} from '../../wire/control-protocol.ts';
import { isWireError } from '../../wire/wire-error.ts';
import { Automaton, type AutomatonOutput, type RestartOptions } from './automaton.ts';
import type { PppEndReason } from './end-reason.ts';
import type { Judgement, OptionPolicy } from './option-policy.ts';
import { State } from './transition-table.ts';

/** RFC 1661 4.6: Naks without an Ack in between, after which values are rejected instead. */
const MAX_FAILURE = 5;
// RFC 1661 counts retransmissions, but every Nak of the peer starts that count anew, so that two sides which never agree
// would talk for ever. Honest negotiations need fewer than ten rounds; these bounds leave room for ten timeouts beside.
const MAX_REQUESTS = 40;
const MAX_REFUSALS = 40;
/** Options in one Configure-Request: answers repeat or replace each of them, and must fit into a packet themselves. */
const MAX_OPTIONS = 64;
/** Openings of one protocol on one link. Each one moves routes and sessions elsewhere, at the peer's word. */
const MAX_OPENINGS = 10;

export interface ControlProtocolOutput {
  /** One packet of this protocol: a PPP information field. */
  send(information: Uint8Array): void;
  opened(now: number): void;
  /** Opened no longer: closed by either side, or being negotiated again. */
  closed(): void;
  /** The automaton came to rest in Closed or Stopped and needs the lower layer no longer. */
  finished(): void;
  /** The negotiation cannot succeed: the owner should close. May come again until it does. */
  failed(reason: PppEndReason): void;
  /** The peer asks to terminate, in whatever state; its answer goes out next. */
  terminating(): void;
}

export class ControlProtocol {
  protected readonly output: ControlProtocolOutput;
  readonly #automaton: Automaton;
  readonly #policy: OptionPolicy;
  readonly #transmitLimit: () => number;
  #id = 0;
  /** Between the first Configure-Request of a negotiation and its end. */
  #negotiating = false;
  #requests = 0;
  #refusals = 0;
  #naks = 0;
  #openings = 0;
  /** Our last Configure-Request, until the peer has answered it: a second answer is a duplicate. */
  #outstanding: CpPacket | undefined;
  /** The packet that the automaton is looking at, and the answer to it when it is a Configure-Request. */
  #received: CpPacket | undefined;
  #judgement: Judgement | undefined;

  /** `transmitLimit`: bytes of the longest information field that the peer takes; bounds what quotes its own packets. */
  constructor(
    policy: OptionPolicy,
    output: ControlProtocolOutput,
    restart: RestartOptions,
    transmitLimit: () => number,
  ) {
    this.#policy = policy;
    this.output = output;
    this.#transmitLimit = transmitLimit;
    this.#automaton = new Automaton(this.#actions(), restart);
  }

  /** When `handleTimeout` wants to be called; may change with every input. */
  get deadline(): number {
    return this.#automaton.deadline;
  }

  get state(): State {
    return this.#automaton.state;
  }

  get isOpened(): boolean {
    return this.#automaton.state === State.Opened;
  }

  /** The Open and Up events: starts to negotiate at once. */
  start(now: number): void {
    this.#automaton.fire('Open', now);
    this.#automaton.fire('Up', now);
  }

  /** The Close event. */
  close(now: number): void {
    this.#automaton.fire('Close', now);
  }

  /** The Down event: the layer below is gone, nothing is sent. */
  lowerDown(): void {
    // This event starts no timer, so that the time does not matter.
    this.#automaton.fire('Down', 0);
    this.#forgetNegotiation();
  }

  /** Down and Up: negotiates anew. `closed` is called when it was opened. */
  restart(now: number): void {
    this.lowerDown();
    this.#automaton.fire('Up', now);
  }

  /** One PPP information field. What is malformed or out of sequence is discarded silently, as RFC 1661 5 demands. */
  receive(information: Uint8Array, now: number): void {
    const packet = decodeCpPacket(information);
    if (isWireError(packet) || this.state === State.Initial || this.state === State.Starting) return;
    this.#received = packet;
    switch (packet.code) {
      case ControlCode.ConfigureRequest:
        return this.#receiveRequest(packet, now);
      case ControlCode.ConfigureAck:
        return this.#receiveAck(packet, now);
      case ControlCode.ConfigureNak:
      case ControlCode.ConfigureReject:
        return this.#receiveRefusal(packet, now);
      case ControlCode.TerminateRequest:
        this.output.terminating();
        return this.fire('RTR', now);
      case ControlCode.TerminateAck:
        return this.fire('RTA', now);
      case ControlCode.CodeReject:
        return this.#receiveCodeReject(packet, now);
      default:
        return this.receiveOther(packet, now);
    }
  }

  handleTimeout(now: number): void {
    this.#automaton.handleTimeout(now);
  }

  /** Codes above 7. NCPs have none of them. */
  protected receiveOther(_packet: CpPacket, now: number): void {
    this.fire('RUC', now);
  }

  /** The answer to an Echo-Request. Only LCP has one. */
  protected echoReply(_request: CpPacket): CpPacket | undefined {
    return undefined;
  }

  protected fire(event: Parameters<Automaton['fire']>[0], now: number): void {
    this.#automaton.fire(event, now);
  }

  protected send(packet: CpPacket): void {
    this.output.send(encodeCpPacket(packet));
  }

  /** Identifiers are never 0, which some implementations use for "none". */
  protected nextId(): number {
    this.#id = (this.#id % 0xff) + 1;
    return this.#id;
  }

  // -- Packets into events --------------------------------------------------------------------------------------------

  #receiveRequest(packet: CpPacket, now: number): void {
    const options = parseOptions(packet.data);
    if (isWireError(options) || options.length > MAX_OPTIONS) return;
    // In these states the answer is a Terminate-Ack or nothing, whatever the options are.
    if (this.state === State.Closed || this.state === State.Closing || this.state === State.Stopping) {
      return this.fire('RCR+', now);
    }
    const judgement = this.#policy.judge(options, this.#naks < MAX_FAILURE);
    if (judgement.kind === 'give-up') return this.output.failed(judgement.reason);
    this.#judgement = judgement;
    this.fire(judgement.kind === 'ack' ? 'RCR+' : 'RCR-', now);
  }

  #receiveAck(packet: CpPacket, now: number): void {
    const request = this.#outstanding;
    // RFC 1661 5.2: an Ack repeats identifier and options exactly, or it is invalid.
    if (request === undefined || packet.id !== request.id || !sameBytes(packet.data, request.data)) return;
    this.#outstanding = undefined;
    const impossible = this.#policy.acknowledged();
    if (impossible === undefined) this.fire('RCA', now);
    else this.output.failed(impossible);
  }

  #receiveRefusal(packet: CpPacket, now: number): void {
    const request = this.#outstanding;
    const options = parseOptions(packet.data);
    if (request === undefined || packet.id !== request.id || isWireError(options)) return;
    this.#outstanding = undefined;
    const impossible =
      packet.code === ControlCode.ConfigureNak ? this.#policy.naked(options) : this.#policy.rejected(options);
    if (impossible === undefined) this.fire('RCN', now);
    else this.output.failed(impossible);
  }

  #receiveCodeReject(packet: CpPacket, now: number): void {
    const [code] = packet.data;
    if (code === undefined) return;
    // Without the codes of the automaton itself there is no negotiation.
    const fatal = code >= ControlCode.ConfigureRequest && code <= ControlCode.CodeReject;
    this.fire(fatal ? 'RXJ-' : 'RXJ+', now);
  }

  // -- Actions into packets -------------------------------------------------------------------------------------------

  #actions(): AutomatonOutput {
    return {
      thisLayerUp: now => this.#thisLayerUp(now),
      thisLayerDown: () => this.output.closed(),
      thisLayerFinished: () => {
        this.#forgetNegotiation();
        this.output.finished();
      },
      sendConfigureRequest: () => this.#sendConfigureRequest(),
      sendConfigureAck: () => this.#sendConfigureAck(),
      sendConfigureNakOrReject: () => this.#sendConfigureNakOrReject(),
      sendTerminateRequest: () => {
        this.#forgetNegotiation();
        this.send({ code: ControlCode.TerminateRequest, id: this.nextId(), data: new Uint8Array(0) });
      },
      sendTerminateAck: () => this.#sendTerminateAck(),
      sendCodeReject: () => {
        if (this.#received !== undefined) this.send(codeReject(this.nextId(), this.#received, this.#transmitLimit()));
      },
      sendEchoReply: () => {
        const reply = this.#received === undefined ? undefined : this.echoReply(this.#received);
        if (reply !== undefined) this.send(reply);
      },
    };
  }

  #thisLayerUp(now: number): void {
    this.#forgetNegotiation();
    this.#openings += 1;
    if (this.#openings > MAX_OPENINGS) this.output.failed(this.#policy.failure);
    else this.output.opened(now);
  }

  #sendConfigureRequest(): void {
    if (!this.#negotiating) {
      this.#policy.restart();
      this.#negotiating = true;
    }
    this.#requests += 1;
    if (this.#requests > MAX_REQUESTS) return this.output.failed(this.#policy.failure);
    const data = encodeOptions(this.#policy.request());
    const last = this.#outstanding;
    // RFC 1661 5.1: a retransmission keeps its identifier, so that a late answer to the first copy still counts.
    const id = last !== undefined && sameBytes(last.data, data) ? last.id : this.nextId();
    this.#outstanding = { code: ControlCode.ConfigureRequest, id, data };
    this.send(this.#outstanding);
  }

  #sendConfigureAck(): void {
    if (this.#received === undefined) return;
    this.#naks = 0;
    this.send({ ...this.#received, code: ControlCode.ConfigureAck });
  }

  #sendConfigureNakOrReject(): void {
    const [received, judgement] = [this.#received, this.#judgement];
    if (received === undefined || (judgement?.kind !== 'nak' && judgement?.kind !== 'reject')) return;
    this.#refusals += 1;
    if (this.#refusals > MAX_REFUSALS) return this.output.failed(this.#policy.failure);
    if (judgement.kind === 'nak') this.#naks += 1;
    this.send({
      code: judgement.kind === 'nak' ? ControlCode.ConfigureNak : ControlCode.ConfigureReject,
      id: received.id,
      data: encodeOptions(judgement.options),
    });
  }

  /** Answers a Terminate-Request with its identifier; a Configure packet in Closed is answered with that packet's. */
  #sendTerminateAck(): void {
    const id = this.#received?.id ?? this.nextId();
    this.send({ code: ControlCode.TerminateAck, id, data: new Uint8Array(0) });
  }

  #forgetNegotiation(): void {
    this.#negotiating = false;
    this.#outstanding = undefined;
    this.#requests = 0;
    this.#refusals = 0;
    this.#naks = 0;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
