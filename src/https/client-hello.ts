/**
 * The server name in a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3), read before OpenSSL sees a byte. Node's SNICallback
 * comes too late to choose a certificate: it adds the chosen key to those of the default context, so that a client may still be shown the
 * default certificate when the two have different key types.
 */

const HANDSHAKE_RECORD = 0x16;
const RECORD_HEADER_LENGTH = 5;
const MAX_RECORD_LENGTH = 16_384;
const CLIENT_HELLO = 0x01;
const HANDSHAKE_HEADER_LENGTH = 4;
/** Far above any client's, post-quantum key shares and tickets included. */
const MAX_HELLO_LENGTH = 16_384;
/** Far above any client's. It bounds the work, which begins anew with each read of a connection. */
const MAX_RECORDS = 1024;
const VERSION_AND_RANDOM_LENGTH = 34;
const SERVER_NAME_EXTENSION = 0;
const HOST_NAME = 0;

export type HelloPeek =
  /** At least so many bytes are needed to say. */
  | { readonly kind: 'more'; readonly needed: number }
  /** Also for what is no ClientHello: OpenSSL answers that better than we could. */
  | { readonly kind: 'hello'; readonly serverName: string | undefined };

/** Looks at the first bytes of a connection; the ClientHello may be spread over several records. */
export function peekClientHello(bytes: Uint8Array): HelloPeek {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const message: Uint8Array[] = [];
  let length = 0;
  let wanted = HANDSHAKE_HEADER_LENGTH;
  for (let at = 0; length < wanted;) {
    if (bytes.length < at + RECORD_HEADER_LENGTH) return { kind: 'more', needed: at + RECORD_HEADER_LENGTH };
    const recordLength = view.getUint16(at + 3);
    const sane = view.getUint8(at) === HANDSHAKE_RECORD && recordLength > 0 && recordLength <= MAX_RECORD_LENGTH;
    if (!sane) return NO_NAME;
    const end = at + RECORD_HEADER_LENGTH + recordLength;
    if (bytes.length < end) return { kind: 'more', needed: end };
    message.push(bytes.subarray(at + RECORD_HEADER_LENGTH, end));
    length += recordLength;
    at = end;
    if (message.length > MAX_RECORDS) return NO_NAME;
    if (wanted === HANDSHAKE_HEADER_LENGTH && length >= HANDSHAKE_HEADER_LENGTH) {
      const header = Buffer.concat(message, HANDSHAKE_HEADER_LENGTH);
      wanted = HANDSHAKE_HEADER_LENGTH + header.readUIntBE(1, 3);
      if (header[0] !== CLIENT_HELLO || wanted > MAX_HELLO_LENGTH) return NO_NAME;
    }
  }
  return { kind: 'hello', serverName: serverName(Buffer.concat(message, wanted).subarray(HANDSHAKE_HEADER_LENGTH)) };
}

const NO_NAME: HelloPeek = { kind: 'hello', serverName: undefined };

function serverName(hello: Buffer): string | undefined {
  const reader = new VectorReader(hello);
  reader.skip(VERSION_AND_RANDOM_LENGTH);
  reader.vector(1); // legacy_session_id
  reader.vector(2); // cipher_suites
  reader.vector(1); // legacy_compression_methods
  const extensions = new VectorReader(reader.vector(2));
  while (extensions.hasMore) {
    const type = extensions.number(2);
    const body = extensions.vector(2);
    if (type !== SERVER_NAME_EXTENSION) continue;
    const names = new VectorReader(new VectorReader(body).vector(2));
    while (names.hasMore) {
      const nameType = names.number(1);
      const name = names.vector(2);
      if (nameType === HOST_NAME && name.length > 0) return name.toString('latin1');
    }
  }
  return undefined;
}

/** Reads TLS presentation language; past the end there are only zeros and empty vectors. */
class VectorReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  skip(length: number): void {
    this.#at += length;
  }

  number(width: 1 | 2): number {
    const start = this.#at;
    this.#at += width;
    return this.#at <= this.#bytes.length ? this.#bytes.readUIntBE(start, width) : 0;
  }

  vector(lengthWidth: 1 | 2): Buffer {
    const length = this.number(lengthWidth);
    const start = this.#at;
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }
}
