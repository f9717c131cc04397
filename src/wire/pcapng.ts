// pcapng files of PPP frames, draft-ietf-opsawg-pcapng: one section, one interface. All that is written is little-endian,
// which the section header tells its reader.
//
//   block    Type(4)  Length(4)  body  Length(4)      Length counts the whole block, a multiple of four
//   option   Code(2)  Length(2)  value, padded to four bytes      Length counts the value without its padding
//
// The frames are of LINKTYPE_PPP_WITH_DIR: a byte in front says the direction, zero for received. The flags of the block say
// it again, for a reader that knows only one of them, and for files that were converted.
import { putBytes, viewOf } from './bytes.ts';
import { decodeText, encodeText } from './text.ts';

const BlockType = {
  InterfaceDescription: 0x0000_0001,
  InterfaceStatistics: 0x0000_0005,
  EnhancedPacket: 0x0000_0006,
  SectionHeader: 0x0a0d_0d0a,
} as const;

const LINKTYPE_PPP_WITH_DIR = 204;
const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;
const MAJOR_VERSION = 1;
/** Section Length: not known while it is written. */
const UNKNOWN_LENGTH = -1n;

/** Codes mean different things in different blocks, but for the first two. */
const Option = {
  End: 0,
  Comment: 1,
  SectionApplication: 4,
  InterfaceName: 2,
  InterfaceTimeResolution: 9,
  PacketFlags: 2,
  StatisticsStart: 2,
  StatisticsEnd: 3,
  StatisticsReceived: 4,
  StatisticsDropped: 5,
} as const;

/** if_tsresol: times count in 10^-6 seconds. */
const MICROSECONDS = 6;

/** Direction in the flags of a packet; seen from the gateway. */
export const Direction = { Inbound: 0b01, Outbound: 0b10 } as const;
export type Direction = (typeof Direction)[keyof typeof Direction];

/** Type, Length, and Length again. */
const BLOCK_OVERHEAD = 12;
const BODY_AT = 8;
const OPTION_HEADER_LENGTH = 4;
/** Interface, time (8), and both lengths. */
const PACKET_DATA_AT = BODY_AT + 20;
/** Interface and time. */
const STATISTICS_OPTIONS_AT = BODY_AT + 12;
const DIRECTION_LENGTH = 1;
const FLAGS_LENGTH = 4;

export interface CapturedFrame {
  /** Microseconds since 1970. */
  readonly time: number;
  readonly direction: Direction;
  /** The whole PPP frame. */
  readonly bytes: Uint8Array;
  /** How many of them are kept. */
  readonly kept: number;
  /** How many of these stay as they are; zeros stand for the rest. */
  readonly shown: number;
  /** UTF-8. */
  readonly comment: Uint8Array | undefined;
}

export interface CaptureStatistics {
  /** Microseconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** Frames that there were, those included that are missing. */
  readonly received: number;
  /** Frames that are missing, since the reader was too slow. */
  readonly dropped: number;
  readonly comment: string;
}

export function encodeSectionHeader(application: string, comment: string): Uint8Array {
  const body = new Uint8Array(16);
  const view = viewOf(body);
  view.setUint32(0, BYTE_ORDER_MAGIC, true);
  view.setUint16(4, MAJOR_VERSION, true);
  view.setBigInt64(8, UNKNOWN_LENGTH, true);
  return encodeBlock(BlockType.SectionHeader, body, [
    [Option.SectionApplication, encodeText(application)],
    [Option.Comment, encodeText(comment)],
  ]);
}

/** @param snapLength bytes of a frame that are kept at most; 0 for all. */
export function encodeInterface(name: string, snapLength: number): Uint8Array {
  const body = new Uint8Array(8);
  const view = viewOf(body);
  view.setUint16(0, LINKTYPE_PPP_WITH_DIR, true);
  view.setUint32(4, snapLength === 0 ? 0 : DIRECTION_LENGTH + snapLength, true);
  return encodeBlock(BlockType.InterfaceDescription, body, [
    [Option.InterfaceName, encodeText(name)],
    [Option.InterfaceTimeResolution, Uint8Array.of(MICROSECONDS)],
  ]);
}

/** Bytes of the block that {@link emitFrame} writes. */
export function frameBlockLength({ kept, comment }: Pick<CapturedFrame, 'kept' | 'comment'>): number {
  const comments = comment === undefined ? 0 : OPTION_HEADER_LENGTH + padded(comment.length);
  const options = OPTION_HEADER_LENGTH + FLAGS_LENGTH + comments + OPTION_HEADER_LENGTH;
  return PACKET_DATA_AT + padded(DIRECTION_LENGTH + kept) + options + 4;
}

