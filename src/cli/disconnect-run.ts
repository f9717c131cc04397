/** The `disconnect` command. */
import { AdminClient } from './admin-client.ts';
import { CommandError, ExitCode } from './command-error.ts';
import { confirm } from './confirm.ts';
import type { DisconnectFlags } from './disconnect.ts';
import { printJson } from './json-output.ts';
import type { SessionView } from '../admin/gateway-view.ts';
import { filterQuery } from './session-filter.ts';
import { printable } from './terminal-text.ts';

/** Requests on their way at a time: enough for a thousand sessions a second, too few to be felt by the gateway. */
const LANES = 8;

interface Outcome {
  readonly id: string;
  readonly state: 'closing' | 'gone';
}

export async function disconnect(ids: readonly string[], flags: DisconnectFlags): Promise<void> {
  const query = filterQuery(flags);
  if ([ids.length > 0, query.size > 0, flags.all === true].filter(Boolean).length !== 1) {
    throw new CommandError('which sessions? Give ids, or filters such as --user, or --all', ExitCode.Usage);
  }
  const client = new AdminClient(flags);
  const wanted = ids.length > 0 ? ids : await chosen(client, query, flags.yes === true);
  const outcomes = await endAll(client, wanted);
  if (flags.json === true) printJson({ sessions: outcomes });
  else for (const { id, state } of outcomes) if (state === 'closing') console.log(`${printable(id)}: closing`);
  if (ids.length === 0) {
    if (outcomes.length === 0 && flags.json !== true) console.log('no session matches');
    // Those that went by themselves meanwhile are where they should be.
    return;
  }
  const missing = outcomes.filter(({ state }) => state === 'gone').map(({ id }) => `there is no session ${id}`);
  if (missing.length > 0) throw new CommandError(missing.join('\n'));
}

/** The ids of the sessions that the query lets through, once the user has agreed to their end. */
async function chosen(client: AdminClient, query: URLSearchParams, isAgreed: boolean): Promise<string[]> {
  const { sessions } = (await client.request('GET', `/api/v1/sessions?${query.toString()}`)) as {
    readonly sessions: readonly SessionView[];
  };
  if (sessions.length === 0 || isAgreed) return sessions.map(({ id }) => id);
  const users = [...new Set(sessions.map(({ user }) => (user === '' ? '(no name yet)' : user)))];
  const named = users.length <= 5 ? users.join(', ') : `${users.length} users`;
  const count = sessions.length === 1 ? '1 session' : `${sessions.length} sessions`;
  const without = `${count} would end; there is no terminal to ask whether they shall: --yes says so`;
  if (await confirm(printable(`End ${count} of ${named}?`), without)) return sessions.map(({ id }) => id);
  throw new CommandError('nothing was ended');
}

/** In the order of `ids`, which is how they are reported. */
async function endAll(client: AdminClient, ids: readonly string[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = ids.entries();
  const lane = async (): Promise<void> => {
    for (const [index, id] of waiting) outcomes[index] = await end(client, id);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return outcomes;
}

async function end(client: AdminClient, id: string): Promise<Outcome> {
  const path = `/api/v1/sessions/${encodeURIComponent(id)}`;
  const answer = await client.request('DELETE', path, { understands: [404] });
  return { id, state: typeof answer === 'object' && answer !== null && 'state' in answer ? 'closing' : 'gone' };
}
