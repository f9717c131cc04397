import type { Flag } from './benchmark.ts';

/** What `setup` may be asked for. */
export const setupFlags: Readonly<Record<string, Flag>> = {
  radius: {
    type: 'boolean',
    help: 'also by way of a FreeRADIUS that decides and is told of sessions (Debian package freeradius)',
  },
};
