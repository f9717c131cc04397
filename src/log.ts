import { type DestinationStream, type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { Config } from './config/schema.ts';

export type { Logger } from 'pino';

/**
 * The main thread's logger. Writes at once and in this thread (no worker of pino's own): what was logged before a
 * crash is on the disk. `json` is one object a line, `journal` the same as journald likes it, `pretty` is for a terminal.
 */
export function createLogger(
  { level, format }: Config['log'],
  destination: DestinationStream & NodeJS.WritableStream,
): Logger {
  // The journal has a time of its own for each line.
  if (format === 'journal') return pino({ level, timestamp: false, base: null }, journalStream(destination));
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

/** sd-daemon(3): a priority of syslog in front of each line, which journald takes off again and files the line under. */
function journalStream(destination: DestinationStream): DestinationStream {
  return {
    // Pino tells a stream with this property the level of the line in `lastLevel`.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: pino.levels.values['info'],
    write(line: string): void {
      destination.write(`<${priority(this.lastLevel ?? 0)}>${line}`);
    },
  } as DestinationStream & { lastLevel?: number };
}

/** LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG. */
function priority(level: number): number {
  if (level >= 60) return 2;
  if (level >= 50) return 3;
  if (level >= 40) return 4;
  return level >= 30 ? 6 : 7;
}
