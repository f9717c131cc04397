import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from './config/schema.ts';

export type { Logger } from 'pino';

/**
 * The main thread's logger. Writes at once and in this thread (no worker of pino's own): what was logged before a
 * crash is on the disk. `json` is one object a line, `pretty` is for a terminal.
 */
export function createLogger(
  { level, format }: Config['log'],
  destination: DestinationStream & NodeJS.WritableStream,
): Logger {
  const options = { level, timestamp: pino.stdTimeFunctions.isoTime, base: null };
  if (format === 'json') return pino(options, destination);
  return pino(
    options,
    pretty({
      destination,
      sync: true,
      colorize: 'isTTY' in destination && destination.isTTY === true,
      ignore: 'pid,hostname',
    }),
  );
}
