import type { Endpoint, OperationInput } from '../endpoint.ts';
import type { GatewayView } from '../gateway-view.ts';
import { type AdminResponse, json, jsonWithRows, problem } from '../response.ts';
import { BAD_QUERY } from '../schema/answers.ts';
import { time } from '../schema/fields.ts';
import { history } from '../schema/history.ts';
import { status } from '../schema/status.ts';

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export const STATUS: readonly Endpoint[] = [
  {
    path: '/metrics',
    operations: {
      GET: {
        summary: 'Metrics for Prometheus',
        answers: { 200: { description: 'Text exposition, version 0.0.4', contentType: METRICS_TYPE } },
        handle: metrics,
      },
    },
  },
  {
    path: '/api/v1/status',
    operations: {
      GET: {
        summary: 'How the gateway is',
        answers: { 200: { description: 'Now', schema: status } },
        handle: view => json(200, view.status()),
      },
    },
  },
  {
    path: '/api/v1/history',
    operations: {
      GET: {
        summary: 'How the gateway was in the last half hour',
        parameters: { since: { description: 'Only what is newer', schema: time } },
        answers: { 200: { description: 'A point every few seconds', schema: history }, 400: BAD_QUERY },
        handle: listHistory,
      },
    },
  },
];

async function metrics(view: GatewayView): Promise<AdminResponse> {
  return { status: 200, contentType: METRICS_TYPE, body: await view.metrics() };
}

function listHistory(view: GatewayView, { query }: OperationInput): AdminResponse {
  const parameters = new URLSearchParams(query);
  const since = parameters.get('since');
  const at = since === null ? Number.NEGATIVE_INFINITY : Date.parse(since);
  if (parameters.size > (since === null ? 0 : 1) || Number.isNaN(at)) {
    return problem(400, 'bad-query', 'the only parameter is since, a time such as 2026-01-31T12:00:00Z');
  }
  const { intervalSeconds, points } = view.history(at);
  return jsonWithRows({ intervalSeconds }, 'points', points);
}
