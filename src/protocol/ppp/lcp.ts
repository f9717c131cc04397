// LCP: the control protocol of the link itself, with the codes that only it has (RFC 1661 5.7 to 5.9, RFC 1570).
import { ControlCode, type CpPacket } from '../../wire/control-protocol.ts';
import { echoReply, echoRequest, parseMagicData, parseProtocolReject, protocolReject } from '../../wire/lcp.ts';
import { PppProtocol } from '../../wire/ppp.ts';
import { decodeText } from '../../wire/text.ts';
import { isWireError } from '../../wire/wire-error.ts';
import type { RestartOptions } from './automaton.ts';
import { ControlProtocol, type ControlProtocolOutput } from './control-protocol.ts';
import type { LcpPolicy } from './lcp-policy.ts';

// Windows sends three: its version, its name, and one that is no text.
const MAX_IDENTIFICATIONS = 4;
const MAX_IDENTIFICATION_LENGTH = 64;
const PRINTABLE = /^[\x20-\x7e]+$/;

export interface LcpOutput extends ControlProtocolOutput {
  /** The peer does not speak this protocol. Never LCP itself. */
  protocolRejected(protocol: number): void;
}

export class Lcp extends ControlProtocol {
  readonly #policy: LcpPolicy;
  readonly #output: LcpOutput;
  readonly #identification: string[] = [];

  constructor(policy: LcpPolicy, output: LcpOutput, restart: RestartOptions) {
    super(policy, output, restart, () => policy.transmitLimit);
    this.#policy = policy;
    this.#output = output;
  }

  /** How the peer described itself (RFC 1570 2.1): a few different texts of printable ASCII, at most 64 characters each. */
  get identification(): readonly string[] {
    return this.#identification;
  }

  /** Does nothing unless LCP is opened: RFC 1661 5.8. */
  sendEchoRequest(): void {
    if (this.isOpened) this.send(echoRequest(this.nextId(), this.#policy.magic));
  }

  /** Does nothing unless LCP is opened: RFC 1661 5.7. */
  sendProtocolReject(protocol: number, information: Uint8Array): void {
    if (this.isOpened) this.send(protocolReject(this.nextId(), protocol, information, this.#policy.transmitLimit));
  }

  protected override receiveOther(packet: CpPacket, now: number): void {
    switch (packet.code) {
      case ControlCode.ProtocolReject:
        return this.#receiveProtocolReject(packet, now);
      case ControlCode.EchoRequest:
      case ControlCode.EchoReply:
      case ControlCode.DiscardRequest:
        return this.fire('RXR', now);
      // Windows sends these, and takes a Code-Reject for them as a broken peer.
      case ControlCode.Identification:
        return this.#receiveIdentification(packet);
      case ControlCode.TimeRemaining:
        return undefined;
      default:
        return this.fire('RUC', now);
    }
  }

  /** A request without a magic number is one of a sloppy peer, which waits for its reply all the same. */
  protected override echoReply(packet: CpPacket): CpPacket | undefined {
    if (packet.code !== ControlCode.EchoRequest) return undefined;
    const asked = parseMagicData(packet.data);
    const data = isWireError(asked) ? new Uint8Array(0) : asked.data;
    return echoReply(packet.id, this.#policy.magic, data, this.#policy.transmitLimit);
  }

  #receiveIdentification(packet: CpPacket): void {
    const message = parseMagicData(packet.data);
    if (isWireError(message) || this.#identification.length >= MAX_IDENTIFICATIONS) return;
    const text = decodeText(message.data.subarray(0, MAX_IDENTIFICATION_LENGTH));
    if (PRINTABLE.test(text) && !this.#identification.includes(text)) this.#identification.push(text);
  }

  #receiveProtocolReject(packet: CpPacket, now: number): void {
    const rejected = parseProtocolReject(packet.data);
    if (isWireError(rejected) || !this.isOpened) return;
    if (rejected.protocol === PppProtocol.Lcp) this.fire('RXJ-', now);
    else this.#output.protocolRejected(rejected.protocol);
  }
}
