// Peers of EAP conversations, for the method's own sake: each answers requests until it has the keys that the client would have.
import { Duplex } from 'node:stream';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { hlakFromMsChapV2 } from '../../../src/crypto/crypto-binding.ts';
import { ntPasswordHash, ntResponse, provesPassword } from '../../../src/crypto/ms-chap-v2.ts';
import { randomBytes } from '../../../src/crypto/random.ts';
import {
  ChapCode,
  chapValue,
  encodeMsChapV2Response,
  parseChapMessage,
  parseChapValue,
  parseMsChapV2Success,
} from '../../../src/wire/chap.ts';
import {
  EapCode,
  EapType,
  encodeEapMsChapV2,
  encodeEapPacket,
  parseEapMsChapV2,
  parseEapPacket,
} from '../../../src/wire/eap.ts';
import { encodeText } from '../../../src/wire/text.ts';
import { isWireError } from '../../../src/wire/wire-error.ts';

export interface EapPeer {
  readonly identity: string;
  /** Type-Data for a request of the peer's type; nothing for a request of another type, which gets a Nak. */
  readonly type: number;
  answer(data: Uint8Array): Promise<Uint8Array> | Uint8Array;
}

/** The Identity response that begins a conversation. */
export function identityResponse({ identity }: EapPeer): Uint8Array {
  return encodeEapPacket({ code: EapCode.Response, id: 0, type: EapType.Identity, data: encodeText(identity) });
}

export async function respond(peer: EapPeer, packet: Uint8Array): Promise<Uint8Array> {
  const request = parseEapPacket(packet);
  if (isWireError(request) || request.code !== EapCode.Request) throw new Error('not a request');
  const { id, type, data } = request;
  const response = { code: EapCode.Response, id } as const;
  if (type !== peer.type) return encodeEapPacket({ ...response, type: EapType.Nak, data: Uint8Array.of(peer.type) });
  return encodeEapPacket({ ...response, type, data: await peer.answer(data) });
}

/** EAP-MSCHAPv2 by itself. `hlak` is there when the server has proved that it knows the password. */
export class MsChapV2EapPeer implements EapPeer {
  readonly type = EapType.MsChapV2;
  readonly identity: string;
  hlak: Uint8Array | undefined;
  readonly #ntHash: Uint8Array;
  #exchange: Parameters<typeof ntResponse>[1] | undefined;

  constructor(identity: string, password: string) {
    this.identity = identity;
    this.#ntHash = ntPasswordHash(password);
  }

