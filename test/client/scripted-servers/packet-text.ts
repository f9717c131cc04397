// SSTP packets in the notation of the transcripts beside this file:
//
//   sstp connect-ack 03 | sstp disconnect | sstp abort 2/5     control messages; a status only where there is one
//   lcp confreq 1 mru=1400 magic=01010101                      a PPP frame, as in protocol/ppp/frame-text.ts
import { ascii, hex } from '../../wire/hex.ts';
import {
  AttributeId,
  cryptoBindingRequest,
  encodeControlPacket,
  MessageType,
  parseControlPacket,
  parseStatusInfo,
  type RawAttribute,
  statusInfo,
} from '../../../src/wire/sstp.ts';
import { viewOf } from '../../../src/wire/bytes.ts';
import { isControlProtocol, parsePppFrame } from '../../../src/wire/ppp.ts';
import { isWireError } from '../../../src/wire/wire-error.ts';
import { formatFrame, parseFrame } from '../../protocol/ppp/frame-text.ts';

const NAMES: Readonly<Record<string, MessageType>> = {
  'connect-request': MessageType.CallConnectRequest,
  'connect-ack': MessageType.CallConnectAck,
  'connect-nak': MessageType.CallConnectNak,
  connected: MessageType.CallConnected,
  abort: MessageType.CallAbort,
  disconnect: MessageType.CallDisconnect,
  'disconnect-ack': MessageType.CallDisconnectAck,
  'echo-request': MessageType.EchoRequest,
  'echo-response': MessageType.EchoResponse,
};

/** How a server writes what a client must be able to read. */
export interface Handwriting {
  /** Sets all bits of the SSTP header that are reserved: the first seven of the flags, the upper four of the length. */
  readonly reservedBits?: boolean;
  /** What stands in front of the information field; `FF 03` and two bytes of protocol unless told otherwise. */
  readonly frameHeader?: (protocol: number) => Uint8Array;
}

const fullHeader = (protocol: number): Uint8Array => Uint8Array.of(0xff, 0x03, protocol >> 8, protocol & 0xff);

export function encodePacket(text: string, nonce: Uint8Array, handwriting: Handwriting = {}): Uint8Array {
  const { reservedBits = false, frameHeader = fullHeader } = handwriting;
  let packet: Uint8Array;
  if (text.startsWith('sstp ')) packet = encodeControl(text.slice('sstp '.length), nonce);
  else {
    const [frameText = '', trailing = ''] = text.split(' + ');
    const { protocol, information } = parseFrame(frameText);
    packet = encodeData(Uint8Array.of(...frameHeader(protocol), ...information, ...trailingBytes(trailing)));
  }
  if (reservedBits) {
    packet[1] = (packet[1] ?? 0) | 0xfe;
    packet[2] = (packet[2] ?? 0) | 0xf0;
  }
  return packet;
}

/** An SSTP data packet around what is, or is not, a PPP frame. */
export function encodeData(payload: Uint8Array): Uint8Array {
  const length = 4 + payload.length;
  return Uint8Array.of(0x10, 0x00, length >> 8, length & 0xff, ...payload);
}

/** A packet with a PPP data frame in it reads `data` and its protocol. */
export function formatPacket(packet: Uint8Array): string {
  if (packet[1] === 0x01) return formatControl(packet);
  const view = viewOf(packet);
  const frame = parsePppFrame(view, 4, packet.length);
  if (isWireError(frame)) return `malformed ${Buffer.from(packet).toString('hex')}`;
  if (!isControlProtocol(frame.protocol)) return `data ${frame.protocol.toString(16).padStart(4, '0')}`;
  return formatFrame({ protocol: frame.protocol, information: packet.subarray(frame.at, frame.end) });
}

function encodeControl(text: string, nonce: Uint8Array): Uint8Array {
  const [name = '', argument] = text.split(' ');
  const type = NAMES[name];
  if (type === undefined) throw new Error(`no SSTP message: ${text}`);
  const attributes: RawAttribute[] = [];
  if (type === MessageType.CallConnectAck) {
    attributes.push(cryptoBindingRequest({ hashProtocols: Number.parseInt(argument ?? '', 16), nonce }));
  } else if (argument !== undefined) {
    const [attributeId, status] = argument.split('/').map(Number);
    attributes.push(statusInfo(attributeId ?? 0, status ?? 0));
  }
  return encodeControlPacket({ type, attributes });
}

function formatControl(packet: Uint8Array): string {
  const message = parseControlPacket(viewOf(packet), 0, packet.length);
  if (isWireError(message)) return `malformed ${Buffer.from(packet).toString('hex')}`;
  const name = Object.keys(NAMES).find(key => NAMES[key] === message.type) ?? `type ${message.type}`;
  const statuses = message.attributes
    .filter(({ id }) => id === AttributeId.StatusInfo)
    .map(({ value }) => {
      const info = parseStatusInfo(value);
      return isWireError(info) ? ' malformed' : ` ${info.attributeId}/${info.status}`;
    });
  return `sstp ${name}${statuses.join('')}`;
}

/** Bytes that the PPP packet's Length does not cover: `"text"` or hex. */
function trailingBytes(text: string): Uint8Array {
  return text.startsWith('"') ? ascii(text.slice(1, -1)) : hex(text);
}
