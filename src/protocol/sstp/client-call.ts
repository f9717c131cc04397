/** The client's side of one SSTP call, MS-SSTP 3.2. */
import {
  AttributeId,
  encapsulatedProtocolId,
  encodeControlPacket,
  ENCAPSULATED_PPP,
  HashProtocol,
  MessageType,
  parseCryptoBindingRequest,
  Status,
  type ControlPacket,
  type CryptoBindingRequest,
} from '../../wire/sstp.ts';
import { isWireError } from '../../wire/wire-error.ts';
import { callConnected } from './binding.ts';
import { SstpCall, type ClosingState, type SstpOutput } from './call.ts';

/** How many times a refused Call Connect Request is sent again; what Windows does (MS-SSTP 3.2.5.2.2). */
const DEFAULT_NAK_LIMIT = 3;

/** MS-SSTP 3.2.1.1. */
export type ClientState = ClientOpenState | ClosingState | 'ClientCallDisconnected';

type ClientOpenState = 'ClientConnectRequestSent' | 'ClientConnectAckReceived' | 'ClientCallConnected';

export interface SstpClientOptions {
  /** Bitmask of the hash protocols to accept. */
  readonly hashProtocols: number;
  /** Hash of the leaf certificate, in DER, that the server presented on this very connection. */
  certificateHash(this: void, hashProtocol: HashProtocol): Uint8Array;
  /** Time for the Call Connect Ack, and once more for the PPP authentication. */
  readonly negotiationTimeoutMs: number;
  readonly helloIntervalMs: number;
  readonly nakLimit?: number;
}

/** Mirrors the server's call: `start` when the HTTPS connection stands, `authenticated` when PPP has authenticated. */
export class SstpClientCall extends SstpCall<ClientOpenState, 'ClientCallDisconnected'> {
  readonly #options: SstpClientOptions;
  readonly #nakLimit: number;
  #naks = 0;
  #binding: { readonly hashProtocol: HashProtocol; readonly nonce: Uint8Array } | undefined;

  constructor(output: SstpOutput, options: SstpClientOptions) {
    super(output, 'ClientCallDisconnected', options.helloIntervalMs);
    this.#options = options;
    this.#nakLimit = options.nakLimit ?? DEFAULT_NAK_LIMIT;
  }

  override get passesControlFrames(): boolean {
    return this.open === 'ClientConnectAckReceived' || this.open === 'ClientCallConnected';
  }

  override get passesDataFrames(): boolean {
    return this.open === 'ClientCallConnected';
  }

  /** The HTTPS connection stands (MS-SSTP 3.2.4.1). */
  start(now: number): void {
    this.begin();
    this.#request(now);
  }

  /**
   * PPP authentication has succeeded (MS-SSTP 3.2.7.1): sends Call Connected. `hlak` is the 32-byte Higher-Layer
   * Authentication Key; the call takes it over and overwrites it with zeros.
   */
  authenticated(hlak: Uint8Array, now: number): void {
    if (this.open === 'ClientConnectAckReceived' && this.#binding !== undefined) {
      const { hashProtocol, nonce } = this.#binding;
      const certificateHash = this.#options.certificateHash(hashProtocol);
      this.output.sendControl(callConnected(hashProtocol, nonce, certificateHash, hlak));
      this.connect('ClientCallConnected', now);
    }
    hlak.fill(0);
  }

  /** A client's own message. */
  protected override connectRequest(_state: ClientOpenState, _message: ControlPacket, now: number): void {
    this.unexpectedMessage(now);
  }

  /** MS-SSTP 3.2.5.2.1. */
  protected override connectAck(state: ClientOpenState, message: ControlPacket, now: number): void {
    switch (state) {
      case 'ClientConnectRequestSent':
        this.#acknowledged(message, now);
        return;
      case 'ClientConnectAckReceived':
      case 'ClientCallConnected':
        this.unexpectedMessage(now);
        return;
    }
  }

  /** MS-SSTP 3.2.5.2.2. There is nothing but PPP to ask for, so the same request goes out again. */
  protected override connectNak(state: ClientOpenState, now: number): void {
    switch (state) {
      case 'ClientConnectRequestSent':
        if (this.#naks < this.#nakLimit) {
          this.#naks += 1;
          this.#request(now);
        } else this.abort(AttributeId.StatusInfo, Status.RetryCountExceeded, 'nak-limit', now);
        return;
      case 'ClientConnectAckReceived':
      case 'ClientCallConnected':
        this.unexpectedMessage(now);
        return;
    }
  }

  /** A client's own message. */
  protected override connected(_s: ClientOpenState, _m: ControlPacket, _packet: Uint8Array, now: number): void {
    this.unexpectedMessage(now);
  }

  /** MS-SSTP 3.2.5.2.6. */
  protected override echoRequest(state: ClientOpenState, now: number): void {
    switch (state) {
      case 'ClientConnectRequestSent':
      case 'ClientConnectAckReceived':
        this.unexpectedMessage(now);
        return;
      case 'ClientCallConnected':
        this.answerEcho();
        return;
    }
  }

  /** MS-SSTP 3.2.5.2.7. That the Hello timer restarts is the doing of `heard`. */
  protected override echoResponse(state: ClientOpenState, now: number): void {
    switch (state) {
      case 'ClientConnectRequestSent':
      case 'ClientConnectAckReceived':
        this.unexpectedMessage(now);
        return;
      case 'ClientCallConnected':
        return;
    }
  }

  /** MS-SSTP 3.2.2. */
  protected override openStateExpired(state: ClientOpenState, now: number): void {
    switch (state) {
      case 'ClientConnectRequestSent':
      case 'ClientConnectAckReceived':
        this.abort(AttributeId.StatusInfo, Status.NegotiationTimeout, 'negotiation-timeout', now);
        return;
      case 'ClientCallConnected':
        this.helloExpired(now);
        return;
    }
  }

  protected override forgetSecrets(): void {
    this.#binding?.nonce.fill(0);
    this.#binding = undefined;
  }

  #request(now: number): void {
    this.advance('ClientConnectRequestSent', now + this.#options.negotiationTimeoutMs);
    this.output.sendControl(
      encodeControlPacket({
        type: MessageType.CallConnectRequest,
        attributes: [encapsulatedProtocolId(ENCAPSULATED_PPP)],
      }),
    );
  }

  #acknowledged(message: ControlPacket, now: number): void {
    const request = bindingRequestOf(message);
    if (request === undefined) {
      this.abort(AttributeId.StatusInfo, Status.AttributeNotSupportedInMessage, 'ack-malformed', now);
      return;
    }
    const hashProtocol = strongest(this.#options.hashProtocols & request.hashProtocols);
    if (hashProtocol === undefined) {
      this.abort(AttributeId.CryptoBindingRequest, Status.ValueNotSupported, 'no-common-hash', now);
      return;
    }
    this.#binding = { hashProtocol, nonce: request.nonce };
    this.advance('ClientConnectAckReceived', now + this.#options.negotiationTimeoutMs);
    this.linkUp();
  }
}

function strongest(hashProtocols: number): HashProtocol | undefined {
  return [HashProtocol.Sha256, HashProtocol.Sha1].find(hash => (hash & hashProtocols) !== 0);
}

function bindingRequestOf(message: ControlPacket): CryptoBindingRequest | undefined {
  const attribute = message.attributes.find(({ id }) => id === AttributeId.CryptoBindingRequest);
  if (attribute === undefined) return undefined;
  const request = parseCryptoBindingRequest(attribute.value);
  return isWireError(request) ? undefined : request;
}
