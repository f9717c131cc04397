/**
 * What the server's and the client's SSTP call have in common (MS-SSTP 3.1): the output interface, the abort and
 * disconnect procedures with their timers, the Hello timer, and the dispatch of control messages.
 *
 * The spec's transient states (Call_Abort_In_Progress_1 and _2, Call_Disconnect_In_Progress_1 and _2) last while a
 * message is being handed to the layer below. Here that is one synchronous `sendControl`, so no input can ever meet them
 * and they have no name in the code.
 *
 * At any moment a call runs exactly one timer, and its state says which: so there is one `deadline`, and what its
 * expiry means is a switch on the state.
 */
import { viewOf } from '../../wire/bytes.ts';
import {
  AttributeId,
  encodeControlPacket,
  MessageType,
  parseControlPacket,
  Status,
  statusInfo,
  type ControlPacket,
} from '../../wire/sstp.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { CloseReason } from './close-reason.ts';

// Specification constants, MS-SSTP 3.1.2.
const ABORT_STATE_TIMER_1_MS = 3_000;
const ABORT_STATE_TIMER_2_MS = 1_000;
const DISCONNECT_STATE_TIMER_1_MS = 5_000;
const DISCONNECT_STATE_TIMER_2_MS = 1_000;

/** The wait states of a call that is ending, equal on both ends (MS-SSTP 3.2.1.1, 3.3.1.1). */
export type ClosingState =
  | 'CallAbortPending'
  | 'CallAbortTimeoutPending'
  | 'CallDisconnectAckPending'
  | 'CallDisconnectTimeoutPending';

/** Effects of a call. No method may call back into the call: the owner acts after the input has returned. */
export interface SstpOutput {
  /** One whole SSTP control packet in a buffer of its own. */
  sendControl(packet: Uint8Array): void;
  /** PPP may start: control frames flow from now on. */
  lowerLinkUp(): void;
  /** The crypto binding stands: data frames flow from now on. */
  callConnected(): void;
  /** PPP has lost its link. Exactly once for a call that had `lowerLinkUp`. */
  lowerLinkDown(reason: CloseReason): void;
  /** An abort or disconnect procedure starts, and frames stop flowing. At most once. */
  closing(reason: CloseReason): void;
  /** Close the HTTPS connection. Exactly once, and never after `disconnected()`. */
  closeConnection(reason: CloseReason): void;
}

export abstract class SstpCall<OpenState extends string, DisconnectedState extends string> {
  protected readonly output: SstpOutput;
  /** The state while the call is neither ending nor ended. */
  protected open: OpenState | undefined;
  readonly #disconnectedState: DisconnectedState;
  readonly #helloIntervalMs: number;
  /** Set while the call is ending; the reason is that of the first procedure. */
  #ending: { readonly state: ClosingState; readonly reason: CloseReason } | undefined;
  #deadline = Number.POSITIVE_INFINITY;
  #isUsed = false;
  #linkIsUp = false;
  #heardAt = Number.NEGATIVE_INFINITY;
  #probing = false;

  protected constructor(output: SstpOutput, disconnectedState: DisconnectedState, helloIntervalMs: number) {
    this.output = output;
    this.#disconnectedState = disconnectedState;
    this.#helloIntervalMs = helloIntervalMs;
  }

  get state(): OpenState | ClosingState | DisconnectedState {
    return this.open ?? this.#ending?.state ?? this.#disconnectedState;
  }

  /** When `handleTimeout` is due, in the owner's monotonic milliseconds. May change with every input but `heard`. */
  get deadline(): number {
    return this.#deadline;
  }

  /** MS-SSTP 3.1.7.1: whether PPP frames with protocol 0x8000 and above pass, in either direction. */
  abstract get passesControlFrames(): boolean;

  /** MS-SSTP 3.1.7.1: whether PPP frames with protocol below 0x8000 pass, in either direction. */
  abstract get passesDataFrames(): boolean;

  /**
   * Any packet arrived. Lazy, because it is called for every chunk of data: it only notes the time, and an expiring Hello
   * timer finds out that it was restarted meanwhile.
   */
  heard(now: number): void {
    this.#heardAt = now;
    this.#probing = false;
  }

