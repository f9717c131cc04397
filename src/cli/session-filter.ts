import { type Command, InvalidArgumentError, Option } from 'commander';
import { SESSION_STATES } from '../admin/session-keys.ts';

/** Which sessions a command is about: all that every one of these lets through. */
export interface SessionFilter {
  readonly user?: string;
  readonly state?: string;
  readonly worker?: number;
  readonly address?: string;
  readonly search?: string;
}

export function withFilterOptions(command: Command): Command {
  return command
    .option('--user <user>', 'sessions of exactly this user')
    .addOption(new Option('--state <state>', 'sessions in this state').choices(SESSION_STATES))
    .option('--worker <index>', 'sessions of this data worker', wholeNumber)
    .option('--address <address>', 'sessions with this address, in the tunnel or outside of it')
    .option('--search <text>', 'sessions with this text in their id, user or addresses');
}

/** As parameters of `GET /api/v1/sessions`. */
export function filterQuery({ user, state, worker, address, search }: SessionFilter): URLSearchParams {
  const given = Object.entries({ user, state, worker, address, search }).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]));
}

export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number is needed.');
}
