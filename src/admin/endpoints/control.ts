import { z } from 'zod';
import type { Endpoint, OperationInput } from '../endpoint.ts';
import type { GatewayView } from '../gateway-view.ts';
import { type AdminResponse, json, problem } from '../response.ts';
import { BAD_QUERY, draining, notReloaded, reloaded } from '../schema/answers.ts';

export const CONTROL: readonly Endpoint[] = [
  {
    path: '/api/v1/drain',
    operations: {
      POST: {
        summary: 'Not ready from now on; new tunnels are refused after `drainDelay`',
        parameters: { end: { description: 'End the tunnels that there are, too', schema: z.literal('true') } },
        answers: { 202: { description: 'It has begun', schema: draining }, 400: BAD_QUERY },
        handle: drain,
      },
    },
  },
  {
    path: '/api/v1/reload',
    operations: {
      POST: {
        summary: 'Read the configuration again and apply what can be applied while tunnels are up',
        answers: {
          200: { description: 'It is in force', schema: reloaded },
          422: { description: 'The files are not fit to be used, and everything is as before', schema: notReloaded },
        },
        handle: reload,
      },
    },
  },
];

function drain(view: GatewayView, { query }: OperationInput): AdminResponse {
  const unknown = [...new URLSearchParams(query)].find(([name, value]) => name !== 'end' || value !== 'true');
  if (unknown !== undefined) return problem(400, 'bad-query', 'the only parameter is end=true');
  view.drain(query !== '');
  return json(202, { state: 'draining' });
}

async function reload(view: GatewayView): Promise<AdminResponse> {
  const result = await view.reload();
  return json(result.ok ? 200 : 422, result);
}
