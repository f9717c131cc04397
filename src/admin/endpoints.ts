import type { Endpoint } from './endpoint.ts';
import { CAPTURE } from './endpoints/capture.ts';
import { CONTROL } from './endpoints/control.ts';
import { HEALTH } from './endpoints/health.ts';
import { SESSIONS } from './endpoints/sessions.ts';
import { STATUS } from './endpoints/status.ts';

/** All that the admin plane answers, but for the WebSocket of events, which the server holds itself. */
export const ENDPOINTS: readonly Endpoint[] = [...HEALTH, ...STATUS, ...SESSIONS, ...CAPTURE, ...CONTROL];
