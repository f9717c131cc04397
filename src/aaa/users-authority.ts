import type { Authority, Decision } from './authority.ts';
import type { UsersFile } from './users.ts';

/** The users file as an authority like any other. */
export function usersAuthority(users: UsersFile): Authority {
  return {
    async decide({ credentials }): Promise<Decision> {
      const decision = users.decide(credentials);
      if (decision.kind === 'rejected') return { kind: 'rejected', reason: decision.reason };
      const { user, hlak, message } = decision;
      const attributes = {
        ipv4: user.ipv4 === undefined ? undefined : ({ kind: 'fixed', address: user.ipv4 } as const),
        maxSessions: user.maxSessions,
        rate: user.rate,
      };
      return { kind: 'accepted', user: user.name, hlak, message, attributes };
    },
    forget: () => {},
    close: () => Promise.resolve(),
  };
}
