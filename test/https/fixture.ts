// A listener on loopback that records what it reports, and the certificates for it.
import { createServer, type Server, type Socket, type AddressInfo } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';
import type { ServerCertificate } from '../../src/https/certificate-store.ts';
import type { DisconnectCause, HttpsConnection, HttpsUpper, RefusalReason } from '../../src/https/connection.ts';
import { HttpsListener, type ListenerOptions } from '../../src/https/listener.ts';

const TARGET = '/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/';
const LENGTH = 'Content-Length: 18446744073709551615';
/** As Windows sends it. */
export const REQUEST = `SSTP_DUPLEX_POST ${TARGET} HTTP/1.1\r\nSSTPCORRELATIONID: {6F9619FF-8B86-D011-B42D-00C04FC964FF}\r\n${LENGTH}\r\nHost: vpn.example\r\n\r\n`;
export const SSTPC_REQUEST = `SSTP_DUPLEX_POST ${TARGET} HTTP/1.1\r\nHost: vpn.example\r\n${LENGTH}\r\nSSTPCORRELATIONID: {1CD49CF3-CD6C-70CF-5D3E8EF}\r\n\r\n`;

export interface MadeCertificate extends ServerCertificate {
  readonly der: Buffer;
}

export interface CertificateRequest {
  readonly names?: readonly string[];
  readonly addresses?: readonly string[];
  readonly keyType?: 'rsa' | 'ec';
  readonly ca?: MadeCertificate;
  readonly expired?: boolean;
}

/** A self-signed certificate, or one of an authority. EC by default: making RSA keys is slow. */
export async function makeCertificate(request: CertificateRequest = {}): Promise<MadeCertificate> {
  const { names = ['vpn.example'], addresses = [], keyType = 'ec', ca, expired = false } = request;
  const day = 86_400_000;
  const pem = await generate([{ name: 'commonName', value: names[0] ?? 'vpn.example' }], {
    keyType,
    algorithm: 'sha256',
    ...(ca === undefined ? {} : { ca: { cert: ca.cert, key: ca.key } }),
    ...(expired ? { notBeforeDate: new Date(Date.now() - 3 * day), notAfterDate: new Date(Date.now() - day) } : {}),
    extensions: [
      { name: 'basicConstraints', cA: ca === undefined, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, keyCertSign: ca === undefined },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...names.map(value => ({ type: 2 as const, value })),
          ...addresses.map(ip => ({ type: 7 as const, ip })),
        ],
      },
    ],
  });
  const der = Buffer.from(pem.cert.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  return { cert: pem.cert, key: pem.private, serverNames: names, der };
}

/** An upper that remembers. */
export class Recorder implements HttpsUpper {
  readonly chunks: Buffer[] = [];
  readonly causes: DisconnectCause[] = [];
  readonly connection: HttpsConnection;

  constructor(connection: HttpsConnection) {
    this.connection = connection;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  receive(chunk: Uint8Array): void {
    this.chunks.push(Buffer.from(chunk));
  }

  disconnected(cause: DisconnectCause): void {
    this.causes.push(cause);
  }
}

export interface TestListener extends AsyncDisposable {
  readonly listener: HttpsListener;
  readonly port: number;
  readonly settings: ListenerOptions;
  readonly accepted: Recorder[];
  readonly refusals: RefusalReason[];
  readonly details: string[];
  /** Those that the listener has told of. */
  readonly handshakes: { readonly begun: number };
  /** As a reload does. */
  setCertificates(certificates: readonly ServerCertificate[]): void;
}

export interface TestListenerOptions extends Partial<ListenerOptions> {
  /** Declines every request. */
  readonly full?: boolean;
  readonly makeUpper?: (connection: HttpsConnection) => Recorder;
}

const shared = makeCertificate({ addresses: ['127.0.0.1', '::1'] });

/** The certificate of listeners that were not given one: vpn.example, 127.0.0.1, ::1. */
export function sharedCertificate(): Promise<MadeCertificate> {
  return shared;
}

export async function startListener(options: TestListenerOptions = {}): Promise<TestListener> {
  const accepted: Recorder[] = [];
  const refusals: RefusalReason[] = [];
  const details: string[] = [];
  const handshakes = { begun: 0 };
  const { full = false, makeUpper = connection => new Recorder(connection), ...rest } = options;
  const settings: ListenerOptions = {
    addresses: [{ host: '127.0.0.1', port: 0 }],
    certificates: [await shared],
    minVersion: 'TLSv1.2',
    budgetMs: 60_000,
    headerLimit: 16 * 1024,
    maxHalfOpen: 100,
    decoy: '404',
    ...rest,
  };
  const listener = new HttpsListener(settings, {
    accept: connection => {
      if (full) return undefined;
      const upper = makeUpper(connection);
      accepted.push(upper);
      return upper;
    },
    refused: (reason, _remoteAddress, detail) => {
      refusals.push(reason);
      details.push(detail);
    },
    handshake: () => void handshakes.begun++,
  });
  const setCertificates = (certificates: readonly ServerCertificate[]): void =>
    listener.configure({ ...settings, certificates });
  await listener.listen();
  const port = listener.addresses[0]?.port ?? 0;
  return {
    listener,
    port,
    settings,
    accepted,
    refusals,
    details,
    handshakes,
    setCertificates,
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

/** A TLS client that has finished its handshake and collects what it gets. */
export interface TestClient {
  readonly socket: TLSSocket;
  readonly text: () => string;
  /** Codes of the socket's errors. */
  readonly errors: readonly (string | undefined)[];
  readonly closed: Promise<void>;
}

export async function connectClient(port: number, options: ConnectionOptions = {}): Promise<TestClient> {
  const chunks: Buffer[] = [];
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  const errors: (string | undefined)[] = [];
  socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = new Promise<void>(resolve => void socket.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', () => resolve());
    socket.once('error', reject);
  });
  return { socket, closed, errors, text: () => Buffer.concat(chunks).toString('latin1') };
}

/** Waits for something that comes from another turn of the event loop. The limit only keeps a broken test from hanging. */
export async function eventually<T>(probe: () => T | undefined | false): Promise<T> {
  for (let turn = 0; turn < 10_000; turn++) {
    const value = probe();
    if (value !== undefined && value !== false) return value;
    await new Promise(resolve => void setTimeout(resolve, 2));
  }
  throw new Error(`never happened: ${probe.toString()}`);
}

/** One accepted tunnel: the client after the 200 and the server's end. */
export async function openTunnel(
  server: TestListener,
  options: ConnectionOptions = {},
  request = REQUEST,
): Promise<{ client: TestClient; upper: Recorder }> {
  const before = server.accepted.length;
  const client = await connectClient(server.port, options);
  client.socket.write(request);
  const upper = await eventually(() => server.accepted[before]);
  await eventually(() => client.text().endsWith('\r\n\r\n'));
  return { client, upper };
}

export interface TestServer extends AsyncDisposable {
  readonly port: number;
}

/** A scripted TCP server on loopback. */
export async function startTcp(serve: (socket: Socket) => void, host = '127.0.0.1'): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const server: Server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>(resolve => void server.listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
