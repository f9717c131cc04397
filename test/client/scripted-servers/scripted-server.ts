// A TLS server that plays one side of a transcript with a client, and a client of the library to play the other.
//
//   < sstp connect-request        the client must say this next; * stands for any word
//   > sstp connect-ack 03         the server says this; lines in a row share a TLS record. $MAGIC is the client's magic
//                                 number, $PROOF the S= text that answers the client's MS-CHAPv2 response, $HEXPROOF the same
//                                 in hex for EAP
//   |                             ends the record, so that the next line begins one of its own
//   ~ lcp confreq ...             the server says this byte by byte, in as many records
//   ! 00112233                    the server sends these bytes
//   < connected sha256            Call Connected with that hash, and a binding that stands
//   < ping 10.0.0.7 10.0.0.1      an ICMP echo request in a data packet;  > pong  answers it
//   # hang up                     the server ends the connection;  # reset  with a RST
//   < hang up                     the client ends the connection
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type SecureVersion, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { certificateHash, compoundMac, hlakFromMsChapV2, ZERO_HLAK } from '../../../src/crypto/crypto-binding.ts';
import { authenticatorResponse, ntPasswordHash, ntResponse } from '../../../src/crypto/ms-chap-v2.ts';
import { bindingOf } from '../../../src/protocol/sstp/binding.ts';
import { viewOf } from '../../../src/wire/bytes.ts';
import { parseChapValue, parseMsChapV2Response } from '../../../src/wire/chap.ts';
import { formatIpv4, internetChecksum, ipv4Destination, ipv4Source } from '../../../src/wire/ip.ts';
import { HashProtocol, parseControlPacket } from '../../../src/wire/sstp.ts';
import { isWireError } from '../../../src/wire/wire-error.ts';
import { PASSWORD, USER } from '../../gateway/site.ts';
import { counting, hex } from '../../wire/hex.ts';
import { makeCertificate, type MadeCertificate } from '../../https/fixture.ts';
import { encodeData, encodePacket, formatPacket, type Handwriting } from './packet-text.ts';

export interface Persona extends Handwriting {
  /** The HTTP response head; one write for each piece, waiting in between. */
  readonly head: readonly string[];
  readonly tls?: { readonly maxVersion?: SecureVersion; readonly ciphers?: string };
}

const REQUEST = new RegExp(
  [
    String.raw`^SSTP_DUPLEX_POST /sra_\{BA195980-CD49-458b-9E23-C84EE0ADCD75\}/ HTTP/1\.1\r\n`,
    String.raw`(?=[^]*\r\nHost: 127\.0\.0\.1\r\n)?`,
    String.raw`(?=[^]*Content-Length: 18446744073709551615\r\n)`,
    String.raw`(?=[^]*SSTPCORRELATIONID: \{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}\r\n)`,
    String.raw`[^]*\r\n\r\n$`,
  ].join(''),
);

const SSTP_HEADER_LENGTH = 4;
const PPP_HEADER_LENGTH = 4;
const CHAP_HEADER_LENGTH = 4;
/** EAP-MSCHAPv2 in EAP: the type, and behind the header of EAP another one that is that of CHAP. */
const EAP_HEADER_LENGTH = 5;
const EAP_CHALLENGE = /^eap request \d+ #1a01/;
const EAP_RESPONSE = /^eap response \d+ #1a02/;
const ICMP_AT = 20;
/** How long the client may take for its next line; keeps a broken test from hanging. */
const PATIENCE_MS = 10_000;

/** RSA, because the cipher suites of routers need it. */
const certificate = makeCertificate({ names: ['localhost'], addresses: ['127.0.0.1'], keyType: 'rsa' });

export class ScriptedServer {
  readonly port: number;
  readonly ca: string;
  /** Settles when the transcript is through and the connection closed; rejects at the first line that is not kept. */
  readonly played: Promise<void>;

  static async start(persona: Persona, transcript: readonly string[]): Promise<ScriptedServer> {
    const made = await certificate;
    const server = createServer({ cert: made.cert, key: made.key, ...persona.tls });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const play = async (): Promise<void> => {
      const [socket] = (await once(server, 'secureConnection')) as [TLSSocket];
      const peer = new Peer(socket, persona, made);
      try {
        await peer.greet();
        await peer.play(transcript);
        await peer.closed;
      } finally {
        socket.destroy();
        server.close();
      }
    };
    const played = play();
    // Whoever awaits it sees the failure; meanwhile it is not unhandled.
    played.catch(() => {});
    return new ScriptedServer((server.address() as AddressInfo).port, made.cert, played);
  }

