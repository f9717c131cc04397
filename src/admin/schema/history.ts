import { z } from 'zod';
import { count, rate, SCHEMAS, seconds, time, type View } from './fields.ts';

const point = z
  .strictObject({
    at: time.describe('End of the interval'),
    sessions: count,
    starts: count.describe('Sessions that came up in the interval'),
    ends: count,
    refusals: count,
    rxBps: rate.describe('Bits per second from the clients'),
    txBps: rate,
    rxPps: rate.describe('Packets per second'),
    txPps: rate,
    drops: count.describe('Packets dropped in the interval'),
    workers: z.array(
      z.strictObject({
        lag: seconds.describe('99th percentile of the delay of the event loop'),
        sessions: count,
        cpu: z.number().nonnegative().nullable().describe('Share of a core'),
      }),
    ),
  })
  .register(SCHEMAS, { id: 'HistoryPoint' });

export const history = z
  .strictObject({ intervalSeconds: seconds, points: z.array(point).describe('The oldest first') })
  .register(SCHEMAS, { id: 'History' });

export type HistoryPoint = View<typeof point>;
