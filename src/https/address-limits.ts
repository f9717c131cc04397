/**
 * How often one address may connect, and how many half-open connections it may have. An IPv6 client has a whole /64 to connect from,
 * so that is what counts as one address.
 */
import { parseIpv6 } from '../wire/ipv6.ts';

export interface AddressLimitOptions {
  /** New connections per second, in the long run. */
  readonly rate: number;
  /** New connections that may come at once after a silence. */
  readonly burst: number;
  readonly halfOpen: number;
}

interface Account {
  /** Connections that may still come now. */
  tokens: number;
  /** Monotonic milliseconds of the last look. */
  at: number;
  halfOpen: number;
}

/** Addresses that are remembered: a flood from more of them has other limits to meet. */
const MAX_ACCOUNTS = 50_000;

export class AddressLimits {
  readonly #options: AddressLimitOptions;
  /** In the order of the last connection. */
  readonly #accounts = new Map<string, Account>();

  constructor(options: AddressLimitOptions) {
    this.#options = options;
  }

  /** A connection has come. It counts as half-open until `settled`, unless it is refused. */
  admit(address: string, now: number): 'address-rate' | 'address-half-open' | undefined {
    const key = accountOf(address);
    const account = this.#account(key, now);
    if (account.halfOpen >= this.#options.halfOpen) return 'address-half-open';
    if (account.tokens < 1) return 'address-rate';
    account.tokens--;
    account.halfOpen++;
    return undefined;
  }

  /** An admitted connection is not half-open any more. */
  settled(address: string): void {
    const account = this.#accounts.get(accountOf(address));
    if (account !== undefined && account.halfOpen > 0) account.halfOpen--;
  }

  #account(key: string, now: number): Account {
    const { rate, burst } = this.#options;
    const known = this.#accounts.get(key);
    const account = known ?? { tokens: burst, at: now, halfOpen: 0 };
    account.tokens = Math.min(burst, account.tokens + ((now - account.at) / 1000) * rate);
    account.at = now;
    if (known !== undefined) this.#accounts.delete(key);
    else if (this.#accounts.size >= MAX_ACCOUNTS) this.#forgetOne();
    this.#accounts.set(key, account);
    return account;
  }

  /** The one that was quiet for longest among the first few without a half-open connection. */
  #forgetOne(): void {
    let looked = 0;
    for (const [key, { halfOpen }] of this.#accounts) {
      if (halfOpen === 0 || ++looked === 16) {
        this.#accounts.delete(key);
        return;
      }
    }
  }
}

function accountOf(address: string): string {
  const ipv6 = address.includes(':') ? parseIpv6(address) : undefined;
  return ipv6 === undefined ? address : (ipv6 >> 64n).toString(16);
}
