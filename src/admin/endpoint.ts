// What a row of the table of endpoints is made of.
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
  /** Throws or rejects only when the gateway view does, never for what a request holds. */
  readonly handle: (view: GatewayView, input: OperationInput) => AdminResponse | Promise<AdminResponse>;
}

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