/** Writes an Enhanced Packet Block and returns the offset behind it. Throws RangeError when the caller's buffer is too small. */
export function emitFrame(view: DataView, at: number, frame: CapturedFrame): number {
  const { time, direction, bytes, kept, shown, comment } = frame;
  const length = frameBlockLength(frame);
  const end = at + length;
  new Uint8Array(view.buffer, view.byteOffset + at, length).fill(0);
  view.setUint32(at, BlockType.EnhancedPacket, true);
  view.setUint32(at + 4, length, true);
  putTime(view, at + 12, time);
  view.setUint32(at + 20, DIRECTION_LENGTH + kept, true);
  view.setUint32(at + 24, DIRECTION_LENGTH + bytes.length, true);
  view.setUint8(at + PACKET_DATA_AT, direction === Direction.Outbound ? 1 : 0);
  putBytes(view, at + PACKET_DATA_AT + DIRECTION_LENGTH, bytes.subarray(0, Math.min(kept, shown)));
  let option = at + PACKET_DATA_AT + padded(DIRECTION_LENGTH + kept);
  view.setUint16(option, Option.PacketFlags, true);
  view.setUint16(option + 2, FLAGS_LENGTH, true);
  view.setUint32(option + OPTION_HEADER_LENGTH, direction, true);
  option += OPTION_HEADER_LENGTH + FLAGS_LENGTH;
  // The end of options is the zeros that are there.
  if (comment !== undefined) putOption(view, option, Option.Comment, comment);
  view.setUint32(end - 4, length, true);
  return end;
}

export function encodeStatistics({ start, end, received, dropped, comment }: CaptureStatistics): Uint8Array {
  return encodeBlock(BlockType.InterfaceStatistics, timeBytes(end, 4), [
    [Option.StatisticsStart, timeBytes(start)],
    [Option.StatisticsEnd, timeBytes(end)],
    [Option.StatisticsReceived, countBytes(received)],
    [Option.StatisticsDropped, countBytes(dropped)],
    [Option.Comment, encodeText(comment)],
  ]);
}

/** What the Interface Statistics Block says that `file` ends with; undefined when it ends with anything else. */
export function parseStatistics(
  file: Uint8Array,
): Pick<CaptureStatistics, 'received' | 'dropped' | 'comment'> | undefined {
  const view = viewOf(file);
  if (file.length < BLOCK_OVERHEAD) return undefined;
  const length = view.getUint32(file.length - 4, true);
  const at = file.length - length;
  if (length < BLOCK_OVERHEAD || at < 0 || view.getUint32(at, true) !== BlockType.InterfaceStatistics) return undefined;
  let received = 0;
  let dropped = 0;
  let comment = '';
  const end = file.length - 4;
  for (let option = at + STATISTICS_OPTIONS_AT; option + OPTION_HEADER_LENGTH <= end;) {
    const value = option + OPTION_HEADER_LENGTH;
    const valueEnd = value + view.getUint16(option + 2, true);
    if (valueEnd > end) return undefined;
    const code = view.getUint16(option, true);
    if (code === Option.Comment) comment = decodeText(file.subarray(value, valueEnd));
    else if (valueEnd - value === 8) {
      const count = Number(view.getBigUint64(value, true));
      if (code === Option.StatisticsReceived) received = count;
      if (code === Option.StatisticsDropped) dropped = count;
    }
    option = value + padded(valueEnd - value);
  }
  return { received, dropped, comment };
}

type OptionValue = readonly [code: number, value: Uint8Array];

function encodeBlock(type: number, body: Uint8Array, options: readonly OptionValue[]): Uint8Array {
  const optionsLength = options.reduce((sum, [, value]) => sum + OPTION_HEADER_LENGTH + padded(value.length), 0);
  const length = BLOCK_OVERHEAD + body.length + optionsLength + OPTION_HEADER_LENGTH;
  const block = new Uint8Array(length);
  const view = viewOf(block);
  view.setUint32(0, type, true);
  view.setUint32(4, length, true);
  let at = putBytes(view, BODY_AT, body);
  for (const [code, value] of options) at = putOption(view, at, code, value);
  view.setUint32(length - 4, length, true);
  return block;
}

/** The padding behind the value is zero already. */
function putOption(view: DataView, at: number, code: number, value: Uint8Array): number {
  view.setUint16(at, code, true);
  view.setUint16(at + 2, value.length, true);
  putBytes(view, at + OPTION_HEADER_LENGTH, value);
  return at + OPTION_HEADER_LENGTH + padded(value.length);
}

/** The upper half goes first, whatever the byte order is. */
function putTime(view: DataView, at: number, microseconds: number): void {
  view.setUint32(at, Math.floor(microseconds / 2 ** 32), true);
  view.setUint32(at + 4, microseconds % 2 ** 32, true);
}

function timeBytes(microseconds: number, offset = 0): Uint8Array {
  const bytes = new Uint8Array(offset + 8);
  putTime(viewOf(bytes), offset, microseconds);
  return bytes;
}

function countBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(8);
  viewOf(bytes).setBigUint64(0, BigInt(count), true);
  return bytes;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
