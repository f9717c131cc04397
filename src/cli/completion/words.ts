import type { SessionView } from '../../admin/gateway-view.ts';
import { AdminClient } from '../admin-client.ts';
import type { AdminTarget } from '../admin-options.ts';
import type { WordKind } from '../completion.ts';

/** Who presses Tab does not wait longer. */
const TIME_LIMIT_MS = 1000;
const MOST_WORDS = 1000;

/** Session ids or users of the gateway that begin with the prefix; none when it does not answer. */
export async function completionWords(kind: WordKind, prefix: string, target: AdminTarget): Promise<string[]> {
  const query = new URLSearchParams({ search: prefix, limit: `${MOST_WORDS}` });
  try {
    const signal = AbortSignal.timeout(TIME_LIMIT_MS);
    const answer = await new AdminClient(target).request('GET', `/api/v1/sessions?${query.toString()}`, { signal });
    const { sessions } = answer as { readonly sessions: readonly SessionView[] };
    const words = sessions.map(({ id, user }) => (kind === 'sessions' ? id : user));
    return [...new Set(words)].filter(word => word.startsWith(prefix) && isHarmless(word)).toSorted();
  } catch {
    return [];
  }
}

/** Users choose their names: what a shell could take for more than a word is not offered. */
function isHarmless(word: string): boolean {
  return /^[\p{L}\p{N}_@.][\p{L}\p{M}\p{N}_@.+\\-]*$/u.test(word);
}
