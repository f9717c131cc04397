import { CAPTURE_PARAMETERS, parseCaptureQuery } from '../capture-query.ts';
import type { Endpoint, OperationInput } from '../endpoint.ts';
import type { CaptureRefusal, GatewayView } from '../gateway-view.ts';
import { type AdminResponse, json, problem } from '../response.ts';
import { BAD_QUERY, captureStopping, NO_SESSION, problem as problemSchema } from '../schema/answers.ts';

const PCAPNG_TYPE = 'application/x-pcapng';

export const CAPTURE: readonly Endpoint[] = [
  {
    path: '/api/v1/sessions/{id}/capture',
    operations: {
      GET: {
        summary: "Stream the session's PPP frames as pcapng, until one of the limits is reached",
        parameters: CAPTURE_PARAMETERS,
        answers: {
          200: { description: 'Frames as they pass', contentType: PCAPNG_TYPE },
          400: BAD_QUERY,
          404: NO_SESSION,
          409: { description: 'The session is being captured already', schema: problemSchema },
          429: { description: 'As many sessions are being captured as may be at once', schema: problemSchema },
        },
        handle: capture,
      },
      DELETE: {
        summary: 'End the capture of the session in good order',
        answers: {
          202: { description: 'It is ending', schema: captureStopping },
          404: { description: 'The session is not being captured', schema: problemSchema },
        },
        handle: stop,
      },
    },
  },
];

const REFUSALS: Readonly<Record<CaptureRefusal, readonly [status: number, message: (id: string) => string]>> = {
  'no-such-session': [404, id => `there is no session ${id}`],
  'already-captured': [409, id => `session ${id} is being captured already`],
  'too-many-captures': [429, () => 'as many sessions are being captured as may be at once: end another capture first'],
};

async function capture(view: GatewayView, input: OperationInput): Promise<AdminResponse> {
  const { parameter: id, query, method, remoteAddress } = input;
  const options = parseCaptureQuery(query);
  if (typeof options === 'string') return problem(400, 'bad-query', options);
  // Whoever only looks has nothing captured.
  if (method === 'HEAD') return (await view.session(id)) === undefined ? refused('no-such-session', id) : file('');
  const begun = view.capture(id, options, remoteAddress);
  return typeof begun === 'string' ? refused(begun, id) : file(begun);
}

function file(body: AdminResponse['body']): AdminResponse {
  return { status: 200, contentType: PCAPNG_TYPE, body };
}

function refused(reason: CaptureRefusal, id: string): AdminResponse {
  const [status, message] = REFUSALS[reason];
  return problem(status, reason, message(id));
}

function stop(view: GatewayView, { parameter: id }: OperationInput): AdminResponse {
  return view.stopCapture(id)
    ? json(202, { id, state: 'stopping' })
    : problem(404, 'no-such-capture', `session ${id} is not being captured`);
}
