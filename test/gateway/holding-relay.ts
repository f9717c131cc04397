/**
 * A TCP relay in front of a gateway that keeps the answer to the first request back, until it is told to let go: the gateway has a session
 * then, of which its client does not know yet.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** How often a client speaks before the gateway answers HTTP. */
const FLIGHTS_BEFORE_ANSWER = { 'TLSv1.2': 3, 'TLSv1.3': 2 } as const;

export class HoldingRelay {
  readonly #server: Server;
  readonly #held = new Set<Socket>();

  static async listen(
    host: string,
    target: { readonly host: string; readonly port: number },
    tls: keyof typeof FLIGHTS_BEFORE_ANSWER = 'TLSv1.3',
  ): Promise<HoldingRelay> {
    const relay = new HoldingRelay(target, FLIGHTS_BEFORE_ANSWER[tls]);
    relay.#server.listen(0, host);
    await once(relay.#server, 'listening');
    return relay;
  }

  private constructor(target: { readonly host: string; readonly port: number }, flights: number) {
    this.#server = createServer(client => this.#relay(client, connect(target), flights));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What is kept back goes on, and nothing of these connections is kept back any more. */
  letGo(): void {
    for (const gateway of this.#held) gateway.resume();
    this.#held.clear();
  }

  close(): void {
    this.#server.close();
  }

  #relay(client: Socket, gateway: Socket, before: number): void {
    let flights = 0;
    client.on('data', chunk => {
      if (++flights === before) {
        gateway.pause();
        this.#held.add(gateway);
      }
      gateway.write(chunk);
    });
    gateway.on('data', chunk => void client.write(chunk));
    for (const [socket, other] of [
      [client, gateway],
      [gateway, client],
    ] as const) {
      socket.on('error', () => undefined);
      socket.on('end', () => other.end());
      socket.on('close', () => {
        this.#held.delete(socket);
        other.destroy();
      });
    }
  }
}
