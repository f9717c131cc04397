/** The server's side of one SSTP call, MS-SSTP 3.3. */
import {
  AttributeId,
  cryptoBindingRequest,
  encodeControlPacket,
  MessageType,
  NONCE_LENGTH,
  Status,
  type ControlPacket,
  type CryptoBinding,
  type HashProtocol,
} from '../../wire/sstp.ts';
import { bindingFault, bindingOf } from './binding.ts';
import { SstpCall, type ClosingState, type SstpOutput } from './call.ts';
import { refusals } from './connect-request.ts';

/** How many Call Connect Naks a call sends before it aborts; what Windows does (MS-SSTP 3.3.5.2.2). */
const DEFAULT_NAK_LIMIT = 3;

/** MS-SSTP 3.3.1.1. */
export type ServerState = ServerOpenState | ClosingState | 'ServerCallDisconnected';

type ServerOpenState = 'ServerConnectRequestPending' | 'ServerCallConnectedPending' | 'ServerCallConnected';

export interface SstpServerOptions {
  /** Bitmask of the hash protocols to offer. */
  readonly hashProtocols: number;
  /** Hash of the leaf certificate, in DER, that was presented on this very connection. */
  certificateHash(this: void, hashProtocol: HashProtocol): Uint8Array;
  /** Cryptographically random bytes. */
  random(this: void, length: number): Uint8Array;
  /** Time for the Call Connect Request, and once more for the Call Connected, so also for the PPP authentication. */
  readonly negotiationTimeoutMs: number;
  readonly helloIntervalMs: number;
  readonly nakLimit?: number;
}

/**
 * Inputs come from the HTTPS layer (`accept`, `receiveControl`, `heard`, `disconnected`), from PPP (`authenticated`), from
 * the owner (`disconnect`) and from its clock (`handleTimeout`, due at `deadline`). Whatever the peer sends, none of them
 * throws.
 */
export class SstpServerCall extends SstpCall<ServerOpenState, 'ServerCallDisconnected'> {
  readonly #options: SstpServerOptions;
  readonly #nakLimit: number;
  #naks = 0;
  #nonce: Uint8Array | undefined;
  #hashProtocol: HashProtocol | undefined;
  /** Any of them makes a good binding; undefined before the authentication. */
  #hlaks: readonly Uint8Array[] | undefined;
  /** A Call Connected that came before the result of the authentication, with a copy of its packet. */
  #parked: { readonly binding: CryptoBinding; readonly packet: Uint8Array } | undefined;

  constructor(output: SstpOutput, options: SstpServerOptions) {
    super(output, 'ServerCallDisconnected', options.helloIntervalMs);
    this.#options = options;
    this.#nakLimit = options.nakLimit ?? DEFAULT_NAK_LIMIT;
  }

  /** Of the crypto binding, once that stands. */
  get hashProtocol(): HashProtocol | undefined {
    return this.#hashProtocol;
  }

  /** When the client must have finished its negotiation, on the owner's clock; undefined before and after that. */
  get negotiationDeadline(): number | undefined {
    return this.open === 'ServerConnectRequestPending' || this.open === 'ServerCallConnectedPending'
      ? this.deadline
      : undefined;
  }

  override get passesControlFrames(): boolean {
    return this.open === 'ServerCallConnectedPending' || this.open === 'ServerCallConnected';
  }

  override get passesDataFrames(): boolean {
    return this.open === 'ServerCallConnected';
  }

