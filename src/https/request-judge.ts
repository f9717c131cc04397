import {
  encodeResponse,
  isSstpTarget,
  refusalResponse,
  SSTP_METHOD,
  sstpResponse,
  type HeadFault,
  type HeaderMap,
  type RefusalStatus,
  type RequestHead,
} from '../wire/http-preamble.ts';
import { printable } from '../wire/text.ts';
import type { RefusalReason, RequestFacts } from './connection.ts';

/** What RRAS calls itself; a client may use it to tell servers apart, a scanner learns nothing. */
const SERVER_NAME = 'Microsoft-HTTPAPI/2.0';

/** A GUID in braces has 38; what a client makes of it is kept for as long as its session lives. */
const CORRELATION_ID_LIMIT = 64;
/** As long as a name of DNS with a port can be; it is kept likewise. */
const HOST_LIMIT = 261;

export interface RequestRefusal {
  readonly status: RefusalStatus;
  readonly reason: RefusalReason;
}

/** What becomes of a request: its facts, or the refusal. */
export function judgeRequest(head: RequestHead): RequestFacts | RequestRefusal {
  if (head.version !== '1.1') return { status: 505, reason: 'http-version' };
  if (head.method !== SSTP_METHOD) {
    // A browser or a probe on another path meets a plain server with nothing on it.
    const looks = head.method === 'GET' || head.method === 'HEAD';
    return looks && !isSstpTarget(head.target)
      ? { status: 404, reason: 'wrong-path' }
      : { status: 405, reason: 'wrong-method' };
  }
  if (!isSstpTarget(head.target)) return { status: 404, reason: 'wrong-path' };
  const host = head.headers.get('host');
  const correlationId = head.headers.get('sstpcorrelationid');
  // Content-Length and Host are not enforced: clients differ, and nothing depends on them.
  return {
    target: head.target,
    host: host === undefined ? undefined : printable(host, HOST_LIMIT),
    correlationId: correlationId === undefined ? undefined : printable(correlationId, CORRELATION_ID_LIMIT),
    client: looksLikeSstpc(head.headers) ? 'sstpc' : 'other',
  };
}

export const HEAD_FAULTS: Readonly<Record<HeadFault, RequestRefusal>> = {
  'too-large': { status: 431, reason: 'header-too-large' },
  version: { status: 505, reason: 'http-version' },
  'bad-start-line': { status: 400, reason: 'bad-request' },
  'bad-header': { status: 400, reason: 'bad-request' },
};

/** The whole head in one piece, since `sstpc` wants it from one read and so from one TLS record. */
export function successAnswer(now: Date): Uint8Array {
  return encodeResponse(sstpResponse(SERVER_NAME, now.toUTCString()));
}

export function refusalAnswer(status: RefusalStatus): Uint8Array {
  return encodeResponse(refusalResponse(status));
}

/** For HTTP in clear on the TLS port. */
export function plainHttpAnswer(): Uint8Array {
  const text = Buffer.from('This port speaks TLS. Use https.\n');
  const head = encodeResponse({
    status: 400,
    reason: 'Bad Request',
    headers: [
      ['Content-Type', 'text/plain'],
      ['Content-Length', String(text.length)],
      ['Connection', 'close'],
    ],
  });
  return Buffer.concat([head, text]);
}

/**
 * `sstpc` sends Host, Content-Length, SSTPCORRELATIONID in this order. Windows begins with SSTPCORRELATIONID, Open SSTP Client with
 * Content-Length. The order holds also when NetworkManager supplies a well-formed correlation id; sstpc's own id has four groups where a
 * GUID has five. A wrong yes costs a client some speed, a wrong no costs sstpc its connection: either sign is enough.
 */
function looksLikeSstpc(headers: HeaderMap): boolean {
  const names = [...headers.keys()];
  const ordered = names[0] === 'host' && names[1] === 'content-length' && names[2] === 'sstpcorrelationid';
  return ordered || /^\{?[0-9a-f]+(?:-[0-9a-f]+){3}\}?$/i.test(headers.get('sstpcorrelationid') ?? '');
}
