import type { ByteStream } from './byte-stream.ts';

export interface AdminResponse {
  readonly status: number;
  readonly contentType: string;
  /** Beside, or in place of, those that every answer has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Parts of an iterable are produced one by one, with the event loop in between: none may take long. */
  readonly body: string | Uint8Array | Iterable<string> | ByteStream;
}

export const JSON_TYPE = 'application/json; charset=utf-8';

export function json(status: number, value: unknown): AdminResponse {
  return { status, contentType: JSON_TYPE, body: `${JSON.stringify(value)}\n` };
}

export function problem(status: number, code: string, message: string): AdminResponse {
  return json(status, { error: { code, message } });
}
