// One end of a TCP stream through the kernel of a namespace. `receive HOST PORT`: takes one connection and prints the digest of what came.
// `send HOST PORT BYTES`: connects, as soon as somebody listens, sends, and prints the digest of what it sent.

import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const CHUNK = 256 * 1024;

const [role, host = '', port = '0', bytes = '0'] = process.argv.slice(2);
const digest = createHash('sha256');
if (role === 'receive') receive();
else await send(await connected(), Number(bytes));

function receive(): void {
  const server = createServer(socket => {
    server.close();
    socket.on('data', chunk => digest.update(chunk));
    socket.on('end', () => {
      socket.end();
      console.log(digest.digest('hex'));
    });
  });
  server.listen(Number(port), host);
}

async function connected(): Promise<Socket> {
  for (;;) {
    const socket = connect(Number(port), host);
    const error = await new Promise<NodeJS.ErrnoException | undefined>(resolve => {
      socket.once('connect', () => resolve(undefined));
      socket.once('error', resolve);
    });
    if (error === undefined) return socket;
    assert.equal(error.code, 'ECONNREFUSED');
    await sleep(20);
  }
}

async function send(socket: Socket, length: number): Promise<void> {
  // A key stream: no two pieces of it are alike, so none can stand in for another.
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  const zeros = Buffer.alloc(CHUNK);
  for (let left = length; left > 0; left -= CHUNK) {
    const part = cipher.update(zeros.subarray(0, Math.min(left, CHUNK)));
    digest.update(part);
    await new Promise(resolve => socket.write(part, resolve));
  }
  socket.end();
  socket.resume();
  console.log(digest.digest('hex'));
}
