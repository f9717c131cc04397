// A RADIUS server that does what a test says: for what no real one does on request. Silence, late and wrong answers.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { RadiusServerOptions } from '../../src/config/radius-options.ts';
import { sealReply } from '../../src/crypto/radius.ts';
import {
  type Attribute,
  parseRadiusPacket,
  type RadiusPacket,
  UNSEALED_MESSAGE_AUTHENTICATOR,
} from '../../src/wire/radius.ts';
import { isWireError } from '../../src/wire/wire-error.ts';

export const SCRIPTED_SECRET: Uint8Array = new TextEncoder().encode('scripted secret');

export interface ScriptedRequest extends RadiusPacket {
  readonly datagram: Uint8Array;
  readonly from: RemoteInfo;
  /** Answers with these bytes, whatever they are. */
  send(datagram: Uint8Array): void;
  /** A good reply: Message-Authenticator first. */
  reply(code: number, attributes?: readonly Attribute[]): Uint8Array;
}

export type Script = (request: ScriptedRequest) => void;

export class ScriptedServer {
  readonly requests: ScriptedRequest[] = [];
  script: Script;
  readonly #socket: Socket;

  static async listen(script: Script, address = '127.0.0.1', port = 0): Promise<ScriptedServer> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.bind(port, address);
    await once(socket, 'listening');
    return new ScriptedServer(socket, script);
  }

  private constructor(socket: Socket, script: Script) {
    this.#socket = socket;
    this.script = script;
    socket.on('message', (datagram, from) => {
      const packet = parseRadiusPacket(datagram);
      if (isWireError(packet)) throw new Error(`a request that is none: ${datagram.toString('hex')}`);
      const request: ScriptedRequest = {
        ...packet,
        datagram: Uint8Array.from(datagram),
        from,
        send: bytes => socket.send(bytes, from.port, from.address),
        reply: (code, attributes = []) =>
          sealReply({ ...packet, code, attributes: [UNSEALED_MESSAGE_AUTHENTICATOR, ...attributes] }, SCRIPTED_SECRET),
      };
      this.requests.push(request);
      this.script(request);
    });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Without repetitions. */
  get distinctRequests(): number {
    return new Set(this.requests.map(({ from, datagram }) => `${from.port} ${String(datagram)}`)).size;
  }

  /** How a client is told of this server. */
  options(changes: Partial<RadiusServerOptions> = {}): RadiusServerOptions {
    return {
      host: this.#socket.address().address,
      authPort: this.port,
      acctPort: this.port,
      secret: SCRIPTED_SECRET,
      priority: 0,
      requestLimit: 256,
      deadTimeMs: 60_000,
      requireMessageAuthenticator: true,
      ...changes,
    };
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}
