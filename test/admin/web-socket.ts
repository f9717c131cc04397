// As much of RFC 6455 as is needed to read the gateway's text messages, on a socket that a test can pause.
import { connect, type Socket } from 'node:net';

export interface WebSocketReader {
  /** The HTTP answer. */
  readonly head: string;
  readonly messages: readonly string[];
  readonly socket: Socket;
}

const KEY = Buffer.alloc(16, 7).toString('base64');

/** Asks for the events; resolves with whatever the answer is. */
export async function openWebSocket(port: number, headers: readonly string[] = []): Promise<WebSocketReader> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const lines = [
    'GET /api/v1/events HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${KEY}`,
    'Sec-WebSocket-Version: 13',
    ...headers,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  const messages: string[] = [];
  let rest: Buffer = Buffer.alloc(0);
  let head: string | undefined;
  await new Promise<void>(resolve => {
    socket.once('close', () => resolve());
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      if (head === undefined) {
        const end = rest.indexOf('\r\n\r\n');
        if (end < 0) return;
        head = rest.toString('latin1', 0, end + 4);
        rest = rest.subarray(end + 4);
        resolve();
      }
      rest = takeMessages(rest, messages);
    });
  });
  return { head: head ?? '', messages, socket };
}

/** Section 5.2: a server's frames are not masked. @returns what is no whole frame yet. */
function takeMessages(bytes: Buffer, messages: string[]): Buffer {
  let at = 0;
  while (bytes.length >= at + 2) {
    const short = bytes[at + 1]! & 0x7f;
    const headerLength = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < at + headerLength) break;
    const length =
      short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
    const end = at + headerLength + length;
    if (bytes.length < end) break;
    const isText = (bytes[at]! & 0x0f) === 1;
    if (isText) messages.push(bytes.toString('utf8', at + headerLength, end));
    at = end;
  }
  return bytes.subarray(at);
}