  /** One whole control packet as delineated, header included. It may be a view of a buffer that is reused afterwards. */
  receiveControl(packet: Uint8Array, now: number): void {
    this.heard(now);
    const message = parseControlPacket(viewOf(packet), 0, packet.length);
    if (this.#ending !== undefined) {
      if (!isWireError(message)) this.#receiveWhileClosing(this.#ending.state, message.type, now);
    } else if (this.open !== undefined) {
      if (isWireError(message)) this.#invalidMessage(now);
      else this.#receiveWhileOpen(this.open, message, packet, now);
    }
  }

  /** The disconnect procedure for a reason of this side (MS-SSTP 3.1.4.1). Nothing happens when the call is already ending. */
  disconnect(now: number): void {
    if (this.open === undefined) return;
    this.#send(MessageType.CallDisconnect, AttributeId.NoError, Status.NoError);
    this.#enter('CallDisconnectAckPending', now + DISCONNECT_STATE_TIMER_1_MS, 'local-disconnect');
  }

  handleTimeout(now: number): void {
    if (now < this.#deadline) return;
    if (this.open !== undefined) this.openStateExpired(this.open, now);
    // All four closing states end in the same way: ABORT_1, ABORT_2, DISCONNECT_1 and DISCONNECT_2 clean up (3.1.6).
    else if (this.#ending !== undefined) this.close(this.#ending.reason);
  }

  /** The HTTPS connection is gone, or was given up because delineation failed: clean up, send nothing, close nothing. */
  disconnected(): void {
    this.#cleanUp('connection-lost');
  }

  // The messages, in the order of MS-SSTP 2.2.2, while the call is open. `packet` is only lent.
  protected abstract connectRequest(state: OpenState, message: ControlPacket, now: number): void;
  protected abstract connectAck(state: OpenState, message: ControlPacket, now: number): void;
  protected abstract connectNak(state: OpenState, now: number): void;
  protected abstract connected(state: OpenState, message: ControlPacket, packet: Uint8Array, now: number): void;
  protected abstract echoRequest(state: OpenState, now: number): void;
  protected abstract echoResponse(state: OpenState, now: number): void;
  /** The timer of an open state has expired. */
  protected abstract openStateExpired(state: OpenState, now: number): void;
  /** Overwrite nonce and keys: they are of no more use. */
  protected abstract forgetSecrets(): void;

  /** Once, before the first `advance`: a call object is good for one call. */
  protected begin(): void {
    if (this.#isUsed) throw new Error('an SSTP call cannot be started twice');
    this.#isUsed = true;
  }

  /** Moves to an open state, with the timer that belongs to it. */
  protected advance(state: OpenState, deadline: number): void {
    this.open = state;
    this.#deadline = deadline;
  }

  protected linkUp(): void {
    this.#linkIsUp = true;
    this.output.lowerLinkUp();
  }

  /** Enters Call_Connected: the Hello timer takes over from the negotiation timer. */
  protected connect(state: OpenState, now: number): void {
    this.heard(now);
    this.advance(state, now + this.#helloIntervalMs);
    this.forgetSecrets();
    this.output.callConnected();
  }

  /**
   * The Hello timer (MS-SSTP 3.1.2.3). The text of the spec lets the second expiry drop the connection without a Call Abort,
   * its figures send one; the peer is presumed dead, so nothing is sent.
   */
  protected helloExpired(now: number): void {
    const silentAt = this.#heardAt + this.#helloIntervalMs;
    if (now < silentAt) {
      this.#deadline = silentAt;
    } else if (this.#probing) {
      this.close('hello-timeout');
    } else {
      this.#probing = true;
      this.#deadline = now + this.#helloIntervalMs;
      this.#send(MessageType.EchoRequest);
    }
  }

  protected answerEcho(): void {
    this.#send(MessageType.EchoResponse);
  }

  /** The abort procedure on our own initiative (MS-SSTP 3.1.4.2). */
  protected abort(attributeId: AttributeId, status: Status, reason: CloseReason, now: number): void {
    this.#send(MessageType.CallAbort, attributeId, status);
    this.#enter('CallAbortPending', now + ABORT_STATE_TIMER_1_MS, reason);
  }

  protected unexpectedMessage(now: number): void {
    this.abort(AttributeId.StatusInfo, Status.UnacceptedFrameReceived, 'unexpected-message', now);
  }

  /** Cleans up and closes the HTTPS connection. */
  protected close(reason: CloseReason): void {
    this.output.closeConnection(this.#cleanUp(reason));
  }

  #receiveWhileOpen(state: OpenState, message: ControlPacket, packet: Uint8Array, now: number): void {
    switch (message.type) {
      case MessageType.CallConnectRequest:
        return this.connectRequest(state, message, now);
      case MessageType.CallConnectAck:
        return this.connectAck(state, message, now);
      case MessageType.CallConnectNak:
        return this.connectNak(state, now);
      case MessageType.CallConnected:
        return this.connected(state, message, packet, now);
      // From here on attributes do not matter: a peer that says goodbye in an odd way says goodbye nevertheless. (SoftEther
      // sends Abort and Disconnect without Status Info.)
      case MessageType.CallAbort:
        return this.#answerAbort(now);
      case MessageType.CallDisconnect:
        return this.#answerDisconnect(now);
      case MessageType.CallDisconnectAck:
        return this.unexpectedMessage(now);
      case MessageType.EchoRequest:
        return this.echoRequest(state, now);
      case MessageType.EchoResponse:
        return this.echoResponse(state, now);
    }
    this.#invalidMessage(now);
  }

  /** Every message that is not named is ignored in that state. */
  #receiveWhileClosing(state: ClosingState, type: number, now: number): void {
    switch (state) {
      case 'CallAbortPending':
        if (type === MessageType.CallAbort) this.#awaitAbortTimeout(now);
        return;
      case 'CallDisconnectAckPending':
        if (type === MessageType.CallAbort) this.#answerAbort(now);
        else if (type === MessageType.CallDisconnect) this.#answerDisconnect(now);
        else if (type === MessageType.CallDisconnectAck) this.close('local-disconnect');
        return;
      case 'CallAbortTimeoutPending':
      case 'CallDisconnectTimeoutPending':
        return;
    }
  }

  #invalidMessage(now: number): void {
    this.abort(AttributeId.StatusInfo, Status.InvalidFrameReceived, 'invalid-message', now);
  }

  #answerAbort(now: number): void {
    // sstpc ignores an Abort without Status Info, so the answer carries one too. The spec gives it no status of its own;
    // this is the one that other servers answer with.
    this.#send(MessageType.CallAbort, AttributeId.StatusInfo, Status.InvalidFrameReceived);
    this.#awaitAbortTimeout(now);
  }

  #awaitAbortTimeout(now: number): void {
    this.#enter('CallAbortTimeoutPending', now + ABORT_STATE_TIMER_2_MS, 'peer-abort');
  }

  #answerDisconnect(now: number): void {
    this.#send(MessageType.CallDisconnectAck);
    this.#enter('CallDisconnectTimeoutPending', now + DISCONNECT_STATE_TIMER_2_MS, 'peer-disconnect');
  }

  #enter(state: ClosingState, deadline: number, reason: CloseReason): void {
    const isFirst = this.#ending === undefined;
    this.#ending = { state, reason: this.#ending?.reason ?? reason };
    this.open = undefined;
    this.#deadline = deadline;
    if (!isFirst) return;
    this.forgetSecrets();
    this.output.closing(reason);
  }

  #cleanUp(reason: CloseReason): CloseReason {
    const first = this.#ending?.reason ?? reason;
    this.open = undefined;
    this.#ending = undefined;
    this.#deadline = Number.POSITIVE_INFINITY;
    this.forgetSecrets();
    if (this.#linkIsUp) {
      this.#linkIsUp = false;
      this.output.lowerLinkDown(first);
    }
    return first;
  }

  #send(type: MessageType, attributeId?: AttributeId, status?: Status): void {
    const attributes = attributeId === undefined || status === undefined ? [] : [statusInfo(attributeId, status)];
    this.output.sendControl(encodeControlPacket({ type, attributes }));
  }
}
