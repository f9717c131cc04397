// The HTTP/1.1 heads in front of the SSTP byte stream, MS-SSTP 3.2.4.1 and 4.1, and CONNECT through a proxy, 4.5.
//
// No HTTP library takes this method and this Content-Length, so both ends are read and written here. Everything behind
// the blank line belongs to the next protocol: SSTP, or TLS behind a proxy.

export const SSTP_METHOD = 'SSTP_DUPLEX_POST';
export const SSTP_URI = '/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/';
/** 2^64 - 1, the length of a body that does not end. Text, since no JavaScript number has this value. */
export const SSTP_CONTENT_LENGTH = '18446744073709551615';

/** RFC 9112 2.2 wants a server to pass over an empty line in front of a request; more than these are no accident. */
const MAX_LEADING_BREAK_BYTES = 8;

const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const DELETE = 0x7f;
/** RFC 9110 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VERSION = /^HTTP\/(\d\.\d)$/;

/** Names in lower case, in order of arrival; the values of a repeated name are joined by a comma. */
export type HeaderMap = ReadonlyMap<string, string>;

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** `1.1`, or another 1.x. */
  readonly version: string;
  readonly headers: HeaderMap;
}

export interface ResponseHead {
  readonly version: string;
  /** Three digits. */
  readonly status: number;
  /** May be empty. */
  readonly reason: string;
  readonly headers: HeaderMap;
}

/** `version` is a well-formed start line of another major version than 1. */
export type HeadFault = 'too-large' | 'bad-start-line' | 'version' | 'bad-header';

/** `scanned` goes into the next call; `length` is the offset of the first byte behind the head. */
export type HeadResult<Head> =
  | { readonly kind: 'more'; readonly scanned: number }
  | { readonly kind: 'head'; readonly head: Head; readonly length: number }
  | { readonly kind: 'refused'; readonly fault: HeadFault };

/**
 * Reads a request head from all bytes so far. While the answer is `more`, call again with more bytes behind the same
 * ones and the `scanned` of that answer, so that each byte is looked at once, however small the pieces arrive. A head
 * longer than `limit` bytes is refused as soon as it is known to be; `limit` bytes are all that a caller need ever
 * hold.
 */
export function parseRequestHead(bytes: Uint8Array, limit: number, scanned = 0): HeadResult<RequestHead> {
  return parseHead(bytes, limit, scanned, (startLine, headers) => {
    const [method = '', target = '', protocol = '', ...rest] = startLine.split(' ');
    const version = VERSION.exec(protocol)?.[1];
    if (!TOKEN.test(method) || target === '' || version === undefined || rest.length > 0) return 'bad-start-line';
    return version.startsWith('1.') ? { method, target, version, headers } : 'version';
  });
}

/** As {@link parseRequestHead}. The reason phrase may be missing, with or without the space in front of it. */
export function parseResponseHead(bytes: Uint8Array, limit: number, scanned = 0): HeadResult<ResponseHead> {
  return parseHead(bytes, limit, scanned, (startLine, headers) => {
    const [protocol = '', status = '', ...reason] = startLine.split(' ');
    const version = VERSION.exec(protocol)?.[1];
    if (version === undefined || !/^\d{3}$/.test(status)) return 'bad-start-line';
    return version.startsWith('1.')
      ? { version, status: Number(status), reason: reason.join(' '), headers }
      : 'version';
  });
}

/** Whether a request target is SSTP's. Case and the query (`?tenantid=...`, for front ends) do not count. */
export function isSstpTarget(target: string): boolean {
  const [path = ''] = target.split('?', 1);
  return path.toLowerCase() === SSTP_URI.toLowerCase();
}

// -- Writing ----------------------------------------------------------------------------------------------------------

type HeaderList = readonly (readonly [name: string, value: string])[];

export interface RequestToSend {
  readonly method: string;
  readonly target: string;
  readonly headers: HeaderList;
}

export interface ResponseToSend {
  readonly status: number;
  readonly reason: string;
  readonly headers: HeaderList;
}

/** Throws RangeError for a control character, which would let a configured name write headers of its own. */
export function encodeRequest({ method, target, headers }: RequestToSend): Uint8Array {
  return encodeHead(`${method} ${target} HTTP/1.1`, headers);
}

/** As {@link encodeRequest}. */
export function encodeResponse({ status, reason, headers }: ResponseToSend): Uint8Array {
  return encodeHead(`HTTP/1.1 ${status} ${reason}`, headers);
}

/**
 * The client's request, its headers in the order of MS-SSTP 4.1: a server may tell sstpc by another order, and serve it
 * with special care. `correlationId` is a GUID without braces, fresh for every attempt.
 */
export function sstpRequest(host: string, correlationId: string): RequestToSend {
  return {
    method: SSTP_METHOD,
    target: SSTP_URI,
    headers: [
      ['SSTPCORRELATIONID', `{${correlationId}}`],
      ['Content-Length', SSTP_CONTENT_LENGTH],
      ['Host', host],
    ],
  };
}

