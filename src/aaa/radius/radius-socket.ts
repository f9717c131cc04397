/** One UDP socket to one server: 256 identifiers, at a port that the kernel chose at random. */
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { RADIUS_HEADER_LENGTH } from '../../wire/radius.ts';

const IDENTIFIERS = 256;

export interface RadiusSocketEvents {
  /** A datagram from the server's address that no request waits for. */
  strayed(): void;
}

export class RadiusSocket {
  readonly #socket: Socket;
  readonly #events: RadiusSocketEvents;
  readonly #receivers = new Map<number, (datagram: Uint8Array) => void>();

  /**
   * `address`: textual, of either family. The socket is connected: the kernel drops what comes from elsewhere. Rejects
   * when the machine has no route or no descriptor left.
   */
  static open(address: string, family: number, port: number, events: RadiusSocketEvents): Promise<RadiusSocket> {
    return new Promise((resolve, reject) => {
      const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
      socket.once('error', error => {
        socket.close();
        reject(error);
      });
      socket.connect(port, address, () => {
        socket.removeAllListeners('error');
        resolve(new RadiusSocket(socket, events));
      });
    });
  }

  private constructor(socket: Socket, events: RadiusSocketEvents) {
    this.#socket = socket;
    this.#events = events;
    // A refused datagram is no answer: anybody on the path can make one, and a server that starts again refuses too.
    socket.on('error', () => {});
    socket.on('message', datagram => this.#receive(datagram));
  }

  get inUse(): number {
    return this.#receivers.size;
  }

  get isFull(): boolean {
    return this.#receivers.size === IDENTIFIERS;
  }

  /** Takes a free identifier, an unpredictable one. Only when not full. `receive` gets what comes back with it. */
  take(receive: (datagram: Uint8Array) => void): number {
    let identifier = randomInt(IDENTIFIERS);
    while (this.#receivers.has(identifier)) identifier = (identifier + 1) % IDENTIFIERS;
    this.#receivers.set(identifier, receive);
    return identifier;
  }

  release(identifier: number): void {
    this.#receivers.delete(identifier);
  }

  send(datagram: Uint8Array): void {
    // What the kernel does not take is lost as on the way: the request is repeated.
    this.#socket.send(datagram, () => {});
  }

  close(): void {
    this.#socket.close();
  }

  #receive(datagram: Uint8Array): void {
    const receive = datagram.length < RADIUS_HEADER_LENGTH ? undefined : this.#receivers.get(datagram[1]!);
    if (receive === undefined) this.#events.strayed();
    else receive(datagram);
  }
}
