import type { Endpoint, OperationInput } from '../endpoint.ts';
import type { GatewayView } from '../gateway-view.ts';
import { type AdminResponse, json, problem } from '../response.ts';

export const CONTROL: readonly Endpoint[] = [
  { path: '/api/v1/drain', operations: { POST: { summary: 'Refuse new tunnels from now on', handle: drain } } },
  { path: '/api/v1/reload', operations: { POST: { summary: 'Read the configuration again', handle: reload } } },
];

function drain(view: GatewayView, { query }: OperationInput): AdminResponse {
  const unknown = [...new URLSearchParams(query)].find(([name, value]) => name !== 'end' || value !== 'true');
  if (unknown !== undefined) return problem(400, 'bad-query', 'the only parameter is end=true');
  view.drain(query !== '');
  return json(202, { state: 'draining' });
}

/** 422: the files are not fit to be used, and everything is as before. */
async function reload(view: GatewayView): Promise<AdminResponse> {
  const result = await view.reload();
  return json(result.ok ? 200 : 422, result);
}
