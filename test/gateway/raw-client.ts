/** A TLS client that says whatever a test wants after the handshake. */
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';

export const SSTP_REQUEST = [
  'SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1',
  'SSTPCORRELATIONID: {A1B2C3D4-0000-4000-8000-000000000001}',
  'Content-Length: 18446744073709551615',
  'Host: localhost',
  '',
  '',
].join('\r\n');

const WAIT_LIMIT_MS = 10_000;

export class RawClient {
  readonly socket: TLSSocket;
  #received = Buffer.alloc(0);
  readonly #closed: Promise<unknown>;

  /** @param from an address of loopback */
  static async connect(port: number, from?: string): Promise<RawClient> {
    const host = from?.includes(':') === true ? '::1' : '127.0.0.1';
    const socket = connectTls({ socket: connectTcp({ host, port, localAddress: from }), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    return new RawClient(socket);
  }

  /** Connected, with the SSTP request answered. */
  static async open(port: number, from?: string): Promise<RawClient> {
    const client = await RawClient.connect(port, from);
    client.socket.write(SSTP_REQUEST);
    await client.until(received => received.includes('\r\n\r\n'));
    client.forget();
    return client;
  }

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('data', chunk => (this.#received = Buffer.concat([this.#received, chunk])));
    // How it ends is what tests look at; not a failure of the test itself.
    socket.on('error', () => {});
    this.#closed = new Promise(resolve => socket.once('close', resolve));
  }

  get received(): Buffer {
    return this.#received;
  }

  forget(): void {
    this.#received = Buffer.alloc(0);
  }

  write(hex: string): void {
    this.socket.write(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  }

  /** Waits for bytes that satisfy `condition`. */
  async until(condition: (received: Buffer) => boolean): Promise<Buffer> {
    const timeout = AbortSignal.timeout(WAIT_LIMIT_MS);
    while (!condition(this.#received)) {
      if (this.socket.destroyed) throw new Error(`closed after ${this.#received.toString('hex')}`);
      await Promise.race([once(this.socket, 'data', { signal: timeout }), this.#closed]);
    }
    return this.#received;
  }

  /** Resolves with all that came when the gateway has closed the connection. */
  async untilClosed(): Promise<Buffer> {
    await this.#closed;
    return this.#received;
  }
}
