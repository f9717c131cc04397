export interface AdminResponse {
  readonly status: number;
  readonly contentType: string;
  /** Beside, or in place of, those that every answer has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Parts are produced one by one, with the event loop in between: none may take long. */
  readonly body: string | Uint8Array | Iterable<string>;
}

export const JSON_TYPE = 'application/json; charset=utf-8';

export function json(status: number, value: unknown): AdminResponse {
  return { status, contentType: JSON_TYPE, body: `${JSON.stringify(value)}\n` };
}

export function problem(status: number, code: string, message: string): AdminResponse {
  return json(status, { error: { code, message } });
}
