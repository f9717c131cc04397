/** Who may connect, and with which address. Whatever it gives to a session, it takes back. */
import type { UsersFile } from '../aaa/users.ts';
import type { Config } from '../config/schema.ts';
import type { Credentials, Verdict } from '../protocol/ppp/credentials.ts';
import { MsChapFailureCode } from '../wire/chap.ts';
import { AddressPool } from './address-pool.ts';
import type { Network } from './network.ts';
import type { SessionRow, SessionTable } from './session-table.ts';

export interface Admitted {
  /** 'accepted', or why not: for counters and the log. The client is told less. */
  readonly result: string;
  readonly verdict: Verdict;
}

export class Admission {
  readonly pool: AddressPool;
  readonly #ipv4: Config['network']['ipv4'];
  readonly #users: UsersFile;
  readonly #network: Network;
  readonly #table: SessionTable;

  constructor(ipv4: Config['network']['ipv4'], users: UsersFile, network: Network, table: SessionTable) {
    this.#ipv4 = ipv4;
    this.#users = users;
    this.#network = network;
    this.#table = table;
    this.pool = new AddressPool(ipv4.pool, users.staticAddresses());
  }

  /** Judges the credentials; a session that is accepted has its address and its route when this returns. */
  decide(row: SessionRow, credentials: Credentials): Admitted {
    if (row.ipv4 !== undefined) return noService('authenticated-twice', 'Authenticated already');
    const decision = this.#users.decide(credentials);
    if (decision.kind === 'rejected') {
      return refuse(decision.reason, MsChapFailureCode.AuthenticationFailure, 'Authentication failed');
    }
    const { user } = decision;
    if (this.#table.countOfUser(user.name) >= user.maxSessions) {
      return noService('too-many-sessions', 'Too many sessions');
    }
    const address = this.#lease(user.ipv4);
    if (address === undefined) {
      return noService(user.ipv4 === undefined ? 'pool-exhausted' : 'address-in-use', 'No address available');
    }
    row.ipv4 = address;
    // Not only when the session is up: the answer to the client's first packet must find the route.
    this.#network.addRoute(address, row.worker);
    this.#table.setUser(row, user.name);
    const { gateway, dns, nbns } = this.#ipv4;
    const { hlak, message } = decision;
    return {
      result: 'accepted',
      verdict: { kind: 'accepted', hlak, message, ipv4: { address, gateway, dns, nbns } },
    };
  }

  /** Takes back what the session was given. */
  release(row: SessionRow): void {
    if (row.ipv4 === undefined) return;
    this.#network.removeRoute(row.ipv4, row.worker);
    this.pool.release(row.ipv4);
  }

  #lease(reserved: number | undefined): number | undefined {
    if (reserved === undefined) return this.pool.lease();
    return this.pool.leaseStatic(reserved) ? reserved : undefined;
  }
}

/** For somebody whose name and password are right. */
function noService(result: string, message: string): Admitted {
  return refuse(result, MsChapFailureCode.NoDialInPermission, message);
}

function refuse(result: string, code: MsChapFailureCode, message: string): Admitted {
  return { result, verdict: { kind: 'rejected', code, message } };
}
