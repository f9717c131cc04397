import type { Socket } from 'node:net';
import { connectRequest, encodeRequest, parseResponseHead, type ResponseHead } from '../wire/http-preamble.ts';
import { HeadReader } from './head-reader.ts';
import { HttpsOpenError } from './open-error.ts';
import { openingStep } from './opening-step.ts';

/** Bytes of the proxy's response head. */
const HEAD_LIMIT = 16 * 1024;

export interface HttpProxy {
  readonly host: string;
  readonly port: number;
  /** Basic authentication, sent with the first request. */
  readonly credentials?: { readonly user: string; readonly password: string } | undefined;
}

/**
 * CONNECT through an HTTP proxy (MS-SSTP 4.5) on a connected socket. Afterwards the socket carries the bytes of the server.
 * @throws {HttpsOpenError} 'proxy-authentication', 'proxy-refused', 'closed'.
 */
export async function passProxy(tcp: Socket, proxy: HttpProxy, host: string, port: number): Promise<void> {
  const place = `proxy ${proxy.host} port ${proxy.port}`;
  const reader = new HeadReader<ResponseHead>(parseResponseHead, HEAD_LIMIT);
  const { status, reason } = await openingStep<ResponseHead>(
    tcp,
    place,
    () => 'closed',
    (resolve, reject) => {
      tcp.on('data', function receive(chunk: Buffer): void {
        const result = reader.push(chunk);
        if (result.kind === 'more') return;
        tcp.off('data', receive);
        // The TLS socket takes over what is buffered here; nothing may flow meanwhile.
        tcp.pause();
        if (result.kind === 'head') resolve(result.head);
        else reject(new HttpsOpenError('proxy-refused', `${place}: the answer is not HTTP (${result.fault})`));
      });
      tcp.write(encodeRequest(connectRequest(host, port, proxy.credentials)));
    },
  );
  // tinyproxy asks for credentials with 407 and refuses wrong ones with 401.
  if (status === 407 || status === 401) {
    const why = proxy.credentials === undefined ? 'wants credentials' : 'refused the credentials';
    throw new HttpsOpenError('proxy-authentication', `${place} ${why}`, { status });
  }
  if (status < 200 || status > 299) {
    throw new HttpsOpenError('proxy-refused', `${place} answered ${status} ${reason}`.trimEnd(), { status });
  }
  if (reader.rest.length > 0) tcp.unshift(reader.rest);
}