/**
 * The server's consent: the lines that MS-SSTP 4.1 shows, for sstpc has room for seven headers. `date` is an HTTP date.
 */
export function sstpResponse(server: string, date: string): ResponseToSend {
  return {
    status: 200,
    reason: 'OK',
    headers: [
      ['Content-Length', SSTP_CONTENT_LENGTH],
      ['Server', server],
      ['Date', date],
    ],
  };
}

/** Reason phrases. */
export const REFUSALS = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
} as const;
export type RefusalStatus = keyof typeof REFUSALS;

/** A refusal, the last thing on its connection. */
export function refusalResponse(status: RefusalStatus): ResponseToSend {
  const allow: HeaderList = status === 405 ? [['Allow', SSTP_METHOD]] : [];
  return {
    status,
    reason: REFUSALS[status],
    headers: [...allow, ['Content-Length', '0'], ['Connection', 'close']],
  };
}

/** Asks a proxy for a connection to the server. SSTPVERSION lets its administrator tell SSTP from other tunnels. */
export function connectRequest(
  host: string,
  port: number,
  credentials?: { readonly user: string; readonly password: string },
): RequestToSend {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const headers: (readonly [string, string])[] = [
    ['Host', authority],
    ['SSTPVERSION', '1.0'],
  ];
  if (credentials !== undefined) {
    headers.push(['Proxy-Authorization', `Basic ${base64(`${credentials.user}:${credentials.password}`)}`]);
  }
  return { method: 'CONNECT', target: authority, headers };
}

function encodeHead(startLine: string, headers: HeaderList): Uint8Array {
  const lines = [startLine, ...headers.map(([name, value]) => `${name}: ${value}`)];
  const bytes = new TextEncoder().encode(`${lines.join('\r\n')}\r\n\r\n`);
  if (lines.some(hasControlCharacter)) throw new RangeError('a control character in an HTTP head');
  return bytes;
}

function hasControlCharacter(line: string): boolean {
  for (let at = 0; at < line.length; at++) if (isControl(line.charCodeAt(at))) return true;
  return false;
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

// -- Reading ----------------------------------------------------------------------------------------------------------

function parseHead<Head extends object>(
  bytes: Uint8Array,
  limit: number,
  scanned: number,
  interpret: (startLine: string, headers: HeaderMap) => Head | HeadFault,
): HeadResult<Head> {
  const window = bytes.subarray(0, limit);
  const start = leadingBreaks(window);
  const length = headLength(window, Math.max(start, scanned));
  if (length === 0) {
    return window.length < limit ? { kind: 'more', scanned: window.length } : { kind: 'refused', fault: 'too-large' };
  }
  const [startLine, ...lines] = splitLines(window.subarray(start, length));
  if (startLine === undefined) return { kind: 'refused', fault: 'bad-start-line' };
  const headers = parseHeaders(lines);
  const head = interpret(startLine, headers ?? new Map());
  if (typeof head === 'string') return { kind: 'refused', fault: head };
  return headers === undefined ? { kind: 'refused', fault: 'bad-header' } : { kind: 'head', head, length };
}

function leadingBreaks(bytes: Uint8Array): number {
  let at = 0;
  while (at < MAX_LEADING_BREAK_BYTES && (bytes[at] === CR || bytes[at] === LF)) at++;
  return at;
}

/**
 * The offset behind the first empty line that ends at or behind `at`, 0 when there is none. A line ends in LF or CR LF.
 */
function headLength(bytes: Uint8Array, at: number): number {
  for (let next = bytes.indexOf(LF, at); next !== -1; next = bytes.indexOf(LF, next + 1)) {
    const lineEnd = bytes[next - 1] === CR ? next - 1 : next;
    if (bytes[lineEnd - 1] === LF) return next + 1;
  }
  return 0;
}

/**
 * The lines of a whole head without their breaks and without the empty one; undefined for one with control characters.
 */
function splitLines(head: Uint8Array): (string | undefined)[] {
  const decoder = new TextDecoder('latin1');
  const lines: (string | undefined)[] = [];
  for (let at = 0; at < head.length;) {
    const feed = head.indexOf(LF, at);
    const line = head.subarray(at, head[feed - 1] === CR ? feed - 1 : feed);
    if (line.length > 0) lines.push(line.some(isControl) ? undefined : decoder.decode(line));
    at = feed + 1;
  }
  return lines;
}

/**
 * Undefined when a line is no header, among them folded ones (RFC 9112 5.2) and a space in front of the colon (5.1).
 */
function parseHeaders(lines: readonly (string | undefined)[]): HeaderMap | undefined {
  const headers = new Map<string, string>();
  for (const line of lines) {
    if (line === undefined) return undefined;
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (!TOKEN.test(name)) return undefined;
    const value = line.slice(colon + 1).trim();
    const earlier = headers.get(name);
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return headers;
}

function isControl(code: number): boolean {
  return (code < SPACE && code !== TAB) || code === DELETE;
}
