import type { Endpoint } from '../endpoint.ts';
import type { GatewayView } from '../gateway-view.ts';
import { type AdminResponse, json } from '../response.ts';
import { alive } from '../schema/answers.ts';
import { readiness } from '../schema/status.ts';

export const HEALTH: readonly Endpoint[] = [
  {
    path: '/healthz',
    open: true,
    operations: {
      GET: {
        summary: 'The gateway lives',
        answers: { 200: { description: 'It does', schema: alive } },
        handle: () => json(200, { status: 'ok' }),
      },
    },
  },
  {
    path: '/readyz',
    open: true,
    operations: {
      GET: {
        summary: 'Whether new tunnels are welcome',
        answers: {
          200: { description: 'They are', schema: readiness },
          503: { description: 'They are not: whoever spreads the load sends them elsewhere', schema: readiness },
        },
        handle: ready,
      },
    },
  },
];

function ready(view: GatewayView): AdminResponse {
  const state = view.ready();
  return json(state.ready ? 200 : 503, state);
}
