// Password Authentication Protocol, RFC 1334 2.2. The frame is that of every control protocol; `data` is a CpPacket's.
import type { CpPacket } from './control-protocol.ts';
import { WireError } from './wire-error.ts';

export const PapCode = { AuthenticateRequest: 1, AuthenticateAck: 2, AuthenticateNak: 3 } as const;
export type PapCode = (typeof PapCode)[keyof typeof PapCode];

const MAX_FIELD_LENGTH = 0xff;

/** Bytes as sent; text only by convention. */
export interface PapRequest {
  readonly user: Uint8Array;
  readonly password: Uint8Array;
}

/** Peer-ID and Password, each behind its length byte. Bytes behind them are ignored as padding. */
export function parsePapRequest(data: Uint8Array): PapRequest | WireError {
  const user = lengthPrefixed(data, 0);
  if (user === undefined) return WireError.Truncated;
  const password = lengthPrefixed(data, 1 + user.length);
  if (password === undefined) return WireError.Truncated;
  return { user, password };
}

export function papRequest(id: number, { user, password }: PapRequest): CpPacket {
  requireField(user);
  requireField(password);
  const data = new Uint8Array(2 + user.length + password.length);
  data[0] = user.length;
  data.set(user, 1);
  data[1 + user.length] = password.length;
  data.set(password, 2 + user.length);
  return { code: PapCode.AuthenticateRequest, id, data };
}

/**
 * The message of an Ack or Nak. Never an error: real servers send none at all (Length 4, even with text behind it that
 * Length does not cover), and a result is valid without its decoration.
 */
export function parsePapMessage(data: Uint8Array): Uint8Array {
  const length = data[0] ?? 0;
  return data.slice(1, 1 + length);
}

/** Ack or Nak. The message is cut to what its length byte can say. */
export function papResult(
  code: typeof PapCode.AuthenticateAck | typeof PapCode.AuthenticateNak,
  id: number,
  message: Uint8Array,
): CpPacket {
  const kept = message.subarray(0, MAX_FIELD_LENGTH);
  const data = new Uint8Array(1 + kept.length);
  data[0] = kept.length;
  data.set(kept, 1);
  return { code, id, data };
}

function lengthPrefixed(data: Uint8Array, at: number): Uint8Array | undefined {
  const length = data[at];
  if (length === undefined || data.length - at - 1 < length) return undefined;
  return data.slice(at + 1, at + 1 + length);
}

function requireField(bytes: Uint8Array): void {
  if (bytes.length > MAX_FIELD_LENGTH) throw new RangeError(`a PAP field of ${bytes.length} bytes has no encoding`);
}
