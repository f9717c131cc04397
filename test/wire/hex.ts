// Bytes of test vectors as the specifications print them.

/** White space is free. */
export function hex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, '');
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits)) throw new Error(`not hexadecimal: ${text}`);
  return Uint8Array.from(digits.match(/../g) ?? [], pair => Number.parseInt(pair, 16));
}

export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** `00 01 02 ...`, the nonce of the worked example and a value in which no byte can hide. */
export function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => at & 0xff);
}
