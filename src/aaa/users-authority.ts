import type { Authority } from './authority.ts';
import type { UsersFile } from './users.ts';

/** The users file as an authority like any other. */
export function usersAuthority(users: UsersFile): Authority {
  return {
    decide: ({ credentials }) => Promise.resolve(users.decide(credentials)),
    forget: () => {},
    close: () => Promise.resolve(),
  };
}
