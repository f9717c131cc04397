/**
 * One end of TLS connections that carry bytes in one direction and nothing else: what TLS costs in Node without a
 * gateway around it. Says as a JSON line that it is ready (the server), and what the given seconds brought.
 *
 * One connection carries as much as it can. Many take turns, a record each, as tunnels do that have a small packet now and then.
 */
import { once } from 'node:events';
import { createServer, connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';

export interface EndpointRequest {
  readonly host: string;
  readonly port: number;
  /** Its certificate and key make this end the server. */
  readonly server?: { readonly cert: string; readonly key: string };
  readonly sends: boolean;
  readonly connections: number;
  /** Plaintext bytes of a record: 16384 at most, which is TLS's own limit. */
  readonly recordLength: number;
  readonly seconds: number;
}

export interface EndpointReport {
  readonly bytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Connections that are written to in one turn of the event loop. */
const BURST = 64;
/** Neither the handshake nor code that is not compiled yet counts. */
const WARM_UP_MS = 500;
const CHUNK_LENGTH = 64 * 1024;

let carried = 0;

const request = JSON.parse(process.argv[2] ?? '') as EndpointRequest;
const { host, port, server, connections } = request;
const sockets: TLSSocket[] = [];
if (server === undefined) {
  await connectAll();
} else {
  createServer({ ...server, noDelay: true }, socket => {
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => (carried += bytes.length));
    sockets.push(socket);
    if (sockets.length < connections) return;
    carry();
    setTimeout(measure, WARM_UP_MS);
  }).listen(port, host, () => console.log(JSON.stringify({ listening: true })));
}

/** One after the other: a backlog of handshakes is nobody's measure here. */
async function connectAll(): Promise<void> {
  while (sockets.length < connections) {
    const socket = connect({ host, port, rejectUnauthorized: false });
    socket.setNoDelay();
    // The server ends when it has seen enough.
    socket.on('error', () => {}).on('close', () => process.exit(0));
    socket.on('data', (bytes: Buffer) => (carried += bytes.length));
    await once(socket, 'secureConnect');
    sockets.push(socket);
  }
  carry();
}

function carry(): void {
  if (!request.sends) return;
  if (connections === 1) sendBulk(sockets[0]!);
  else sendInTurns();
}

function sendInTurns(): void {
  const record = Buffer.alloc(request.recordLength, 0x5a);
  const written = (): void => {
    carried += record.length;
  };
  let next = 0;
  const burst = (): void => {
    for (let count = 0; count < BURST; count++) {
      const socket = sockets[next++ % connections]!;
      if (!socket.destroyed && socket.writableLength === 0) socket.write(record, written);
    }
    setImmediate(burst);
  };
  burst();
}

function sendBulk(socket: TLSSocket): void {
  socket.setMaxSendFragment(request.recordLength);
  const chunk = Buffer.alloc(CHUNK_LENGTH, 0x5a);
  const written = (): void => {
    carried += CHUNK_LENGTH;
  };
  const pump = (): void => {
    while (!socket.destroyed && socket.write(chunk, written));
  };
  socket.on('drain', pump);
  pump();
}

function measure(): void {
  const begin = { carried, at: performance.now(), cpu: process.cpuUsage() };
  setTimeout(() => {
    const { user, system } = process.cpuUsage(begin.cpu);
    const report: EndpointReport = {
      bytes: carried - begin.carried,
      seconds: (performance.now() - begin.at) / 1000,
      cpuSeconds: (user + system) / 1e6,
    };
    process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
  }, request.seconds * 1000);
}
