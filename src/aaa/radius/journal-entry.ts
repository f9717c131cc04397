/**
 * One line of the accounting journal, and its form on the disk:
 *
 *     length of the payload (4) | CRC-32 of the payload (4) | payload: kind (1) ...
 *
 * all big-endian, times in milliseconds since 1970. A file may end anywhere, and its bytes may have changed since they were written:
 * reading ends at the first entry that is not whole, and what stands before it counts.
 */
import { crc32 } from 'node:zlib';
import { copyBytes, putBytes, viewOf } from '../../wire/bytes.ts';
import { decodeText, encodeText } from '../../wire/text.ts';
import type { AccountedTraffic } from '../accounting.ts';

/** A session as it is known between two requests. */
export interface JournalSession {
  readonly id: string;
  readonly upAt: number;
  /** What every request about it repeats, encoded as in a packet. */
  readonly attributes: Uint8Array;
  /** When `traffic` was read. */
  readonly at: number;
  readonly traffic: AccountedTraffic;
}

/** What a RADIUS server is to be told. */
export interface AccountingRequest extends JournalSession {
  /** Requests are told in the order of their numbers. */
  readonly number: number;
  /** Acct-Status-Type. */
  readonly status: number;
  /** Acct-Terminate-Cause of a Stop, else 0. */
  readonly cause: number;
}

export type JournalEntry =
  /** A request that is to be sent; a Start opens its session, an Interim moves it on, a Stop closes it. */
  | { readonly kind: 'request'; readonly request: AccountingRequest }
  /** The same, copied from an older file: says nothing about whether its session is open. */
  | { readonly kind: 'copy'; readonly request: AccountingRequest }
  | { readonly kind: 'acknowledged'; readonly number: number }
  /** A session that is open. */
  | { readonly kind: 'session'; readonly session: JournalSession }
  | { readonly kind: 'traffic'; readonly id: string; readonly at: number; readonly traffic: AccountedTraffic };

const KIND = { request: 1, copy: 2, acknowledged: 3, session: 4, traffic: 5 } as const;

const FRAME_LENGTH = 8;
/** kind, status, cause, number, at, upAt, four totals, length of the id. */
const REQUEST_LENGTH = 3 + 8 * 3 + 32 + 2;
const SESSION_LENGTH = 1 + 8 * 2 + 32 + 2;
const TRAFFIC_LENGTH = 1 + 8 + 32 + 2;
const ACKNOWLEDGED_LENGTH = 1 + 8;
const NO_ATTRIBUTES = new Uint8Array(0);
/** More than any entry has: what says so is no entry. */
const LONGEST_PAYLOAD = 16384;

/** Bytes on the disk of a request or a session. */
export function entryLength({ id, attributes }: JournalSession): number {
  return FRAME_LENGTH + REQUEST_LENGTH + id.length + attributes.length;
}

export function encodeEntry(entry: JournalEntry): Uint8Array {
  if (entry.kind === 'request' || entry.kind === 'copy') return encodeRequest(KIND[entry.kind], entry.request);
  if (entry.kind === 'acknowledged') {
    const { frame, payload } = framed(ACKNOWLEDGED_LENGTH);
    payload.setUint8(0, KIND.acknowledged);
    payload.setFloat64(1, entry.number);
    return sealed(frame);
  }
  if (entry.kind === 'session') {
    const { session } = entry;
    const id = encodeText(session.id);
    const { frame, payload } = framed(SESSION_LENGTH + id.length + session.attributes.length);
    payload.setUint8(0, KIND.session);
    payload.setFloat64(1, session.at);
    payload.setFloat64(9, session.upAt);
    putTail(payload, 17, session.traffic, id, session.attributes);
    return sealed(frame);
  }
  const id = encodeText(entry.id);
  const { frame, payload } = framed(TRAFFIC_LENGTH + id.length);
  payload.setUint8(0, KIND.traffic);
  payload.setFloat64(1, entry.at);
  putTail(payload, 9, entry.traffic, id, NO_ATTRIBUTES);
  return sealed(frame);
}