  answer(typeData: Uint8Array): Uint8Array {
    const message = parseEapMsChapV2(typeData);
    if (isWireError(message)) throw new Error('not EAP-MSCHAPv2');
    if (message.code === ChapCode.Challenge) {
      const challenge = parseChapValue(message.data);
      if (isWireError(challenge)) throw new Error('not a challenge');
      const peerChallenge = randomBytes(16);
      this.#exchange = { user: this.identity, authenticatorChallenge: challenge.value, peerChallenge };
      const value = encodeMsChapV2Response({ peerChallenge, ntResponse: ntResponse(this.#ntHash, this.#exchange) });
      return encodeEapMsChapV2(chapValue(ChapCode.Response, message.id, { value, name: encodeText(this.identity) }));
    }
    if (message.code === ChapCode.Success && this.#exchange !== undefined) {
      const success = parseMsChapV2Success(parseChapMessage(message.data));
      const response = ntResponse(this.#ntHash, this.#exchange);
      if (!isWireError(success)) {
        const claimed = success.authenticatorResponse;
        if (provesPassword(claimed, this.#ntHash, response, this.#exchange)) {
          this.hlak = hlakFromMsChapV2(this.#ntHash, response);
        }
      }
    }
    return Uint8Array.of(message.code);
  }
}

const EAP_TLS = 13;
const EAP_TTLS = 21;
const PEAP = 25;

/** TTLS with PAP inside (RFC 5281 11.2.5): the name and the password as Diameter AVPs, both mandatory. */
export function ttlsPap(user: string, password: string): { type: number; inner: InnerMethod } {
  const padded = Buffer.alloc(Math.ceil(password.length / 16) * 16);
  padded.write(password);
  const avps = [avp(1, Buffer.from(user)), avp(2, padded)];
  return { type: EAP_TTLS, inner: tls => void tls.write(Buffer.concat(avps)) };
}

function avp(code: number, value: Buffer): Buffer {
  const length = 8 + value.length;
  const bytes = Buffer.alloc(Math.ceil(length / 4) * 4);
  bytes.writeUInt32BE(code, 0);
  bytes.writeUInt32BE((0x40 << 24) | length, 4);
  value.copy(bytes, 8);
  return bytes;
}

/** PEAP version 0 with EAP-MSCHAPv2 inside, whose packets have no EAP header, but for the result at the end (MS-PEAP 3.1.5.6). */
export function peapMsChapV2(user: string, password: string): { type: number; inner: InnerMethod } {
  const method = new MsChapV2EapPeer(user, password);
  const answer = (request: Buffer): Uint8Array => {
    if (request[4] === EXTENSIONS && request.readUInt16BE(2) === request.length) {
      // The same result with the same id, as a response.
      return Buffer.concat([Uint8Array.of(EapCode.Response), request.subarray(1)]);
    }
    if (request[0] === EapType.Identity) return Uint8Array.of(EapType.Identity, ...encodeText(user));
    if (request[0] === method.type) return Uint8Array.of(method.type, ...method.answer(request.subarray(1)));
    return Uint8Array.of(EapType.Nak, method.type);
  };
  return { type: PEAP, inner: tls => void tls.on('data', (request: Buffer) => void tls.write(answer(request))) };
}

const EXTENSIONS = 33;
const LENGTH_INCLUDED = 0x80;
const MORE_FRAGMENTS = 0x40;
const START = 0x20;
const FRAGMENT_LENGTH = 500;
const EMPTY = new Uint8Array(0);

/** What a method says inside of its TLS connection, from the end of the handshake on. */
type InnerMethod = (tls: TLSSocket) => void;

/** A method on TLS 1.2 (RFC 5216, RFC 5281, PEAP), its fragments so small that every flight has several. */
export class TlsEapPeer implements EapPeer {
  readonly type: number;
  readonly identity: string;
  /** Flags with which the server sent something. */
  readonly seenFlags = new Set<number>();
  readonly #wire = new Wire();
  readonly #tls: TLSSocket;
  #unsent: Uint8Array = EMPTY;

  constructor(
    identity: string,
    credentials: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>,
    { type, inner }: { readonly type: number; readonly inner: InnerMethod } = { type: EAP_TLS, inner: () => {} },
  ) {
    this.type = type;
    this.identity = identity;
    const options: ConnectionOptions = { ...credentials, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };
    this.#tls = connect({ ...options, socket: this.#wire, servername: 'radius.example' });
    this.#tls.on('error', () => {});
    this.#tls.once('secureConnect', () => inner(this.#tls));
  }

  /** 64 bytes: RFC 5216 2.3, which PEAP has taken over, and RFC 5281 8. */
  get msk(): Uint8Array {
    const label = this.type === EAP_TTLS ? 'ttls keying material' : 'client EAP encryption';
    // TLS 1.2 tells no context from an empty one; the types do not know that there may be none.
    return this.#tls.exportKeyingMaterial(64, label, undefined as unknown as Buffer);
  }

  close(): void {
    this.#tls.destroy();
    this.#wire.destroy();
  }

  async answer(data: Uint8Array): Promise<Uint8Array> {
    const flags = data[0] ?? 0;
    this.seenFlags.add(flags);
    if ((flags & START) === 0) this.#wire.push(data.slice(flags & LENGTH_INCLUDED ? 5 : 1));
    // While the server has more to say, and while we have, the other side answers with nothing.
    if (flags & MORE_FRAGMENTS) return Uint8Array.of(0);
    if (this.#unsent.length === 0) this.#unsent = await this.#wire.flight();
    const isFirst = this.#unsent.length > FRAGMENT_LENGTH;
    const fragment = this.#unsent.slice(0, FRAGMENT_LENGTH);
    this.#unsent = this.#unsent.slice(FRAGMENT_LENGTH);
    return Uint8Array.of(isFirst ? MORE_FRAGMENTS : 0, ...fragment);
  }
}

/** What TLS writes is kept until it is silent. */
class Wire extends Duplex {
  #written: Uint8Array[] = [];

  /** TLS answers in the same turns of the loop or not at all: the end of a handshake is answered with nothing. */
  async flight(): Promise<Uint8Array> {
    for (let turn = 0; turn < 50 && this.#written.length === 0; turn++) {
      await new Promise(resolve => setTimeout(resolve, 2));
    }
    await new Promise(resolve => setTimeout(resolve, 10));
    return Uint8Array.from(Buffer.concat(this.#written.splice(0)));
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.#written.push(Uint8Array.from(chunk));
    done();
  }
}
