/** An output that writes down what a call does, in the words of the transition tables. */
import { type SstpOutput } from '../../../src/protocol/sstp/call.ts';
import { viewOf } from '../../../src/wire/bytes.ts';
import { AttributeId, MessageType, parseControlPacket, parseStatusInfo } from '../../../src/wire/sstp.ts';
import { isWireError } from '../../../src/wire/wire-error.ts';

export class CallRecorder implements SstpOutput {
  readonly sent: Uint8Array[] = [];
  #effects: string[] = [];

  sendControl(packet: Uint8Array): void {
    this.sent.push(packet);
    this.#effects.push(describe(packet));
  }

  lowerLinkUp(): void {
    this.#effects.push('lowerLinkUp');
  }

  callConnected(): void {
    this.#effects.push('callConnected');
  }

  lowerLinkDown(reason: string): void {
    this.#effects.push(`lowerLinkDown(${reason})`);
  }

  closing(reason: string): void {
    this.#effects.push(`closing(${reason})`);
  }

  closeConnection(reason: string): void {
    this.#effects.push(`closeConnection(${reason})`);
  }

  /** The effects since the last time. */
  take(): string[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

const NAMES = new Map(Object.entries(MessageType).map(([name, type]) => [type as number, name]));

/** The message's name, followed by the Attrib ID and Status of each of its Status Infos. */
export function describe(packet: Uint8Array): string {
  const message = parseControlPacket(viewOf(packet), 0, packet.length);
  if (isWireError(message)) return `malformed packet (${message})`;
  const infos = message.attributes
    .filter(({ id }) => id === AttributeId.StatusInfo)
    .map(({ value }) => {
      const info = parseStatusInfo(value);
      return isWireError(info) ? '(malformed)' : `(${info.attributeId},${info.status})`;
    });
  return (NAMES.get(message.type) ?? String(message.type)) + infos.join('');
}
