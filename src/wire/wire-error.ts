// Why bytes from the peer are not the message they claim to be. Parsers return one of these instead of throwing: the
// peer's mistakes are values, exceptions are for our own. All are negative, so that a parser of numbers can use them
// too.

export const WireError = {
  /** The bytes end before the message does. */
  Truncated: -1,
  /** The version is not the one this format has. */
  Version: -2,
  /** A length field is smaller than its own header, or has a value that this field cannot have. */
  Length: -3,
  /** Bytes follow the message where the format has no padding. */
  Trailing: -4,
  /** The number of elements differs from the count that the header announces. */
  Count: -5,
  /** A field has a value that does not exist. */
  Value: -6,
} as const;
export type WireError = (typeof WireError)[keyof typeof WireError];

/** True for what a parser returns instead of its value. */
export function isWireError(value: unknown): value is WireError {
  return typeof value === 'number' && value < 0;
}
