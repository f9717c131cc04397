import { parseCaptureQuery } from '../capture-query.ts';
import type { Endpoint, OperationInput } from '../endpoint.ts';
import type { CaptureRefusal, GatewayView } from '../gateway-view.ts';
import { type AdminResponse, json, problem } from '../response.ts';

export const CAPTURE: readonly Endpoint[] = [
  {
    path: '/api/v1/sessions/{id}/capture',
    operations: {
      GET: { summary: "Stream the session's PPP frames as pcapng", handle: capture },
      DELETE: { summary: 'End the capture of the session in good order', handle: stop },
    },
  },
];

const PCAPNG_TYPE = 'application/x-pcapng';

const REFUSALS: Readonly<Record<CaptureRefusal, readonly [status: number, message: (id: string) => string]>> = {
  'no-such-session': [404, id => `there is no session ${id}`],
  'already-captured': [409, id => `session ${id} is being captured already`],
  'too-many-captures': [429, () => 'as many sessions are being captured as may be at once: end another capture first'],
};

function capture(view: GatewayView, { parameter: id, query, method, remoteAddress }: OperationInput): AdminResponse {
  const options = parseCaptureQuery(query);
  if (typeof options === 'string') return problem(400, 'bad-query', options);
  if (method === 'HEAD' && view.session(id) !== undefined) return { status: 200, contentType: PCAPNG_TYPE, body: '' };
  const begun = view.capture(id, options, remoteAddress);
  if (typeof begun !== 'string') return { status: 200, contentType: PCAPNG_TYPE, body: begun };
  const [status, message] = REFUSALS[begun];
  return problem(status, begun, message(id));
}

function stop(view: GatewayView, { parameter: id }: OperationInput): AdminResponse {
  return view.stopCapture(id)
    ? json(202, { id, state: 'stopping' })
    : problem(404, 'no-such-capture', `session ${id} is not being captured`);
}
