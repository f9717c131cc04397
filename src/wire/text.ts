// Text inside PPP packets: user names, host names, messages. The RFCs say ASCII or UTF-8, and peers send what they
// like.

const encoder = new TextEncoder();
// A leading byte order mark is part of a name as any other character: dropping it would make two names equal.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** UTF-8; bytes that are none become U+FFFD, for a name that is not text is still a name to report and to refuse. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

/**
 * A peer's text for people: no longer than `limit` characters, and without those that move a cursor, change the direction of writing or
 * cannot be seen. They become U+FFFD.
 */
export function printable(text: string, limit: number): string {
  const whole = text.length > limit ? `${text.slice(0, limit)}...` : text;
  return whole.replaceAll(/\p{C}|\p{Zl}|\p{Zp}/gu, '\u{fffd}');
}
