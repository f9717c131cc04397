/**
 * What coalescing keeps of the super-packets that it builds: one record each, in order of their first packets, and the chain of their
 * pieces. A packet that stays alone is a super-packet of one.
 */
import { GATHER_PACKETS, PIECE_LENGTH, PIECES_AT, RECORD_LENGTH, RECORDS_AT } from './memory';

/** Fields of a record, all u32: the first packet's address. */
const FIRST_AT: u32 = 0;
/** Bytes of the super-packet, without virtio header. */
const LENGTH: u32 = 4;
const PACKETS: u32 = 8;
/** Payload bytes of the first packet, which no other exceeds. */
const SEGMENT: u32 = 12;
/** The sequence number that follows. */
const SEQUENCE: u32 = 16;
const FIRST_PIECE: u32 = 20;
const LAST_PIECE: u32 = 24;
const STATE: u32 = 28;
/** Where the flow table points here; 0 = nowhere. */
const BUCKET: u32 = 32;
/** The barrier of its source when it began. */
const BARRIER: u32 = 36;

/** Bits of the state: more packets may follow. */
export const STATE_OPEN: u32 = 1;
/** The first packet's checksums were right. */
export const STATE_VERIFIED: u32 = 2;
/** The last packet has PSH. */
export const STATE_PUSH: u32 = 4;
/** All packets have the first one's IPv4 identification, instead of counting on from it. */
export const STATE_FIXED_ID: u32 = 8;

let recordsEnd: u32 = RECORDS_AT;
let pieces: u32 = 0;

export function recordAt(index: u32): u32 {
  return RECORDS_AT + index * RECORD_LENGTH;
}

/** The end of the records in use. */
export function endOfRecords(): u32 {
  return recordsEnd;
}

export function isFull(): bool {
  return pieces == GATHER_PACKETS;
}

export function clearRecords(): void {
  recordsEnd = RECORDS_AT;
  pieces = 0;
}

/** A record of one packet, closed. */
export function addRecord(at: u32, length: u32): u32 {
  const record = recordsEnd;
  recordsEnd += RECORD_LENGTH;
  const piece = addPiece(at, length);
  store<u32>(record, at, FIRST_AT);
  store<u32>(record, length, LENGTH);
  store<u32>(record, 1, PACKETS);
  store<u32>(record, piece, FIRST_PIECE);
  store<u32>(record, piece, LAST_PIECE);
  store<u32>(record, 0, STATE);
  store<u32>(record, 0, BUCKET);
  return record;
}

/** Lets a record take more packets of its flow. */
export function openRecord(record: u32, bucket: u32, barrier: u32, segment: u32, sequence: u32): void {
  store<u32>(record, STATE_OPEN, STATE);
  store<u32>(record, bucket, BUCKET);
  store<u32>(record, barrier, BARRIER);
  store<u32>(record, segment, SEGMENT);
  store<u32>(record, sequence, SEQUENCE);
}

/** Adds the payload of one more packet. */
export function extendRecord(record: u32, at: u32, length: u32): void {
  const piece = addPiece(at, length);
  store<u16>(pieceAt(load<u32>(record, LAST_PIECE)), piece as u16, 6);
  store<u32>(record, piece, LAST_PIECE);
  store<u32>(record, load<u32>(record, LENGTH) + length, LENGTH);
  store<u32>(record, load<u32>(record, PACKETS) + 1, PACKETS);
  store<u32>(record, load<u32>(record, SEQUENCE) + length, SEQUENCE);
}

function addPiece(at: u32, length: u32): u32 {
  const piece = pieceAt(pieces);
  store<u32>(piece, at);
  store<u16>(piece, length as u16, 4);
  return pieces++;
}

function pieceAt(index: u32): u32 {
  return PIECES_AT + index * PIECE_LENGTH;
}

export function firstAt(record: u32): u32 {
  return load<u32>(record, FIRST_AT);
}

export function superLength(record: u32): u32 {
  return load<u32>(record, LENGTH);
}

export function packets(record: u32): u32 {
  return load<u32>(record, PACKETS);
}

export function segmentLength(record: u32): u32 {
  return load<u32>(record, SEGMENT);
}

export function nextSequence(record: u32): u32 {
  return load<u32>(record, SEQUENCE);
}

export function bucketOf(record: u32): u32 {
  return load<u32>(record, BUCKET);
}

export function barrierOf(record: u32): u32 {
  return load<u32>(record, BARRIER);
}

export function hasState(record: u32, bit: u32): bool {
  return (load<u32>(record, STATE) & bit) != 0;
}

export function setState(record: u32, bits: u32): void {
  store<u32>(record, load<u32>(record, STATE) | bits, STATE);
}

export function close(record: u32): void {
  store<u32>(record, load<u32>(record, STATE) & ~STATE_OPEN, STATE);
}

/** The pieces of a record are walked by address: the first, each one's next (only as many times as there are packets), their fields. */
export function firstPiece(record: u32): u32 {
  return pieceAt(load<u32>(record, FIRST_PIECE));
}

export function nextPiece(piece: u32): u32 {
  return pieceAt(load<u16>(piece, 6));
}

export function pieceStart(piece: u32): u32 {
  return load<u32>(piece);
}

export function pieceLength(piece: u32): u32 {
  return load<u16>(piece, 4);
}
