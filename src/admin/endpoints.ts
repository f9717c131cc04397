import type { Endpoint } from './endpoint.ts';
import { CAPTURE } from './endpoints/capture.ts';
import { CONTROL } from './endpoints/control.ts';
import { HEALTH } from './endpoints/health.ts';
import { SESSIONS } from './endpoints/sessions.ts';
import { STATUS } from './endpoints/status.ts';
import { openApi } from './openapi.ts';
import { json } from './response.ts';

/** All that the admin plane answers, but for the WebSocket of events, which the server holds itself. */
export const ENDPOINTS: readonly Endpoint[] = [
  ...HEALTH,
  ...STATUS,
  ...SESSIONS,
  ...CAPTURE,
  ...CONTROL,
  {
    path: '/api/v1/openapi.json',
    operations: {
      GET: {
        summary: 'This description',
        answers: { 200: { description: 'OpenAPI 3.1', contentType: 'application/json' } },
        handle: view => json(200, (description ??= openApi(ENDPOINTS, view.status().version))),
      },
    },
  },
];

/** Made when it is asked for the first time: that takes some milliseconds. */
let description: ReturnType<typeof openApi> | undefined;
