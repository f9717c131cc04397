// EAP-MSCHAPv2 messages in the notation of frame-text.ts, for scripts of either side.

/** The Type-Data of a request or response of type 26, as hex. `data` comes without MS-CHAPv2's own header. */
export function typeData(opCode: number, id: number, data: string): string {
  return `1a${byte(opCode)}${byte(id)}${byte((4 + data.length / 2) >> 8)}${byte((4 + data.length / 2) & 0xff)}${data}`;
}

export function asHex(text: string): string {
  return Buffer.from(text).toString('hex');
}

function byte(value: number): string {
  return value.toString(16).padStart(2, '0');
}
