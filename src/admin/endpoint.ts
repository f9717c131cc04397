// What a row of the table of endpoints is made of.
import type { z } from 'zod';
import type { GatewayView } from './gateway-view.ts';
import type { AdminResponse } from './response.ts';

export interface Endpoint {
  /** At most one variable part, in braces: `/api/v1/sessions/{id}`. It stands for one segment. */
  readonly path: string;
  /** Answered without a token: for load balancers and process supervisors. */
  readonly open?: boolean;
  /** HEAD is answered by GET. */
  readonly operations: Readonly<Partial<Record<'GET' | 'POST' | 'DELETE', Operation>>>;
}

export interface Operation {
  /** One line for whoever reads the description of the API. */
  readonly summary: string;
  /** What the query may hold, by name; without it nothing is looked at. */
  readonly parameters?: Readonly<Record<string, Parameter>>;
  /** By status; refusals that every endpoint has are not among them. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Throws or rejects only when the gateway view does, never for what a request holds. */
  readonly handle: (view: GatewayView, input: OperationInput) => AdminResponse | Promise<AdminResponse>;
}

interface Parameter {
  readonly description: string;
  readonly schema: z.ZodType;
}

/** JSON of a schema that {@link SCHEMAS} knows, or a body of another type. */
export type Answer = { readonly description: string } & (
  | { readonly schema: z.ZodType }
  | { readonly contentType: string }
);

export interface OperationInput {
  /** The variable part of the path, decoded; empty for a path that has none. */
  readonly parameter: string;
  /** Without the question mark. */
  readonly query: string;
  /** Upper case. HEAD wants what GET answers, without the body. */
  readonly method: string;
  /** Who asks. */
  readonly remoteAddress: string;
}
