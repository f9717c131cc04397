/**
 * One end of a TLS connection that carries bytes in one direction and nothing else: what TLS costs in Node without a
 * gateway around it. Says as a JSON line that it is ready (the server), and what the given seconds brought.
 */
import { createServer, connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';

export interface EndpointRequest {
  readonly host: string;
  readonly port: number;
  /** Its certificate and key make this end the server. */
  readonly server?: { readonly cert: string; readonly key: string };
  readonly sends: boolean;
  /** Plaintext bytes of a record: 16384 at most, which is TLS's own limit. */
  readonly recordLength: number;
  readonly seconds: number;
}

export interface EndpointReport {
  readonly bytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Neither the handshake nor code that is not compiled yet counts. */
const WARM_UP_MS = 500;
const CHUNK_LENGTH = 64 * 1024;

let carried = 0;

const request = JSON.parse(process.argv[2] ?? '') as EndpointRequest;
const { host, port, server } = request;
if (server === undefined) {
  const socket = connect({ host, port, rejectUnauthorized: false }, () => carry(socket));
  socket.setNoDelay();
  // The server ends when it has seen enough.
  socket.on('error', () => {}).on('close', () => process.exit(0));
} else {
  createServer({ ...server, noDelay: true }, socket => {
    socket.on('error', () => {});
    carry(socket);
    setTimeout(measure, WARM_UP_MS);
  }).listen(port, host, () => console.log(JSON.stringify({ listening: true })));
}

function carry(socket: TLSSocket): void {
  if (!request.sends) {
    socket.on('data', (bytes: Buffer) => (carried += bytes.length));
    return;
  }
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
