// PAP, RFC 1334 2: the request is repeated until it is answered.
import { ZERO_HLAK } from '../../crypto/crypto-binding.ts';
import { decodeCpPacket, encodeCpPacket } from '../../wire/control-protocol.ts';
import { PapCode, papRequest, parsePapMessage } from '../../wire/pap.ts';
import { decodeText, encodeText } from '../../wire/text.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { AuthPeer, AuthPeerOptions, AuthPeerOutput } from './auth-peer.ts';

export class PapPeer implements AuthPeer {
  readonly #output: AuthPeerOutput;
  readonly #options: AuthPeerOptions;
  #id = 0;
  #timeoutAt = Number.POSITIVE_INFINITY;
  #retransmitAt = Number.POSITIVE_INFINITY;

  constructor(output: AuthPeerOutput, options: AuthPeerOptions) {
    this.#output = output;
    this.#options = options;
  }

  get deadline(): number {
    return Math.min(this.#timeoutAt, this.#retransmitAt);
  }

  start(now: number): void {
    this.#timeoutAt = now + this.#options.authTimeoutMs;
    this.#sendRequest(now);
  }

  receive(information: Uint8Array, now: number): void {
    const packet = decodeCpPacket(information);
    // Every copy has an identifier of its own (RFC 1334 2.2.1), and an answer to any of them is one.
    if (isWireError(packet) || packet.id === 0 || packet.id > this.#id) return;
    if (this.#timeoutAt === Number.POSITIVE_INFINITY) return;
    if (packet.code === PapCode.AuthenticateAck) {
      this.#stop();
      this.#output.authenticated(ZERO_HLAK, now);
    } else if (packet.code === PapCode.AuthenticateNak) {
      this.#stop();
      this.#output.failed('auth-failed', { code: undefined, message: decodeText(parsePapMessage(packet.data)) });
    }
  }

  handleTimeout(now: number): void {
    if (now >= this.#timeoutAt) {
      this.#stop();
      this.#output.failed('auth-timeout', undefined);
    } else if (now >= this.#retransmitAt) {
      this.#sendRequest(now);
    }
  }

  #sendRequest(now: number): void {
    this.#retransmitAt = now + this.#options.retransmitMs;
    this.#id = Math.min(this.#id + 1, 0xff);
    const { user, password } = this.#options;
    this.#output.send(encodeCpPacket(papRequest(this.#id, { user: encodeText(user), password: encodeText(password) })));
  }

  #stop(): void {
    this.#timeoutAt = Number.POSITIVE_INFINITY;
    this.#retransmitAt = Number.POSITIVE_INFINITY;
  }
}
