// What the gateway answers when it is asked to do something, and when it does not.
import { z } from 'zod';
import { SCHEMAS, type View } from './fields.ts';

export const problem = z
  .strictObject({
    error: z.strictObject({
      code: z.string().describe('For programs: it stays when the text changes'),
      message: z.string().describe('For people'),
    }),
  })
  .register(SCHEMAS, { id: 'Problem' });

export const BAD_QUERY = {
  description: 'The query is not understood: the message says what is accepted',
  schema: problem,
};
export const NO_SESSION = { description: 'There is no session of this id', schema: problem };

export const alive = z.strictObject({ status: z.literal('ok') }).register(SCHEMAS, { id: 'Alive' });

export const draining = z.strictObject({ state: z.literal('draining') }).register(SCHEMAS, { id: 'Draining' });

export const captureStopping = z
  .strictObject({ id: z.string(), state: z.literal('stopping') })
  .register(SCHEMAS, { id: 'CaptureStopping' });

export const reloaded = z
  .strictObject({
    ok: z.literal(true),
    needsRestart: z.array(z.string()).describe('Keys whose new value waits for a restart'),
    warnings: z.array(z.string()),
  })
  .register(SCHEMAS, { id: 'Reloaded' });

export const notReloaded = z
  .strictObject({
    ok: z.literal(false),
    problems: z.array(z.string()).describe('`file:line: key: what is wrong; accepted: ...`'),
  })
  .register(SCHEMAS, { id: 'NotReloaded' });

export type ReloadView = View<typeof reloaded> | View<typeof notReloaded>;
