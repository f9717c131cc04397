// A plan: a gateway, what it needs beside it, and the lines that are tried with it, one call or two each.
// Plans run in the guest; the host reads only their names and those of their lines.
import { strict as assert } from 'node:assert';
import { waitFor } from './commands.ts';
import type { ConfigSections, GatewayProcess, Session } from './gateway-process.ts';

/** Numbers worth keeping beside a passed line, such as transfer rates. */
export type Facts = Record<string, string | number>;

/** What a plan brings along for its gateway. */
export interface Surroundings {
  /** The plan's part of the gateway's configuration. */
  readonly sections: ConfigSections;
}

export interface LineContext<S extends Surroundings = Surroundings> {
  readonly gateway: GatewayProcess;
  /** Holds cert.pem, key.pem, the interceptor's pair and ca.pem, which trusts both. */
  readonly folder: string;
  readonly surroundings: S;
}

export interface Line<S extends Surroundings = Surroundings> {
  readonly name: string;
  readonly run: (context: LineContext<S>) => Promise<Facts>;
}

export interface Plan {
  readonly name: string;
  readonly lineNames: readonly string[];
  /** Starts what has to be there before the gateway; servers among it run until the guest ends. */
  readonly prepare: (folder: string) => Promise<PreparedPlan>;
}

interface PreparedPlan extends Surroundings {
  readonly lines: readonly { readonly name: string; readonly run: (gateway: GatewayProcess) => Promise<Facts> }[];
}

/** The last line of every plan. */
export const STOP_LINE = 'SIGTERM ends the gateway with exit status 0';

/** The gateway itself takes milliseconds; this has to hold in a guest that shares a busy machine. */
export const CLEANUP_LIMIT_MS = 15_000;

export function plan<S extends Surroundings>(
  name: string,
  surround: (folder: string) => Promise<S>,
  lines: readonly Line<S>[],
): Plan {
  return {
    name,
    lineNames: lines.map(line => line.name),
    prepare: async folder => {
      const surroundings = await surround(folder);
      return {
        sections: surroundings.sections,
        lines: lines.map(line => ({
          name: line.name,
          run: gateway => line.run({ gateway, folder, surroundings }),
        })),
      };
    },
  };
}

export async function sessionUp(gateway: GatewayProcess): Promise<Session> {
  return await waitFor('a session that is up', CLEANUP_LIMIT_MS, async () => {
    const sessions = await gateway.sessions();
    assert.ok(sessions.length <= 1, `one client, ${sessions.length} sessions`);
    return sessions.find(session => session.state === 'up');
  });
}
