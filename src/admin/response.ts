import type { ByteStream } from './byte-stream.ts';

export interface AdminResponse {
  readonly status: number;
  readonly contentType: string;
  /** Beside, or in place of, those that every answer has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Parts of an iterable are produced one by one, with the event loop in between: none may take long. */
  readonly body: string | Uint8Array | Iterable<string> | ByteStream;
}

const JSON_TYPE = 'application/json; charset=utf-8';

export function json(status: number, value: unknown): AdminResponse {
  return { status, contentType: JSON_TYPE, body: `${JSON.stringify(value)}\n` };
}

export function problem(status: number, code: string, message: string): AdminResponse {
  return json(status, { error: { code, message } });
}

/** `{...head, [name]: [...rows]}`, sent in parts. `head` must not be empty. */
export function jsonWithRows(
  head: Readonly<Record<string, unknown>>,
  name: string,
  rows: Iterable<unknown>,
): AdminResponse {
  return { status: 200, contentType: JSON_TYPE, body: parts(head, name, rows) };
}

/** Work of about a millisecond each. */
const ROWS_PER_PART = 50;

function* parts(head: Readonly<Record<string, unknown>>, name: string, rows: Iterable<unknown>): Generator<string> {
  let part = `${JSON.stringify(head).slice(0, -1)},${JSON.stringify(name)}:[`;
  let count = 0;
  for (const row of rows) {
    part += (count === 0 ? '' : ',') + JSON.stringify(row);
    if (++count % ROWS_PER_PART > 0) continue;
    yield part;
    part = '';
  }
  yield `${part}]}\n`;
}