  private constructor(port: number, ca: string, played: Promise<void>) {
    this.port = port;
    this.ca = ca;
    this.played = played;
  }

  /** Does the client's part; what is wrong with the transcript explains a client's failure, and so is told first. */
  async during<T>(clientPart: Promise<T>): Promise<T> {
    const [played, done] = await Promise.allSettled([this.played, clientPart]);
    if (played.status === 'rejected') throw played.reason;
    if (done.status === 'rejected') throw done.reason;
    return done.value;
  }
}

class Peer {
  readonly closed: Promise<unknown>;
  readonly #socket: TLSSocket;
  readonly #persona: Persona;
  readonly #certificate: MadeCertificate;
  readonly #nonce = counting(32);
  readonly #seenRequests = new Set<string>();
  #received = Buffer.alloc(0);
  #hlak = ZERO_HLAK;
  #challenge: Uint8Array = new Uint8Array(0);
  #proof = '';
  #magic = '';
  #ping: Uint8Array | undefined;
  #ended = false;
  /** Tells the one who waits that something came. */
  #wake: () => void = () => {};

  constructor(socket: TLSSocket, persona: Persona, made: MadeCertificate) {
    this.#socket = socket;
    this.#persona = persona;
    this.#certificate = made;
    socket.on('data', chunk => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    const ended = (): void => {
      this.#ended = true;
      this.#wake();
    };
    for (const event of ['end', 'error', 'close']) socket.on(event, ended);
    this.closed = new Promise(resolve => socket.once('close', resolve));
  }

  /** The HTTP preamble. */
  async greet(): Promise<void> {
    await this.#until(() => this.#received.includes('\r\n\r\n'), 'the HTTP request');
    assert.match(this.#received.toString('latin1'), REQUEST);
    this.#received = Buffer.alloc(0);
    for (const piece of this.#persona.head) await this.#write(Buffer.from(piece, 'latin1'));
  }

  async play(transcript: readonly string[]): Promise<void> {
    let record: Uint8Array[] = [];
    const flush = async (): Promise<void> => {
      if (record.length > 0) await this.#write(Buffer.concat(record));
      record = [];
    };
    for (const line of transcript) {
      const text = line.slice(2);
      if (line.startsWith('> ')) {
        record.push(this.#encode(text));
        continue;
      }
      await flush();
      if (line === '< hang up') await this.#until(() => this.#ended, line);
      else if (line.startsWith('< ')) await this.#expect(text);
      else if (line.startsWith('~ ')) for (const byte of this.#encode(text)) await this.#write(Uint8Array.of(byte));
      else if (line.startsWith('! ')) await this.#write(hex(text));
      else if (line === '# hang up') this.#socket.end();
      else if (line === '# reset') this.#socket.destroy();
      else assert.equal(line, '|', 'a line of the transcript that means nothing');
    }
    await flush();
  }

  #encode(text: string): Uint8Array {
    if (text === 'pong') return this.#pong();
    const spelled = text
      .replace('$PROOF', this.#proof)
      .replace('$HEXPROOF', Buffer.from(this.#proof).toString('hex'))
      .replace('$MAGIC', this.#magic);
    const packet = encodePacket(spelled, this.#nonce, this.#persona);
    if (text.startsWith('chap challenge ') || EAP_CHALLENGE.test(text)) {
      const challenge = parseChapValue(chapData(packet, text));
      assert.ok(!isWireError(challenge));
      this.#challenge = challenge.value;
    }
    return packet;
  }

  async #expect(text: string): Promise<void> {
    const packet = await this.#next(text);
    if (packet[1] === 0) assert.deepEqual([...packet.subarray(4, 6)], [0xff, 0x03], 'every frame is sent with FF 03');
    const [word] = text.split(' ');
    if (word === 'connected')
      return this.#checkBinding(packet, text.endsWith('sha1') ? HashProtocol.Sha1 : HashProtocol.Sha256);
    if (word === 'ping') return this.#checkPing(packet, text);
    const said = formatPacket(packet);
    this.#magic = /^lcp confreq .* magic=(\w+)/.exec(said)?.[1] ?? this.#magic;
    const pattern = text.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', String.raw`\S+`);
    assert.match(said, new RegExp(`^${pattern}$`));
    if (text.startsWith('chap response ') || EAP_RESPONSE.test(said)) this.#checkResponse(chapData(packet, text));
    return undefined;
  }

  /** The next packet that is no repetition: a slow machine may make the client's restart timer expire. */
  async #next(expected: string): Promise<Uint8Array> {
    for (;;) {
      const length = (): number => this.#received.readUInt16BE(2);
      await this.#until(() => this.#received.length >= 4 && this.#received.length >= length(), expected);
      // Not a Buffer: strict equality looks at the class too.
      const packet = new Uint8Array(this.#received.subarray(0, length()));
      this.#received = this.#received.subarray(packet.length);
      assert.equal(packet[0], 0x10);
      assert.ok(packet[1] === 0 || packet[1] === 1, 'reserved bits are sent as zero');
      assert.ok(packet.length >= 4 && packet.length <= 4095);
      const isRequest = / confreq /.test(formatPacket(packet));
      const key = packet.join();
      if (!isRequest || !this.#seenRequests.has(key)) {
        if (isRequest) this.#seenRequests.add(key);
        return packet;
      }
    }
  }

  #checkResponse(data: Uint8Array): void {
    const value = parseChapValue(data);
    assert.ok(!isWireError(value));
    const response = parseMsChapV2Response(value.value);
    assert.ok(!isWireError(response));
    const ntHash = ntPasswordHash(PASSWORD);
    const exchange = { user: USER, authenticatorChallenge: this.#challenge, peerChallenge: response.peerChallenge };
    assert.deepEqual(response.ntResponse, ntResponse(ntHash, exchange), 'the password');
    assert.equal(Buffer.from(value.name).toString(), USER);
    this.#proof = authenticatorResponse(ntHash, response.ntResponse, exchange);
    this.#hlak = hlakFromMsChapV2(ntHash, response.ntResponse);
  }

  #checkBinding(packet: Uint8Array, hashProtocol: HashProtocol): void {
    assert.equal(packet.length, 112, formatPacket(packet));
    const message = parseControlPacket(viewOf(packet), 0, packet.length);
    assert.ok(!isWireError(message));
    assert.equal(message.type, 4);
    const binding = bindingOf(message);
    assert.ok(binding !== undefined);
    assert.deepEqual(binding, {
      hashProtocol,
      nonce: this.#nonce,
      certificateHash: certificateHash(hashProtocol, this.#certificate.der),
      compoundMac: compoundMac(hashProtocol, this.#hlak, packet),
      paddingIsZero: true,
    });
  }

  #checkPing(packet: Uint8Array, text: string): void {
    assert.equal(formatPacket(packet), 'data 0021');
    const ping = packet.slice(SSTP_HEADER_LENGTH + PPP_HEADER_LENGTH);
    const view = viewOf(ping);
    assert.equal(ping[ICMP_AT], 8, 'an echo request');
    assert.equal(internetChecksum(view, ICMP_AT, ping.length), 0);
    assert.equal(`ping ${formatIpv4(ipv4Source(view, 0))} ${formatIpv4(ipv4Destination(view, 0))}`, text);
    this.#ping = ping;
  }

  #pong(): Uint8Array {
    assert.ok(this.#ping !== undefined, 'a ping to answer');
    const pong = this.#ping.slice();
    const view = viewOf(pong);
    const source = ipv4Source(view, 0);
    view.setUint32(12, ipv4Destination(view, 0));
    view.setUint32(16, source);
    view.setUint16(ICMP_AT, 0);
    view.setUint16(ICMP_AT + 2, 0);
    view.setUint16(ICMP_AT + 2, internetChecksum(view, ICMP_AT, pong.length));
    return encodeData(Uint8Array.of(0xff, 0x03, 0x00, 0x21, ...pong));
  }

  /** A write of its own record: the next one only follows when this one is out. */
  #write(bytes: Uint8Array): Promise<void> {
    return new Promise(resolve => void this.#socket.write(bytes, () => resolve()));
  }

  async #until(condition: () => boolean, expected: string): Promise<void> {
    const limit = performance.now() + PATIENCE_MS;
    const patience = setTimeout(() => this.#wake(), PATIENCE_MS + 1);
    while (!condition() && !this.#ended && performance.now() < limit)
      await new Promise<void>(resolve => (this.#wake = resolve));
    clearTimeout(patience);
    if (condition()) return;
    const rest = this.#received.toString('hex');
    assert.fail(`${this.#ended ? 'the client hung up' : 'nothing came'} before: ${expected}; rest: ${rest}`);
  }
}

/** Value and name of a challenge or response. */
function chapData(packet: Uint8Array, text: string): Uint8Array {
  const outer = text.startsWith('eap ') ? EAP_HEADER_LENGTH : 0;
  return packet.subarray(SSTP_HEADER_LENGTH + PPP_HEADER_LENGTH + outer + CHAP_HEADER_LENGTH);
}
