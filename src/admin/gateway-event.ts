// What happens to a gateway, as the admin plane tells it to whoever listens.
import { z } from 'zod';
import { count, SCHEMAS, seconds, time, type View } from './schema/fields.ts';
import { session } from './schema/session.ts';

/** Of the WebSocket that tells them. */
export const EVENTS_PATH = '/api/v1/events';

const sessionUp = z.strictObject({ type: z.literal('session-up'), session });

const sessionDown = z
  .strictObject({ type: z.literal('session-down'), session, reason: z.string(), cause: z.string() })
  .describe('Of sessions that had been up. The totals in `session` are final');

const refused = z
  .strictObject({ type: z.literal('refused'), reason: z.string(), remoteAddress: z.string() })
  .describe('A connection that never became a session');

const authRefused = z.strictObject({
  type: z.literal('auth-refused'),
  session: z.string(),
  user: z.string(),
  method: z.string(),
  reason: z.string(),
  remoteAddress: z.string(),
});

const suppressed = z
  .strictObject({
    type: z.literal('suppressed'),
    event: z.enum(['refused', 'auth-refused']),
    reason: z.string(),
    count,
    since: time.describe('When the first of them was left out'),
  })
  .describe('So many events of this kind were left out, in about a second: peers cause them as often as they like');

const workerLost = z.strictObject({
  type: z.literal('worker-lost'),
  worker: count,
  error: z.string(),
  sessions: count,
});

const workerReady = z.strictObject({ type: z.literal('worker-ready'), worker: count });

const reload = z.strictObject({
  type: z.literal('reload'),
  ok: z.boolean(),
  needsRestart: z.array(z.string()),
  problems: z.array(z.string()),
});

const captureStarted = z.strictObject({
  type: z.literal('capture'),
  phase: z.literal('started'),
  session: z.string(),
  user: z.string(),
  by: z.string().describe('The address of who wants it'),
  seconds,
  auth: z.boolean().describe('Authentication is in it'),
});

const captureEnded = z.strictObject({
  type: z.literal('capture'),
  phase: z.literal('ended'),
  session: z.string(),
  user: z.string(),
  by: z.string(),
  reason: z.string(),
  packets: count.optional().describe('Unknown when its reader has gone'),
  dropped: count.optional(),
});

const drain = z.strictObject({ type: z.literal('drain') });

const missed = z
  .strictObject({ type: z.literal('missed'), count })
  .describe('So many events were left out for this reader, which was too slow');

const occurrences = [
  sessionUp,
  sessionDown,
  refused,
  authRefused,
  suppressed,
  workerLost,
  workerReady,
  reload,
  captureStarted,
  captureEnded,
  drain,
] as const;

/** As a WebSocket carries it. */
export const gatewayEvent = z
  .union(
    [...occurrences, missed].map(({ shape, description }) =>
      z.strictObject({ at: time, ...shape }).meta({ description }),
    ),
  )
  .register(SCHEMAS, { id: 'Event' });

export type GatewayOccurrence = View<(typeof occurrences)[number]>;
export type GatewayEvent = GatewayOccurrence & {
  /** ISO 8601, UTC. */
  readonly at: string;
};
