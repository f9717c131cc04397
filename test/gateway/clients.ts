/** Many clients of the project's own library in one process. */
import type { ClientRuntime } from '../../src/client/client-runtime.ts';
import { echoRequestLength, emitEchoRequest, parseEchoReply } from '../../src/client/ping.ts';
import { SstpClient } from '../../src/client/sstp-client.ts';
import type { SstpClientOptions } from '../../src/client/sstp-client-options.ts';
import type { TunnelEndReason } from '../../src/protocol/end-reason.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import { PASSWORD, USER } from './site.ts';

const PING_LIMIT_MS = 30_000;
const IDENTIFIER = 0x1234;

/** A client that can ping the gateway through its tunnel. */
export class TestClient {
  readonly client: SstpClient;
  /** Resolves when the tunnel has ended, unless this side ended it. */
  readonly gone: Promise<TunnelEndReason>;
  readonly #runtime: ClientRuntime;
  readonly #endings: TunnelEndReason[];
  readonly #pongs: { onPong: ((sequence: number) => void) | undefined };
  #sequence = 0;

  static async connect(
    runtime: ClientRuntime,
    options: Partial<Omit<SstpClientOptions, 'https'>> & { readonly https: SstpClientOptions['https'] },
  ): Promise<TestClient> {
    const endings: TunnelEndReason[] = [];
    let tell: (reason: TunnelEndReason) => void;
    const gone = new Promise<TunnelEndReason>(resolve => (tell = resolve));
    const pongs: { onPong: ((sequence: number) => void) | undefined } = { onPong: undefined };
    const client: SstpClient = await SstpClient.connect(
      runtime,
      { user: USER, password: PASSWORD, auth: ['mschapv2'], mtu: 1400, ...options },
      {
        receivePacket: (at, length) => {
          const sequence = parseEchoReply(runtime.path.view, at, at + length, client.network.gateway, IDENTIFIER);
          if (sequence !== undefined) pongs.onPong?.(sequence);
        },
        ended: reason => {
          endings.push(reason);
          tell(reason);
        },
      },
    );
    return new TestClient(runtime, client, endings, gone, pongs);
  }

  private constructor(
    runtime: ClientRuntime,
    client: SstpClient,
    endings: TunnelEndReason[],
    gone: Promise<TunnelEndReason>,
    pongs: { onPong: ((sequence: number) => void) | undefined },
  ) {
    this.#runtime = runtime;
    this.client = client;
    this.gone = gone;
    this.#endings = endings;
    this.#pongs = pongs;
  }

  /** Why the tunnel ended, if it has. */
  get ended(): TunnelEndReason | undefined {
    return this.#endings[0];
  }

  /** Resolves when the gateway has answered. */
  async ping(payloadLength = 56): Promise<void> {
    const sequence = ++this.#sequence;
    const { path } = this.#runtime;
    // A zero virtio header in front: nobody else writes to the scratch region.
    const at = path.scratchAt + VIRTIO_HEADER_LENGTH;
    const { address, gateway } = this.client.network;
    const request = { source: address, destination: gateway, identifier: IDENTIFIER, sequence, payloadLength };
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the gateway did not answer a ping')), PING_LIMIT_MS);
      this.#pongs.onPong = answered => {
        if (answered !== sequence) return;
        clearTimeout(timer);
        resolve();
      };
      emitEchoRequest(path.view, at, request);
      this.client.queuePacket(at, echoRequestLength(request));
      this.client.flush();
    });
  }
}

/** Runs `task` for 0..count-1, `width` at a time. */
export async function inParallel<T>(count: number, width: number, task: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) results[index] = await task(index);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
  return results;
}
