import type { Endpoint } from '../endpoint.ts';
import type { GatewayView } from '../gateway-view.ts';
import { type AdminResponse, json } from '../response.ts';

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export const STATUS: readonly Endpoint[] = [
  { path: '/metrics', operations: { GET: { summary: 'Metrics for Prometheus', handle: metrics } } },
  {
    path: '/api/v1/status',
    operations: { GET: { summary: 'How the gateway is', handle: view => json(200, view.status()) } },
  },
];

async function metrics(view: GatewayView): Promise<AdminResponse> {
  return { status: 200, contentType: METRICS_TYPE, body: await view.metrics() };
}