/** The entries of a file up to the first that is not whole, and how many bytes they take. Never throws. */
export function readEntries(bytes: Uint8Array): { entries: JournalEntry[]; length: number } {
  const view = viewOf(bytes);
  const entries: JournalEntry[] = [];
  let at = 0;
  while (at + FRAME_LENGTH < bytes.length) {
    const length = view.getUint32(at);
    const end = at + FRAME_LENGTH + length;
    if (length === 0 || length > LONGEST_PAYLOAD || end > bytes.length) break;
    const payload = bytes.subarray(at + FRAME_LENGTH, end);
    if (crc32(payload) !== view.getUint32(at + 4)) break;
    const entry = readPayload(payload);
    if (entry === undefined) break;
    entries.push(entry);
    at = end;
  }
  return { entries, length: at };
}

function encodeRequest(kind: number, request: AccountingRequest): Uint8Array {
  const id = encodeText(request.id);
  const { frame, payload } = framed(REQUEST_LENGTH + id.length + request.attributes.length);
  payload.setUint8(0, kind);
  payload.setUint8(1, request.status);
  payload.setUint8(2, request.cause);
  payload.setFloat64(3, request.number);
  payload.setFloat64(11, request.at);
  payload.setFloat64(19, request.upAt);
  putTail(payload, 27, request.traffic, id, request.attributes);
  return sealed(frame);
}

function readPayload(bytes: Uint8Array): JournalEntry | undefined {
  const view = viewOf(bytes);
  switch (bytes[0]) {
    case KIND.request:
    case KIND.copy: {
      const tail = readTail(bytes, 27);
      if (tail === undefined) return undefined;
      const request = {
        status: view.getUint8(1),
        cause: view.getUint8(2),
        number: view.getFloat64(3),
        at: view.getFloat64(11),
        upAt: view.getFloat64(19),
        ...tail,
      };
      return { kind: bytes[0] === KIND.request ? 'request' : 'copy', request };
    }
    case KIND.acknowledged:
      if (bytes.length !== ACKNOWLEDGED_LENGTH) return undefined;
      return { kind: 'acknowledged', number: view.getFloat64(1) };
    case KIND.session: {
      const tail = readTail(bytes, 17);
      if (tail === undefined) return undefined;
      return { kind: 'session', session: { at: view.getFloat64(1), upAt: view.getFloat64(9), ...tail } };
    }
    case KIND.traffic: {
      const tail = readTail(bytes, 9);
      if (tail === undefined) return undefined;
      return { kind: 'traffic', at: view.getFloat64(1), id: tail.id, traffic: tail.traffic };
    }
    default:
      return undefined;
  }
}

function framed(length: number): { frame: Uint8Array; payload: DataView } {
  const frame = new Uint8Array(FRAME_LENGTH + length);
  return { frame, payload: viewOf(frame.subarray(FRAME_LENGTH)) };
}

function sealed(frame: Uint8Array): Uint8Array {
  const view = viewOf(frame);
  const payload = frame.subarray(FRAME_LENGTH);
  view.setUint32(0, payload.length);
  view.setUint32(4, crc32(payload));
  return frame;
}

function putTail(view: DataView, at: number, traffic: AccountedTraffic, id: Uint8Array, attributes: Uint8Array): void {
  view.setFloat64(at, traffic.rxBytes);
  view.setFloat64(at + 8, traffic.txBytes);
  view.setFloat64(at + 16, traffic.rxPackets);
  view.setFloat64(at + 24, traffic.txPackets);
  view.setUint16(at + 32, id.length);
  putBytes(view, putBytes(view, at + 34, id), attributes);
}

function readTail(
  bytes: Uint8Array,
  at: number,
): { traffic: AccountedTraffic; id: string; attributes: Uint8Array } | undefined {
  const view = viewOf(bytes);
  const idAt = at + 34;
  if (idAt > bytes.length) return undefined;
  const attributesAt = idAt + view.getUint16(at + 32);
  if (attributesAt > bytes.length) return undefined;
  return {
    traffic: {
      rxBytes: view.getFloat64(at),
      txBytes: view.getFloat64(at + 8),
      rxPackets: view.getFloat64(at + 16),
      txPackets: view.getFloat64(at + 24),
    },
    id: decodeText(bytes.subarray(idAt, attributesAt)),
    attributes: copyBytes(view, attributesAt, bytes.length),
  };
}
