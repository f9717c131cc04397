import type { Endpoint } from '../endpoint.ts';
import type { GatewayView } from '../gateway-view.ts';
import { type AdminResponse, json } from '../response.ts';

export const HEALTH: readonly Endpoint[] = [
  {
    path: '/healthz',
    open: true,
    operations: { GET: { summary: 'The gateway lives', handle: () => json(200, { status: 'ok' }) } },
  },
  {
    path: '/readyz',
    open: true,
    operations: { GET: { summary: 'Whether new tunnels are welcome', handle: readiness } },
  },
];

function readiness(view: GatewayView): AdminResponse {
  const state = view.ready();
  return json(state.ready ? 200 : 503, state);
}