  /** A new HTTPS connection, whose SSTP request has been answered (MS-SSTP 3.3.7.2). */
  accept(now: number): void {
    this.begin();
    this.advance('ServerConnectRequestPending', now + this.#options.negotiationTimeoutMs);
  }

  /**
   * PPP has authenticated the peer. `hlak` is the 32-byte Higher-Layer Authentication Key, `alternatives` are what some clients
   * make of the same secret; the call takes all of them over and overwrites them with zeros when they are of no more use.
   * Verifies a parked Call Connected.
   */
  authenticated(hlak: Uint8Array, now: number, alternatives: readonly Uint8Array[] = []): void {
    const hlaks = [hlak, ...alternatives];
    if (this.open !== 'ServerCallConnectedPending') {
      forget(hlaks);
      return;
    }
    forget(this.#hlaks);
    this.#hlaks = hlaks;
    if (this.#parked !== undefined) this.#verify(this.#parked.packet, this.#parked.binding, now);
  }

  /** MS-SSTP 3.3.5.2.2. */
  protected override connectRequest(state: ServerOpenState, message: ControlPacket, now: number): void {
    switch (state) {
      case 'ServerConnectRequestPending': {
        const faults = refusals(message);
        if (faults.length === 0) this.#acknowledge(now);
        else if (this.#naks < this.#nakLimit) {
          this.#naks += 1;
          this.output.sendControl(encodeControlPacket({ type: MessageType.CallConnectNak, attributes: faults }));
        } else this.abort(AttributeId.StatusInfo, Status.RetryCountExceeded, 'nak-limit', now);
        return;
      }
      case 'ServerCallConnectedPending':
      case 'ServerCallConnected':
        this.unexpectedMessage(now);
        return;
    }
  }

  /** A server's own message. */
  protected override connectAck(_state: ServerOpenState, _message: ControlPacket, now: number): void {
    this.unexpectedMessage(now);
  }

  /** A server's own message. */
  protected override connectNak(_state: ServerOpenState, now: number): void {
    this.unexpectedMessage(now);
  }

  /** MS-SSTP 3.3.5.2.3. */
  protected override connected(state: ServerOpenState, message: ControlPacket, packet: Uint8Array, now: number): void {
    switch (state) {
      case 'ServerCallConnectedPending': {
        // The first one waits for the authentication's result: some clients do not (sstpc without its pppd plugin).
        if (this.#parked !== undefined) return this.unexpectedMessage(now);
        const binding = bindingOf(message);
        if (binding === undefined) {
          this.abort(AttributeId.StatusInfo, Status.AttributeNotSupportedInMessage, 'binding-malformed', now);
        } else if (this.#hlaks === undefined) this.#parked = { binding, packet: packet.slice() };
        else this.#verify(packet, binding, now);
        return;
      }
      case 'ServerConnectRequestPending':
      case 'ServerCallConnected':
        this.unexpectedMessage(now);
        return;
    }
  }

  /** MS-SSTP 3.3.5.2.7 aborts before Call_Connected; sstpc sends echoes during a long login, which must not kill it. */
  protected override echoRequest(state: ServerOpenState, _now: number): void {
    switch (state) {
      case 'ServerConnectRequestPending':
      case 'ServerCallConnectedPending':
      case 'ServerCallConnected':
        this.answerEcho();
        return;
    }
  }

  /** MS-SSTP 3.3.5.2.8. That the Hello timer restarts is the doing of `heard`; before Call_Connected it is ignored. */
  protected override echoResponse(_state: ServerOpenState, _now: number): void {}

  /** MS-SSTP 3.3.2. */
  protected override openStateExpired(state: ServerOpenState, now: number): void {
    switch (state) {
      case 'ServerConnectRequestPending':
        // 3.3.2.1 and figure 5 just close, 3.3.6.1 aborts. A peer that never spoke SSTP gets no SSTP.
        this.close('negotiation-timeout');
        return;
      case 'ServerCallConnectedPending':
        this.abort(AttributeId.StatusInfo, Status.NegotiationTimeout, 'negotiation-timeout', now);
        return;
      case 'ServerCallConnected':
        this.helloExpired(now);
        return;
    }
  }

  protected override forgetSecrets(): void {
    forget(this.#hlaks);
    this.#nonce?.fill(0);
    this.#hlaks = this.#nonce = this.#parked = undefined;
  }

  #acknowledge(now: number): void {
    const { hashProtocols } = this.#options;
    this.#nonce = this.#options.random(NONCE_LENGTH);
    this.advance('ServerCallConnectedPending', now + this.#options.negotiationTimeoutMs);
    this.output.sendControl(
      encodeControlPacket({
        type: MessageType.CallConnectAck,
        attributes: [cryptoBindingRequest({ hashProtocols, nonce: this.#nonce })],
      }),
    );
    this.linkUp();
  }

  #verify(packet: Uint8Array, binding: CryptoBinding, now: number): void {
    if (this.#hlaks === undefined || this.#nonce === undefined) throw new Error('nothing to verify a binding against');
    const offer = { ...this.#options, nonce: this.#nonce };
    const fault = bindingFault(packet, binding, offer, this.#hlaks);
    if (fault === undefined) {
      // The fault would have been that it is none.
      this.#hashProtocol = binding.hashProtocol as HashProtocol;
      this.connect('ServerCallConnected', now);
    } else this.abort(AttributeId.CryptoBinding, Status.ValueNotSupported, fault, now);
  }
}

function forget(keys: readonly Uint8Array[] | undefined): void {
  for (const key of keys ?? []) key.fill(0);
}
