import { echoRequestLength, emitEchoRequest, parseEchoReply } from '../../src/client/ping.ts';
import type { SstpClient } from '../../src/client/sstp-client.ts';

const IDENTIFIER = 0x5362;
const HEADERS = 28;
const SEQUENCES = 0x10000;

/** Many pings at a time, told apart by their sequence numbers. */
export class Pings {
  readonly #view: DataView;
  /** When each was sent; 0 for those not on their way. */
  readonly #sentAt = new Float64Array(SEQUENCES);
  #next = 0;
  #roundTripsMs: number[] = [];

  constructor(view: DataView) {
    this.#view = view;
  }

  get received(): number {
    return this.#roundTripsMs.length;
  }

  /** Forgets what was on its way. @returns the round trips since the last time */
  take(): number[] {
    this.#sentAt.fill(0);
    return this.#roundTripsMs.splice(0);
  }

  /** Queues a ping to the tunnel's gateway, with the memory at `at` to build it in; false when it was dropped. */
  send({ client }: { readonly client: SstpClient }, at: number, packetLength: number): boolean {
    const { address, gateway } = client.network;
    const sequence = this.#next;
    this.#next = (sequence + 1) % SEQUENCES;
    const request = {
      source: address,
      destination: gateway,
      identifier: IDENTIFIER,
      sequence,
      payloadLength: packetLength - HEADERS,
    };
    emitEchoRequest(this.#view, at, request);
    this.#sentAt[sequence] = performance.now();
    return client.queuePacket(at, echoRequestLength(request));
  }

  receive(gateway: number, at: number, length: number): void {
    const sequence = parseEchoReply(this.#view, at, at + length, gateway, IDENTIFIER);
    if (sequence === undefined) return;
    const sentAt = this.#sentAt[sequence]!;
    // Twice, or so late that it was given up.
    if (sentAt === 0) return;
    this.#sentAt[sequence] = 0;
    this.#roundTripsMs.push(performance.now() - sentAt);
  }
}
